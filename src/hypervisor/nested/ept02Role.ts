/**
 * Role of a shadow page of EPT02 (KVM's `kvm_mmu_page_role` with `guest_mode`): what besides L1's frame decides what its
 * entries mean.
 *
 *     bit   field
 *     2:0   level         1 (EPT PTE) to 4
 *     3     direct        no table of L1 behind it: a fragment of a large page of EPT12
 *     6:4   access        rights inherited from the entries above: R, W, X
 *     7     ad_disabled   EPTP12 leaves accessed and dirty flags off
 *     8     guest_mode
 */
const DIRECT = 3;
const ACCESS = 4;
const AD_DISABLED = 7;
const GUEST_MODE = 8;

/** The shadow of a table of EPT12. `access`: rights of the entries above as the walk combines them (R, W, X). */
export function role02(level: number, access: number, adDisabled: number): number {
  return level | (access << ACCESS) | (adDisabled << AD_DISABLED) | (1 << GUEST_MODE);
}

/** A fragment of a large page of EPT12. `access`: rights that its leaves have. */
export function directRole02(level: number, access: number, adDisabled: number): number {
  return role02(level, access, adDisabled) | (1 << DIRECT);
}

export function levelOf02(role: number): number {
  return role & 7;
}

export function isDirect02(role: number): boolean {
  return (role & (1 << DIRECT)) !== 0;
}

export function accessOf02(role: number): number {
  return (role >> ACCESS) & 7;
}

/** The fields of a role by KVM's names, in the order of their bits, for people. */
export function role02Fields(role: number): readonly { readonly name: string; readonly value: string }[] {
  const rights = accessOf02(role);
  return [
    { name: 'level', value: `${levelOf02(role)}` },
    { name: 'access', value: `${rights & 1 ? 'R' : '-'}${rights & 2 ? 'W' : '-'}${rights & 4 ? 'X' : '-'}` },
    { name: 'direct', value: `${(role >> DIRECT) & 1}` },
    { name: 'ad_disabled', value: `${(role >> AD_DISABLED) & 1}` },
    { name: 'guest_mode', value: `${(role >> GUEST_MODE) & 1}` },
  ];
}
