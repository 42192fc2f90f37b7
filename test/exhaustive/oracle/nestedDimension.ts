import type { Access, Controls, Used } from './accessRights';
import { Translation, isAllowed } from './accessRights';
import type { EptFacts } from './entryFacts';
import { pageFaultErrorCode } from './pageFault';
import type { Flagged, Outcome } from './verdict';

/** What the processor does to a guest-physical address, and for whom. */
export interface NestedAccess {
  readonly what: Access['what'];
  /** A write as well as a read: a guest paging structure while EPT has accessed and dirty flags. */
  readonly alsoReads: boolean;
  /** The guest's entry itself is accessed, not what the linear address translates to. */
  readonly toGuestTable: boolean;
  /** What the guest's own tables say of the linear address whose translation is accessed. */
  readonly linear: Pick<Translation, 'userModeAddress' | 'writable' | 'noExecute'>;
}

/** Nothing is said of the linear address while its translation is still being made. */
const untold = { userModeAddress: false, writable: false, noExecute: false } as const;

/** A nested table's entries from the top, and what comes of a guest-physical access. */
export interface NestedTables<Entry> {
  readonly access: { readonly table: NestedAccess; final(what: Access['what'], linear: NestedAccess['linear']): NestedAccess };
  /** Translates; the answer stands in the fields of the tables until the next question. */
  ask(path: readonly Entry[], gpa: number, access: NestedAccess): void;
  /** The write by which an accessed or dirty flag is set in a guest's entry, where that is an access of its own. */
  mayUpdateFlags(): boolean;
  outcome: Outcome;
  references: number;
  hpa: number;
  sizeBits: number;
  dirty: boolean;
  /** For a refusal. */
  level: number;
  qualification: number;
  qualificationHigh: number;
  convertible: boolean;
}

/** Clears what is said of flags, for one access. */
export function forgetFlags(path: readonly Flagged[]): void {
  for (const entry of path) entry.must = entry.may = 0;
}

const QUALIFICATION = {
  read: 2 ** 0, write: 2 ** 1, fetch: 2 ** 2, readable: 2 ** 3, writable: 2 ** 4, executable: 2 ** 5, userExecutable: 2 ** 6,
  linearValid: 2 ** 7, translation: 2 ** 8, userAddress: 2 ** 9, writableAddress: 2 ** 10, executeDisableAddress: 2 ** 11,
} as const;
const EPT_ACCESSED = 2 ** 8;
const EPT_DIRTY = 2 ** 9;

/** An EPT entry on the way. */
export interface EptEntry extends Flagged {
  readonly facts: EptFacts;
  readonly level: number;
}

/** SDM Vol. 3, "EPT Violations", "EPT Misconfigurations", "Exit Qualification for EPT Violations", "Accessed and Dirty Flags for EPT". */
export class EptTables implements NestedTables<EptEntry> {
  readonly access;
  outcome: Outcome = 'mapped';
  references = 0;
  hpa = 0;
  sizeBits = 0;
  dirty = true;
  level = 0;
  qualification = 0;
  readonly qualificationHigh = 0;
  convertible = false;
  private writable = false;

  /** `flags`: bit 6 of the EPTP. "Processor accesses to guest paging-structure entries are treated as writes." */
  constructor(private readonly flags: 'on' | 'off', private readonly modeBasedExecute: boolean, private readonly advancedInformation: boolean) {
    this.access = accessesOf(flags === 'on' ? 'write' : 'read');
  }

  ask(path: readonly EptEntry[], gpa: number, access: NestedAccess): void {
    let end = 0;
    while (path[end]!.facts.present && !path[end]!.facts.misconfigured && !path[end]!.facts.mapsPage) end++;
    const stop = path[end]!.facts;
    this.references = end + 1;
    this.level = path[end]!.level;
    // "Bits 5:3 … the logical-AND of the bit in the EPT paging-structure entries used"; 0 when one was not present.
    let readable = stop.present;
    let executable = stop.present;
    let userExecutable = stop.present;
    this.writable = stop.present;
    for (let i = 0; i <= end; i++) {
      readable = readable && path[i]!.facts.readable;
      this.writable = this.writable && path[i]!.facts.writable;
      executable = executable && path[i]!.facts.executable;
      userExecutable = userExecutable && path[i]!.facts.userExecutable;
    }
    // "If mode-based execute control is 1, fetches from supervisor-mode linear addresses go by bit 2, from user-mode ones by bit 10."
    const fetchable = this.modeBasedExecute && access.linear.userModeAddress ? userExecutable : executable;
    const allowed = access.what === 'fetch' ? fetchable
      : (access.what !== 'write' || this.writable) && (access.what !== 'read' && !access.alsoReads || readable);
    this.outcome = !stop.present ? 'EPT violation' : stop.misconfigured ? 'EPT misconfiguration' : allowed ? 'mapped' : 'EPT violation';
    this.qualification = (access.what === 'read' || access.alsoReads ? QUALIFICATION.read : 0)
      + (access.what === 'write' ? QUALIFICATION.write : 0) + (access.what === 'fetch' ? QUALIFICATION.fetch : 0)
      + (readable ? QUALIFICATION.readable : 0) + (this.writable ? QUALIFICATION.writable : 0)
      + (executable ? QUALIFICATION.executable : 0) + (userExecutable ? QUALIFICATION.userExecutable : 0)
      + QUALIFICATION.linearValid + (access.toGuestTable ? 0 : QUALIFICATION.translation + this.advanced(access));
    // SDM Vol. 3, "Convertible EPT Violations": bit 63 of the entry that is not present, else of the one that maps the page.
    this.convertible = !stop.suppressVe;
    const mapped = this.outcome === 'mapped';
    if (mapped) {
      this.sizeBits = stop.sizeBits;
      this.hpa = stop.frame + gpa % 2 ** stop.sizeBits;
      this.dirty = this.flags === 'off' || stop.dirty || access.what === 'write' || (path[end]!.must & EPT_DIRTY) !== 0;
    }
    if (this.flags === 'off') return;
    for (let i = 0; i < end; i++) markFlag(path[i]!, mapped ? 'must' : 'may', EPT_ACCESSED);
    if (mapped) markFlag(path[end]!, 'must', access.what === 'write' ? EPT_ACCESSED | EPT_DIRTY : EPT_ACCESSED);
  }

  /** Bits 11:9, "if advanced VM-exit information for EPT violations is supported, bits 7 and 8 being 1". */
  private advanced({ linear }: NestedAccess): number {
    if (!this.advancedInformation) return 0;
    return (linear.userModeAddress ? QUALIFICATION.userAddress : 0) + (linear.writable ? QUALIFICATION.writableAddress : 0)
      + (linear.noExecute ? QUALIFICATION.executeDisableAddress : 0);
  }

  mayUpdateFlags(): boolean {
    if (this.access.table.what === 'write' || this.writable) return true;
    this.outcome = 'EPT violation';
    this.qualification = (this.qualification & ~QUALIFICATION.read) + QUALIFICATION.write;
    return false;
  }
}

/** `table`: what an access to a guest's paging structure is to the nested tables. */
function accessesOf(table: 'read' | 'write'): NestedTables<never>['access'] {
  const final = { what: 'read' as Access['what'], alsoReads: false, toGuestTable: false, linear: untold as NestedAccess['linear'] };
  return {
    table: { what: table, alsoReads: true, toGuestTable: true, linear: untold },
    final: (what, linear) => {
      final.what = what;
      final.linear = linear;
      return final;
    },
  };
}

/** The access sets the flag, or (being refused further on) may have set it. */
export function markFlag(entry: Flagged, how: 'must' | 'may', flag: number): void {
  entry.may |= flag;
  if (how === 'must') entry.must |= flag;
}

/** A nested paging entry on the way. */
export interface NptEntry extends Flagged, Used { readonly level: number }

const userAccess = {
  read: { what: 'read', mode: 'user', how: 'explicit' },
  write: { what: 'write', mode: 'user', how: 'explicit' },
  fetch: { what: 'fetch', mode: 'user', how: 'explicit' },
} as const;
const EXITINFO1_HIGH = { final: 1, table: 2 } as const;

/**
 * APM Vol. 2, "Nested Paging": "all guest accesses are treated as user accesses" by the nested tables, and a guest's
 * table walk as user writes. The nested page fault's error code is that of the nested access.
 */
export class NptTables implements NestedTables<NptEntry> {
  readonly access;
  outcome: Outcome = 'mapped';
  references = 0;
  hpa = 0;
  sizeBits = 0;
  dirty = true;
  level = 0;
  qualification = 0;
  qualificationHigh = 0;
  readonly convertible = false;
  private readonly translation = new Translation();

  /** `host`: the controls of the host at VMRUN, which the nested tables go by. */
  constructor(private readonly host: Controls, private readonly hostPae: boolean) {
    this.access = accessesOf('write');
  }

  ask(path: readonly NptEntry[], gpa: number, access: NestedAccess): void {
    let end = 0;
    while (path[end]!.facts.present && !path[end]!.facts.reserved && !path[end]!.facts.mapsPage) end++;
    const stop = path[end]!.facts;
    const asked = userAccess[access.what];
    this.references = end + 1;
    this.level = path[end]!.level;
    this.translation.take(path, end);
    const cause = !stop.present ? 'not present' : stop.reserved ? 'reserved bit'
      : isAllowed(asked, this.translation, this.host) ? undefined : 'access rights';
    this.outcome = cause === undefined ? 'mapped' : 'nested page fault';
    if (cause === undefined) {
      this.sizeBits = stop.sizeBits;
      this.hpa = stop.frame + gpa % 2 ** stop.sizeBits;
      this.dirty = stop.dirty || access.what === 'write' || (path[end]!.must & stop.dirtyFlag) !== 0;
    } else {
      this.qualification = pageFaultErrorCode(asked, cause, this.translation, this.host, this.hostPae);
      this.qualificationHigh = access.toGuestTable ? EXITINFO1_HIGH.table : EXITINFO1_HIGH.final;
    }
    const completed = cause === undefined;
    for (let i = 0; i < end; i++) markFlag(path[i]!, completed ? 'must' : 'may', path[i]!.facts.accessedFlag);
    if (completed) markFlag(path[end]!, 'must', access.what === 'write' ? stop.accessedFlag | stop.dirtyFlag : stop.accessedFlag);
  }

  mayUpdateFlags(): boolean {
    return true;
  }
}
