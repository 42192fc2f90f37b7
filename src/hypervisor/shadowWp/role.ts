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
 */
const DIRECT = 3;
const ACCESS = 4;
const CR0_WP = 7;
const SMEP_ANDNOT_WP = 8;
const SMAP_ANDNOT_WP = 9;
const EFER_NX = 10;
const KEY = 11;

/** The part of a role that the guest's control registers decide. */
export function modeOf(controls: { wp: number; smep: number; smap: number; nxe: number }): number {
  return (
    (controls.wp << CR0_WP) |
    ((controls.smep & ~controls.wp) << SMEP_ANDNOT_WP) |
    ((controls.smap & ~controls.wp) << SMAP_ANDNOT_WP) |
    (controls.nxe << EFER_NX)
  );
}

/** The shadow of a guest table. `access`: rights of the entries above as the walk combines them (W, U, X). */
export function roleOf(mode: number, level: number, access: number): number {
  return mode | level | (access << ACCESS);
}

/** A fragment of a guest large page. `access`: rights that its leaves have, table writes aside; `key`: their key. */
export function directRoleOf(mode: number, level: number, access: number, key: number): number {
  return mode | level | (1 << DIRECT) | (access << ACCESS) | (key << KEY);
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
  return words.join(' ');
}
