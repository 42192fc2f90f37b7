import type { EntryFacts } from './entryFacts';

/** One access to memory, in the words of SDM Vol. 3, "Determination of Access Rights". */
export interface Access {
  readonly what: 'read' | 'write' | 'fetch';
  /** User mode: made at CPL 3 and not implicit. */
  readonly mode: 'user' | 'supervisor';
  /** Implicit: to a descriptor table and the like. */
  readonly how: 'explicit' | 'implicit';
}

/** The controls that the sentences name. */
export interface Controls {
  /** CR0.WP, CR4.SMEP, CR4.SMAP, RFLAGS.AC, EFER.NXE. */
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly ac: boolean;
  readonly nxe: boolean;
  readonly pse: boolean;
  /** CR4.PKE and the PKRU register; they count in 4-level and 5-level paging. */
  readonly pke: boolean;
  readonly pkru: number;
  /** CR4.PKS and the IA32_PKRS MSR, likewise. */
  readonly pks: boolean;
  readonly pkrs: number;
}

/** An entry that a translation uses. */
export interface Used {
  readonly facts: EntryFacts;
}

/** What the sentences say of a whole translation; `last` is the index of the entry that maps the page. */
export class Translation {
  userModeAddress = true;
  writable = true;
  noExecute = false;
  key = 0;

  /** "…in every paging-structure entry controlling the translation." */
  take(path: readonly Used[], last: number): void {
    this.userModeAddress = true;
    this.writable = true;
    this.noExecute = false;
    for (let i = 0; i <= last; i++) {
      const { facts } = path[i]!;
      this.userModeAddress = this.userModeAddress && facts.user;
      this.writable = this.writable && facts.writable;
      this.noExecute = this.noExecute || facts.noExecute;
    }
    this.key = path[last]?.facts.key ?? 0;
  }
}

/**
 * SDM Vol. 3, "Protection Keys". Of user-mode addresses, by PKRU: "If ADi = 1, the processor prevents any data accesses to
 * user-mode addresses with protection key i." WDi = 1 prevents user-mode writes to them, and supervisor-mode writes if
 * CR0.WP = 1. Of supervisor-mode addresses, by IA32_PKRS: ADi prevents data accesses; "If WDi = 1, write accesses are not
 * permitted if CR0.WP = 1. (If CR0.WP = 0, IA32_PKRS.WDi does not affect write accesses …)". "Page-Fault Exceptions" sets
 * PK for what the keys prevent, whether or not the access would be allowed without them: by user-mode accesses too.
 */
export function keyPrevents(access: Access, to: Translation, controls: Controls): boolean {
  if (access.what === 'fetch') return false;
  const inForce = to.userModeAddress ? controls.pke : controls.pks;
  if (!inForce) return false;
  const register = to.userModeAddress ? controls.pkru : controls.pkrs;
  const accessDisable = Math.floor(register / 2 ** (2 * to.key)) % 2 === 1;
  const writeDisable = Math.floor(register / 2 ** (2 * to.key + 1)) % 2 === 1;
  if (accessDisable) return true;
  if (!writeDisable || access.what === 'read') return false;
  return controls.wp || to.userModeAddress && access.mode === 'user';
}

/** SDM Vol. 3, "Determination of Access Rights", sentence by sentence, protection keys aside. */
export function isAllowed(access: Access, to: Translation, controls: Controls): boolean {
  if (access.mode === 'supervisor') return to.userModeAddress ? supervisorToUser(access, to, controls) : supervisorToSupervisor(access, to, controls);
  // "For user-mode accesses … Access to a supervisor-mode address is not allowed."
  if (!to.userModeAddress) return false;
  switch (access.what) {
    // "Data may be read from any user-mode address."
    case 'read': return true;
    // "Data may be written to any user-mode address with a translation for which the R/W flag is 1 in every entry."
    case 'write': return to.writable;
    // "Instructions may be fetched from any user-mode address" whose XD is 0 in every entry, where there is XD.
    case 'fetch': return !to.noExecute;
  }
}

function supervisorToSupervisor(access: Access, to: Translation, controls: Controls): boolean {
  switch (access.what) {
    // "Data may be read (implicitly or explicitly) from any supervisor-mode address."
    case 'read': return true;
    // "If CR0.WP = 0, data may be written to any supervisor-mode address. If CR0.WP = 1, … R/W flag is 1 in every entry."
    case 'write': return !controls.wp || to.writable;
    // "If IA32_EFER.NXE = 1, instructions may be fetched … for which the XD flag is 0 in every entry."
    case 'fetch': return !to.noExecute;
  }
}

function supervisorToUser(access: Access, to: Translation, controls: Controls): boolean {
  if (access.what === 'fetch') {
    // "If CR4.SMEP = 1, instructions may not be fetched from any user-mode address."
    return !controls.smep && !to.noExecute;
  }
  // "If CR4.SMAP = 1 … if EFLAGS.AC = 1 and the access is explicit, data may be …; if EFLAGS.AC = 0 or the access is implicit, may not."
  const smapAllows = !controls.smap || controls.ac && access.how === 'explicit';
  if (access.what === 'read') return smapAllows;
  return smapAllows && (!controls.wp || to.writable);
}
