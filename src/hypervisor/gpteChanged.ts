import type { TranslationSpace } from '../hardware/paging/translationSpace';
import { RESUME } from '../hardware/processor/rootMode';
import { give, when, type ListingNode } from './listing';

/** What differs between the tables of a guest and those that L1 has for L2. */
export interface WalkedStory<M> {
  /** Whose tables were walked, as the line says it. */
  readonly tables: string;
  readonly guest: 'the guest' | 'L2';
  /** The space that they were walked in last. */
  readonly walked: (mmu: M) => TranslationSpace;
}

/**
 * KVM's FNAME(gpte_changed): no entry is filled from one that is another by now. From the walk to mmu_lock other vCPUs may
 * store to the tables, and what is not shadowed yet is not watched; behind mmu_lock nobody can.
 */
export function gpteChanged<M>({ tables, guest, walked }: WalkedStory<M>): ListingNode<M> {
  return when(`gpte_changed(): an entry of ${tables} is no longer what the walk has found`, (mmu) => isChanged(walked(mmu)), [
    give(`to ${guest}: the access runs again, and comes here again`, RESUME.retry),
  ]);
}

function isChanged({ memory, compiled, result }: TranslationSpace): boolean {
  for (let level = result.top; level >= Math.max(1, result.level); level--) {
    if (level === compiled.registerLevel) continue;
    const lo = result.entryHpaLo[level]!;
    const hi = result.entryHpaHi[level]!;
    if (memory.load32(lo, hi) !== result.entryLo[level]) return true;
    if (compiled.wide === 1 && memory.load32(lo + 4, hi) !== result.entryHi[level]) return true;
  }
  return false;
}
