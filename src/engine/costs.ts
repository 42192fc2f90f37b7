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

/** One cause of cycles: how often it happened, and what each time is taken to cost. */
interface CostRow {
  readonly cause: string;
  readonly counter: number;
  readonly cycles: number;
}

const costRows: readonly CostRow[] = [
  { cause: 'accesses', counter: COUNTER.accesses, cycles: assumedCycles.access },
  { cause: 'walk references', counter: COUNTER.walk_references, cycles: assumedCycles.walkReference },
  { cause: 'VM exits', counter: COUNTER['exits.total'], cycles: assumedCycles.vmExit },
  { cause: 'hidden faults', counter: COUNTER['faults.hidden'], cycles: assumedCycles.hiddenFault },
  { cause: 'trapped page-table writes', counter: COUNTER.page_table_writes_trapped, cycles: assumedCycles.pageTableWrite },
  { cause: 'page faults of the guest', counter: COUNTER['faults.guest'], cycles: assumedCycles.guestFault },
];

/** Cycles that these counters are taken to cost, by cause (counters as in hardware/state/counters.ts, summed over CPUs). */
export function estimatedCyclesByCause(counters: ArrayLike<number>): readonly { readonly cause: string; readonly cycles: number }[] {
  return costRows.map(({ cause, counter, cycles }) => ({ cause, cycles: (counters[counter] ?? 0) * cycles }));
}

/** The same in one sum. */
export function estimatedCycles(counters: ArrayLike<number>): number {
  return estimatedCyclesByCause(counters).reduce((sum, { cycles }) => sum + cycles, 0);
}
