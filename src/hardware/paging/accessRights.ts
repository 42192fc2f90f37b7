import { ACCESS, ACCESSES, ACCESS_KIND_MASK } from './accessKinds';
import { keptCompilations } from './compiledOnce';
import { CR0, CR4, RFLAGS } from '../processor/controlRegisters';

/** Bits of a rights integer, in the order of `PagingFormat.rights`. */
export const PAGE_RIGHTS = { writable: 1, user: 2, executable: 4 } as const;
/** With mode-based execute control `executable` is for supervisor-mode linear addresses, `userExecutable` for the others. */
export const EPT_RIGHTS = { readable: 1, writable: 2, executable: 4, userExecutable: 8 } as const;
/** The three rights that every format has. */
export const ALL_RIGHTS = 7;
/** Index of a permission bitmap: `access << RIGHTS_BITS | rights`. */
export const RIGHTS_BITS = 4;
const RIGHTS_MASK = (1 << RIGHTS_BITS) - 1;
/** Entries of a permission bitmap. */
export const PERMISSIONS = ACCESSES << RIGHTS_BITS;

/** Registers that decide rights, low halves. */
export interface RightsControls {
  readonly cr0: number;
  readonly cr4: number;
  readonly rflags: number;
}

/** What a row may ask for. */
export const rightsConditions = {
  never: () => false,
  /** CR0.WP: supervisor writes honour R/W. */
  writableIfWp: (c: RightsControls, rights: number) => (c.cr0 & CR0.WP) === 0 || (rights & PAGE_RIGHTS.writable) !== 0,
  writable: (_: RightsControls, rights: number) => (rights & PAGE_RIGHTS.writable) !== 0,
  executable: (_: RightsControls, rights: number) => (rights & PAGE_RIGHTS.executable) !== 0,
  smep: (c: RightsControls) => (c.cr4 & CR4.SMEP) === 0,
  /** RFLAGS.AC overrides SMAP for explicit accesses only. */
  smap: (c: RightsControls, _: number, access: number) =>
    (c.cr4 & CR4.SMAP) === 0 || (c.rflags & RFLAGS.AC) !== 0 && (access & ACCESS.implicit) === 0,
} as const satisfies Record<string, (controls: RightsControls, rights: number, access: number) => boolean>;
export type RightsCondition = keyof typeof rightsConditions;

export interface AccessRightsRow {
  readonly kind: number;
  readonly by: 'supervisor' | 'user';
  /** Mode of the address: user when U/S is 1 in all entries used. */
  readonly address: 'supervisor' | 'user';
  readonly needs: readonly RightsCondition[];
  /** For messages. */
  readonly name: string;
}

/** SDM Vol. 3, "Determination of Access Rights". Protection keys are judged after this table. */
export const accessRightsRows: readonly AccessRightsRow[] = [
  { kind: ACCESS.read, by: 'supervisor', address: 'supervisor', needs: [], name: 'supervisor read of a supervisor page' },
  { kind: ACCESS.read, by: 'supervisor', address: 'user', needs: ['smap'], name: 'supervisor read of a user page' },
  { kind: ACCESS.write, by: 'supervisor', address: 'supervisor', needs: ['writableIfWp'], name: 'supervisor write to a supervisor page' },
  { kind: ACCESS.write, by: 'supervisor', address: 'user', needs: ['writableIfWp', 'smap'], name: 'supervisor write to a user page' },
  { kind: ACCESS.fetch, by: 'supervisor', address: 'supervisor', needs: ['executable'], name: 'supervisor fetch from a supervisor page' },
  { kind: ACCESS.fetch, by: 'supervisor', address: 'user', needs: ['smep', 'executable'], name: 'supervisor fetch from a user page' },
  { kind: ACCESS.read, by: 'user', address: 'supervisor', needs: ['never'], name: 'user read of a supervisor page' },
  { kind: ACCESS.read, by: 'user', address: 'user', needs: [], name: 'user read of a user page' },
  { kind: ACCESS.write, by: 'user', address: 'supervisor', needs: ['never'], name: 'user write to a supervisor page' },
  { kind: ACCESS.write, by: 'user', address: 'user', needs: ['writable'], name: 'user write to a user page' },
  { kind: ACCESS.fetch, by: 'user', address: 'supervisor', needs: ['never'], name: 'user fetch from a supervisor page' },
  { kind: ACCESS.fetch, by: 'user', address: 'user', needs: ['executable'], name: 'user fetch from a user page' },
];

/** Row that judges an access with these rights; -1 for an access that paging knows no row for. */
export function accessRightsRow(access: number, rights: number): number {
  const by = access & ACCESS.user ? 'user' : 'supervisor';
  const address = rights & PAGE_RIGHTS.user ? 'user' : 'supervisor';
  const kind = access & ACCESS_KIND_MASK;
  return accessRightsRows.findIndex((row) => row.kind === kind && row.by === by && row.address === address);
}

/** Of these registers, as much as rows of the table ask for: equal for controls that give equal permissions. */
export function rightsKey({ cr0, cr4, rflags }: RightsControls): number {
  return (cr0 & CR0.WP ? 1 : 0) | (cr4 & CR4.SMEP ? 2 : 0) | (cr4 & CR4.SMAP ? 4 : 0) | (rflags & RFLAGS.AC ? 8 : 0);
}

/** By `rightsKey`. */
const compiledPermissions = keptCompilations<number, Uint8Array>();

/** Fills the permission bitmap of paging: 1 where the access is allowed with the rights. */
export function compilePagePermissions(permissions: Uint8Array, controls: RightsControls): void {
  const key = rightsKey(controls);
  let compiled = compiledPermissions.get(key);
  if (compiled === undefined) {
    compiled = pagePermissions(controls);
    compiledPermissions.set(key, compiled);
  }
  permissions.set(compiled);
}

function pagePermissions(controls: RightsControls): Uint8Array {
  const permissions = new Uint8Array(PERMISSIONS);
  for (let access = 0; access < ACCESSES; access++) {
    for (let rights = 0; rights <= RIGHTS_MASK; rights++) {
      const row = accessRightsRows[accessRightsRow(access, rights)];
      const allowed = row !== undefined && row.needs.every((need) => rightsConditions[need](controls, rights, access));
      permissions[(access << RIGHTS_BITS) | rights] = allowed ? 1 : 0;
    }
  }
  return permissions;
}

/** A kind of guest-physical access, and what it needs of an EPT translation. */
export interface EptRightsRow {
  readonly kind: number;
  /** Mode of the linear address that is translated: told apart for fetches with mode-based execute control alone. */
  readonly address: 'supervisor' | 'user' | 'either';
  /** The "mode-based execute control for EPT" that the row is for. */
  readonly modeBasedExecute: 'on' | 'off' | 'either';
  /** EPT_RIGHTS that all entries used must give. */
  readonly needs: number;
  /** For messages. */
  readonly name: string;
}

/** SDM Vol. 3, "EPT Violations", "Mode-Based Execute Control for EPT". */
export const eptRightsRows: readonly EptRightsRow[] = [
  { kind: ACCESS.read, address: 'either', modeBasedExecute: 'either', needs: EPT_RIGHTS.readable, name: 'a data read' },
  { kind: ACCESS.write, address: 'either', modeBasedExecute: 'either', needs: EPT_RIGHTS.writable, name: 'a data write' },
  {
    kind: ACCESS.readWrite, address: 'either', modeBasedExecute: 'either',
    needs: EPT_RIGHTS.readable | EPT_RIGHTS.writable, name: 'a paging-structure access with EPT accessed and dirty flags',
  },
  { kind: ACCESS.fetch, address: 'either', modeBasedExecute: 'off', needs: EPT_RIGHTS.executable, name: 'an instruction fetch' },
  {
    kind: ACCESS.fetch, address: 'supervisor', modeBasedExecute: 'on',
    needs: EPT_RIGHTS.executable, name: 'an instruction fetch from a supervisor-mode linear address',
  },
  {
    kind: ACCESS.fetch, address: 'user', modeBasedExecute: 'on',
    needs: EPT_RIGHTS.userExecutable, name: 'an instruction fetch from a user-mode linear address',
  },
];

/** Row that judges a nested access; of an access integer's modes only ACCESS.user counts: a user-mode linear address. */
export function eptRightsRow(access: number, modeBasedExecute: 'on' | 'off'): number {
  const address = access & ACCESS.user ? 'user' : 'supervisor';
  const kind = access & ACCESS_KIND_MASK;
  return eptRightsRows.findIndex((row) => row.kind === kind
    && (row.address === 'either' || row.address === address)
    && (row.modeBasedExecute === 'either' || row.modeBasedExecute === modeBasedExecute));
}

/** Fills the permission bitmap of EPT. */
export function compileEptPermissions(permissions: Uint8Array, modeBasedExecute: 'on' | 'off'): void {
  for (let access = 0; access < ACCESSES; access++) {
    const row = eptRightsRows[eptRightsRow(access, modeBasedExecute)];
    for (let rights = 0; rights <= RIGHTS_MASK; rights++) {
      permissions[(access << RIGHTS_BITS) | rights] = row !== undefined && (rights & row.needs) === row.needs ? 1 : 0;
    }
  }
}
