import { COUNTER } from '../hardware/state/counters';

/**
 * What things are taken to cost, in processor cycles. Assumptions for comparing techniques with each
 * other, not measurements of a machine: they stand for the order of magnitude that published figures
 * give, and only sums over the same scenario are worth looking at.
 */
export const assumedCycles = {
  /** A paging-structure entry read by the processor's walker, mostly from the L2 cache. */
  walkReference: 14,
  /** VM exit and entry together. */
  vmExit: 1200,
  /** Deciding on a page fault in software: the guest's four entries read, one shadow entry made. */
  hiddenFault: 500,
  /** Decoding and performing a trapped store to a page table. */
  pageTableWrite: 1500,
  /** Delivering a vector to the guest and returning from it. */
  guestFault: 1000,
  /** An access that the TLB answers. */
  access: 1,
} as const;

/** Cycles that these counters are taken to cost (counters as in hardware/state/counters.ts, summed over CPUs). */
export function estimatedCycles(counters: ArrayLike<number>): number {
  const count = (index: number): number => counters[index] ?? 0;
  return (
    count(COUNTER.accesses) * assumedCycles.access +
    count(COUNTER.walk_references) * assumedCycles.walkReference +
    count(COUNTER['exits.total']) * assumedCycles.vmExit +
    count(COUNTER['faults.hidden']) * assumedCycles.hiddenFault +
    count(COUNTER.page_table_writes_trapped) * assumedCycles.pageTableWrite +
    count(COUNTER['faults.guest']) * assumedCycles.guestFault
  );
}
