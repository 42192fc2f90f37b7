import { COUNTER, EXIT_COUNTERS_AT, type CounterName } from '../../hardware/state/counters';
import { exitReasons } from '../../hardware/vmx/exitReasons';
import type { VmReport } from './vmReport';

/** Counters as `run --json` prints them. */
export interface CountersJson {
  readonly statements: number;
  readonly accesses: number;
  /** `total`, and every reason that happened, by its name in lower snake case. */
  readonly vm_exits: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<'guest' | 'guest_exited' | 'hidden' | 'spurious' | 'mmio', number>>;
  readonly page_table_writes_trapped: number;
  readonly tlb: Readonly<Record<'hits' | 'misses' | 'flushes', number>>;
  readonly walk_references: number;
  readonly table_pages: Readonly<Record<'guest' | 'shadow' | 'ept' | 'host', number>>;
}

/** Of several VMs, each by name what it came to; nothing where there is one, whose counters are the run's. */
export function vmsJson(vms: readonly VmReport[]): { readonly vms?: readonly object[] } {
  if (vms.length < 2) return {};
  return {
    vms: vms.map(({ name, technique, counters, estimatedCycles }) => (
      { vm: name, mmu: technique, counters: { ...countersJson(counters), estimated_cycles: estimatedCycles } }
    )),
  };
}

/** `counters`: indexed as hardware/state/counters.ts says, summed over all CPUs. */
export function countersJson(counters: ArrayLike<number>): CountersJson {
  const count = (name: CounterName): number => counters[COUNTER[name]] ?? 0;
  const vmExits: Record<string, number> = { total: count('exits.total') };
  for (const { number, key } of exitReasons) {
    const times = counters[EXIT_COUNTERS_AT + number] ?? 0;
    if (times !== 0) vmExits[key] = times;
  }
  return {
    statements: count('statements'),
    accesses: count('accesses'),
    vm_exits: vmExits,
    faults: {
      guest: count('faults.guest'),
      guest_exited: count('faults.guest_exited'),
      hidden: count('faults.hidden'),
      spurious: count('faults.spurious'),
      mmio: count('faults.mmio'),
    },
    page_table_writes_trapped: count('page_table_writes_trapped'),
    tlb: { hits: count('tlb.hits'), misses: count('tlb.misses'), flushes: count('tlb.flushes') },
    walk_references: count('walk_references'),
    table_pages: {
      guest: count('table_pages.guest'),
      shadow: count('table_pages.shadow'),
      ept: count('table_pages.ept'),
      host: count('table_pages.host'),
    },
  };
}
