import type { SettingValue } from '../../language/program';

/** Why the host cannot do these with `backing direct`: each lives of the host-virtual addresses that it leaves out. */
const needsHostVirtual: Readonly<Record<string, string>> = {
  swap_out: 'to take a page back the host must know who maps it, by its page table and reverse map, and tell them by MMU notifiers',
  swap_in: 'what a swap device holds of a process is named by its page-table entries',
  merge: 'same-page merging makes two entries of the host\'s page tables map one frame, without W, and there is none of the kind',
  merge_all: 'same-page merging makes two entries of the host\'s page tables map one frame, without W, and there is none of the kind',
  migrate_frame: 'a page can move to another frame only if whoever maps it finds it by its host-virtual address',
  split: 'there is no large page in a host page table',
  collapse: 'large pages are made of those of a host page table',
  balloon: 'a balloon gives pages back by madvise on host-virtual addresses, and a slot of host frames has no holes',
  invalidate: 'MMU notifiers tell of ranges of host-virtual addresses',
};

/** Why a platform with these settings cannot do a host action, as a clause; undefined when it can. */
export function hostActionRefusal(platform: readonly SettingValue[], action: string): string | undefined {
  const isDirect = platform.some(({ name, values }) => name === 'backing' && values[0] === 'direct');
  return isDirect ? needsHostVirtual[action] : undefined;
}
