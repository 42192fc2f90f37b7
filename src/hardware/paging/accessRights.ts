import { ACCESS, ACCESSES, ACCESS_KIND_MASK } from './accessKinds';
import { CR0, CR4, RFLAGS } from '../processor/controlRegisters';

/** Bits of a rights integer, in the order of `PagingFormat.rights`. */
export const PAGE_RIGHTS = { writable: 1, user: 2, executable: 4 } as const;
export const EPT_RIGHTS = { readable: 1, writable: 2, executable: 4 } as const;
export const ALL_RIGHTS = 7;
/** Entries of a permission bitmap: index `access << 3 | rights`. */
export const PERMISSIONS = ACCESSES << 3;

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

/** Fills the permission bitmap of paging: 1 where the access is allowed with the rights. */
export function compilePagePermissions(permissions: Uint8Array, controls: RightsControls): void {
  for (let access = 0; access < ACCESSES; access++) {
    for (let rights = 0; rights <= ALL_RIGHTS; rights++) {
      const row = accessRightsRows[accessRightsRow(access, rights)];
      const allowed = row !== undefined && row.needs.every((need) => rightsConditions[need](controls, rights, access));
      permissions[(access << 3) | rights] = allowed ? 1 : 0;
    }
  }
}

/** What each kind of access needs of an EPT translation. SDM Vol. 3, "EPT Violations". */
const eptNeeds = new Map<number, number>([
  [ACCESS.read, EPT_RIGHTS.readable],
  [ACCESS.write, EPT_RIGHTS.writable],
  [ACCESS.fetch, EPT_RIGHTS.executable],
  [ACCESS.readWrite, EPT_RIGHTS.readable | EPT_RIGHTS.writable],
]);

/** Fills the permission bitmap of EPT. */
export function compileEptPermissions(permissions: Uint8Array): void {
  for (let access = 0; access < ACCESSES; access++) {
    const needs = eptNeeds.get(access & ACCESS_KIND_MASK) ?? ALL_RIGHTS;
    for (let rights = 0; rights <= ALL_RIGHTS; rights++) {
      permissions[(access << 3) | rights] = (rights & needs) === needs ? 1 : 0;
    }
  }
}
