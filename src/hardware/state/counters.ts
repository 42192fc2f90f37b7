/** Counters by the names of `run --json`; exits by reason are `exits.NAME` with the exit-reason table's number. */
export const counterNames = [
  'statements', 'accesses',
  'faults.guest', 'faults.guest_exited', 'faults.hidden', 'faults.spurious', 'faults.mmio',
  'page_table_writes_trapped', 'tlb.hits', 'tlb.misses', 'tlb.flushes', 'walk_references',
  'table_pages.guest', 'table_pages.shadow', 'table_pages.ept', 'table_pages.host',
  'refusals', 'exits.total',
] as const;
export type CounterName = (typeof counterNames)[number];

/** Index of each counter in a processor's block of counters. */
export const COUNTER = Object.fromEntries(counterNames.map((name, index) => [name, index])) as Record<CounterName, number>;

/** Counter number of exits with basic reason r: `EXIT_COUNTERS_AT + r`. */
export const EXIT_COUNTERS_AT = 32;
export const COUNTERS = 128;
