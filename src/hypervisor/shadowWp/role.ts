/**
 * A shadow page's role (KVM's `kvm_mmu_page_role`): everything besides the guest frame that
 * decides what its entries mean, in one comparable word. A change of a mode bit that changes the
 * meaning of a guest entry changes the role, and so merely misses the cache.
 *
 *     bit   field
 *     2:0   level            1 (PTE) to 5
 *     3     direct           no guest table behind it: a fragment of a guest large page
 *     6:4   access           rights inherited from the entries above: W, U, X
 *     7     cr0_wp
 *     8     smep_andnot_wp
 *     9     smap_andnot_wp
 *     10    efer_nx
 *     14:11 key              protection key of the large page, for direct
 *     15    has_4_byte_gpte  the guest table is one of 32-bit paging, and has two or four shadow pages
 *     17:16 quadrant         which of them: 512 SPTEs for a half of a page table, a quarter of a page directory
 *     18    cr4_pse          32-bit paging: bit 7 of a PDE means something
 *     19    cr4_pae          PAE paging: bits 62:52 are reserved, which 4-level paging ignores or uses
 *     20    keys_andnot_wp   CR4.PKE or PKS: SPTEs that trade U for W, as WP = 0 asks for, then hide pages from their keys
 *
 *     21    guest_user       under deprivileged, where all of the guest is at CPL 3: of the shadow that its user mode runs on
 *
 * KVM keeps those of CR4 in the role of the vCPU alone; here they must tell shadow pages apart, since the cache outlives a
 * change of mode. Its smm, ad_disabled and passthrough have no counterpart: there is no SMM, A and D are always emulated.
 */
const DIRECT = 3;
const ACCESS = 4;
const CR0_WP = 7;
const SMEP_ANDNOT_WP = 8;
const SMAP_ANDNOT_WP = 9;
const EFER_NX = 10;
const KEY = 11;
const HAS_4_BYTE_GPTE = 15;
const QUADRANT = 16;
const CR4_PSE = 18;
const CR4_PAE = 19;
const KEYS_ANDNOT_WP = 20;
const GUEST_USER = 21;
const MODE = (1 << GUEST_USER) | (1 << KEYS_ANDNOT_WP) | (1 << CR0_WP) | (1 << SMEP_ANDNOT_WP) | (1 << SMAP_ANDNOT_WP) | (1 << EFER_NX)
  | (1 << HAS_4_BYTE_GPTE) | (1 << CR4_PSE) | (1 << CR4_PAE);
/** What a direct page takes over of the mode: how its leaves' rights were made of the guest's. */
const DIRECT_MODE = MODE & ~((1 << HAS_4_BYTE_GPTE) | (1 << CR4_PSE) | (1 << CR4_PAE));

/** What of the guest's registers decides the meaning of its entries: flags as 0 or 1. */
export interface RoleControls {
  readonly wp: number;
  readonly smep: number;
  readonly smap: number;
  readonly nxe: number;
  readonly paging: 'none' | '32-bit' | 'PAE' | 'long';
  /** CR4.PSE. */
  readonly pse: number;
  /** CR4.PKE or PKS. */
  readonly keys: number;
}

/** SPTEs of a table. */
const SPTES = 512;

/** The part of a role that the guest's control registers decide. */
export function modeOf({ wp, smep, smap, nxe, paging, pse, keys }: RoleControls): number {
  if (paging === 'none') return 0;
  const mode = (wp << CR0_WP) | ((smep & ~wp) << SMEP_ANDNOT_WP) | ((smap & ~wp) << SMAP_ANDNOT_WP) | (nxe << EFER_NX);
  if (paging === '32-bit') return mode | (1 << HAS_4_BYTE_GPTE) | (pse << CR4_PSE);
  return paging === 'PAE' ? mode | (1 << CR4_PAE) : mode | ((keys & ~wp) << KEYS_ANDNOT_WP);
}

/**
 * The same for a guest all of which runs at CPL 3: SMEP and SMAP (`smap`: in force, RFLAGS.AC being 0) are the hypervisor's to see to,
 * whatever WP is. They have nothing to say of user mode.
 */
export function deprivilegedModeOf(controls: RoleControls, whose: 'kernel' | 'user'): number {
  if (whose === 'user') return modeOf({ ...controls, wp: 1 }) | (1 << GUEST_USER);
  return controls.paging === 'none' ? 0 : modeOf(controls) | (controls.smep << SMEP_ANDNOT_WP) | (controls.smap << SMAP_ANDNOT_WP);
}

export function isOfGuestUser(role: number): boolean {
  return (role & (1 << GUEST_USER)) !== 0;
}

/**
 * The shadow of a guest table, on the way to linear address (`gvaLo`, …), which decides the quadrant. `access`: rights of the
 * entries above as the walk combines them (W, U, X).
 */
export function roleOf(mode: number, level: number, access: number, gvaLo: number): number {
  const role = mode | level | (access << ACCESS);
  if ((mode & (1 << HAS_4_BYTE_GPTE)) === 0) return role;
  // A page directory's shadows are of one GByte each, a page table's of 2 MBytes.
  return role | ((level === 1 ? (gvaLo >>> 21) & 1 : gvaLo >>> 30) << QUADRANT);
}

/** A fragment of a guest large page, or of the memory of a guest without paging. `access`: rights that its leaves have, table writes aside; `key`: their key. */
export function directRoleOf(mode: number, level: number, access: number, key: number): number {
  return (mode & DIRECT_MODE) | level | (1 << DIRECT) | (access << ACCESS) | (key << KEY);
}

/** The mode bits of a role: those of `modeOf`. */
export function modeIn(role: number): number {
  return role & MODE;
}

/** The mode bits that a direct page below a page of `role` has. */
export function directModeIn(role: number): number {
  return role & DIRECT_MODE;
}

export function has4ByteGpte(role: number): boolean {
  return (role & (1 << HAS_4_BYTE_GPTE)) !== 0;
}

export function quadrantOf(role: number): number {
  return (role >> QUADRANT) & 3;
}

/** Bytes of an entry of the guest table behind a shadow page. */
export function entryBytesOf(role: number): 4 | 8 {
  return has4ByteGpte(role) ? 4 : 8;
}

/** Index of the guest entry that SPTE `index` of a page of `role` stands for. */
export function guestIndexOf(role: number, index: number): number {
  return Math.floor((quadrantOf(role) * SPTES + index) / sptesPerEntry(role));
}

/** SPTEs for one guest entry: a PDE of 32-bit paging is of 4 MBytes, and they are of 2. */
export function sptesPerEntry(role: number): 1 | 2 {
  return has4ByteGpte(role) && levelOf(role) === 2 ? 2 : 1;
}

export function levelOf(role: number): number {
  return role & 7;
}

export function accessOf(role: number): number {
  return (role >> ACCESS) & 7;
}

export function keyOf(role: number): number {
  return (role >> KEY) & 15;
}

export function isDirect(role: number): boolean {
  return (role & (1 << DIRECT)) !== 0;
}

export function hasCr0Wp(role: number): boolean {
  return (role & (1 << CR0_WP)) !== 0;
}

export function hasSmapAndNotWp(role: number): boolean {
  return (role & (1 << SMAP_ANDNOT_WP)) !== 0;
}

export function hasSmepAndNotWp(role: number): boolean {
  return (role & (1 << SMEP_ANDNOT_WP)) !== 0;
}

/** `level 1 access WUX cr0_wp efer_nx`, for people. */
export function roleText(role: number): string {
  const rights = accessOf(role);
  const words = [
    `level ${levelOf(role)}`,
    `access ${rights & 1 ? 'W' : '-'}${rights & 2 ? 'U' : '-'}${rights & 4 ? 'X' : '-'}`,
  ];
  if (isDirect(role)) words.push('direct');
  if (hasCr0Wp(role)) words.push('cr0_wp');
  if (hasSmepAndNotWp(role)) words.push('smep_andnot_wp');
  if (role & (1 << SMAP_ANDNOT_WP)) words.push('smap_andnot_wp');
  if (role & (1 << EFER_NX)) words.push('efer_nx');
  if (keyOf(role) !== 0) words.push(`key ${keyOf(role)}`);
  if (has4ByteGpte(role)) words.push(`has_4_byte_gpte quadrant ${quadrantOf(role)}`);
  if (role & (1 << KEYS_ANDNOT_WP)) words.push('keys_andnot_wp');
  if (role & (1 << CR4_PSE)) words.push('cr4_pse');
  if (role & (1 << CR4_PAE)) words.push('cr4_pae');
  if (isOfGuestUser(role)) words.push('guest_user');
  return words.join(' ');
}

/** The fields of a role by KVM's names, in the order of their bits, for people. */
export function roleFields(role: number): readonly { readonly name: string; readonly value: string }[] {
  const rights = accessOf(role);
  const flag = (bit: number): string => `${(role >> bit) & 1}`;
  return [
    { name: 'level', value: `${levelOf(role)}` },
    { name: 'access', value: `${rights & 1 ? 'W' : '-'}${rights & 2 ? 'U' : '-'}${rights & 4 ? 'X' : '-'}` },
    { name: 'direct', value: flag(DIRECT) },
    { name: 'cr0_wp', value: flag(CR0_WP) },
    { name: 'smep_andnot_wp', value: flag(SMEP_ANDNOT_WP) },
    { name: 'smap_andnot_wp', value: flag(SMAP_ANDNOT_WP) },
    { name: 'efer_nx', value: flag(EFER_NX) },
    { name: 'key', value: `${keyOf(role)}` },
    { name: 'has_4_byte_gpte', value: flag(HAS_4_BYTE_GPTE) },
    { name: 'quadrant', value: `${quadrantOf(role)}` },
    { name: 'cr4_pse', value: flag(CR4_PSE) },
    { name: 'cr4_pae', value: flag(CR4_PAE) },
    { name: 'keys_andnot_wp', value: flag(KEYS_ANDNOT_WP) },
    ...(isOfGuestUser(role) ? [{ name: 'guest_user', value: '1' }] : []),
  ];
}
