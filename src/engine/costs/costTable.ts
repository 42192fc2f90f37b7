import { COUNTER, EXIT_COUNTERS_AT } from '../../hardware/state/counters';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';

/** How sure a number is: read in its source, or assumed so that techniques can be compared at all. */
export type CostMark = 'read' | 'assumed';

/** What one happening costs, and who says so. */
export interface Cost {
  readonly cycles: number;
  readonly mark: CostMark;
  /** Where it was read, or what it stands for. */
  readonly source: string;
}

/** A cause of cycles. */
export interface CostRow {
  /** As a scenario and `--costs` write it. */
  readonly name: string;
  /** What is counted, in the plural. */
  readonly cause: string;
  /** How often it happened, of counters summed over CPUs (hardware/state/counters.ts). */
  readonly count: (counters: ArrayLike<number>) => number;
  /** What every model takes it to cost that does not say otherwise. */
  readonly cost: Cost;
}

const counted = (...numbers: readonly number[]) => (counters: ArrayLike<number>): number => (
  numbers.reduce((sum, number) => sum + (counters[number] ?? 0), 0)
);

const SECOND_LEVEL_MISSES = [EXIT_COUNTERS_AT + EXIT_REASON.ept_violation, EXIT_COUNTERS_AT + EXIT_REASON.npf] as const;

const INTERPRETED = EXIT_COUNTERS_AT + EXIT_REASON.interpreted_access;
const otherWalks = counted(COUNTER['faults.hidden'], COUNTER['faults.spurious'], COUNTER['faults.mmio'], COUNTER.page_table_writes_trapped);

/** The causes, in the order in which they are told. The host's own work (reclaim, merging) is the same under every technique and left out. */
export const costRows: readonly CostRow[] = [
  {
    name: 'access', cause: 'accesses', count: counted(COUNTER.accesses),
    cost: { cycles: 1, mark: 'assumed', source: 'an access that the TLB answers' },
  },
  {
    name: 'walk_reference', cause: 'walk references', count: counted(COUNTER.walk_references),
    cost: { cycles: 14, mark: 'assumed', source: 'an entry that the walker reads from the L2 cache; from DRAM it would be about 200' },
  },
  {
    name: 'vm_exit', cause: 'VM exits', count: counted(COUNTER['exits.total']),
    cost: { cycles: 1200, mark: 'assumed', source: 'VM exit and VM entry of a processor of today' },
  },
  {
    name: 'interpreted_access', cause: 'interpreted accesses', count: counted(INTERPRETED),
    cost: { cycles: 500, mark: 'assumed', source: 'an access whose instruction software fetches and decodes, and which it makes itself' },
  },
  {
    name: 'software_walk', cause: 'software walks',
    // A fault that an interpreter finds is in the walk of the access.
    count: (counters) => Math.max(counters[INTERPRETED] ?? 0, counters[COUNTER['faults.guest_exited']] ?? 0) + otherWalks(counters),
    cost: { cycles: 200, mark: 'assumed', source: 'a page fault or an interpreted access that root mode looks into: four entries of the guest read by software, 50 cycles each' },
  },
  {
    name: 'mapping', cause: 'mappings made', count: counted(COUNTER['faults.hidden'], ...SECOND_LEVEL_MISSES),
    cost: { cycles: 800, mark: 'assumed', source: 'after a hidden fault or an EPT violation: get_user_pages of a page that the host has mapped (500), and the entry with its reverse map (300)' },
  },
  {
    name: 'page_table_write', cause: 'trapped page-table writes', count: counted(COUNTER.page_table_writes_trapped),
    cost: { cycles: 1500, mark: 'assumed', source: 'the store decoded and performed, and the shadow mended' },
  },
  {
    name: 'guest_fault', cause: 'page faults of the guest', count: counted(COUNTER['faults.guest']),
    cost: { cycles: 1000, mark: 'assumed', source: 'the vector delivered, the handler, and IRET' },
  },
];

/** A processor generation: in what it differs from the rows. */
export interface CostModelRow {
  readonly name: string;
  readonly documentation: string;
  readonly costs: Readonly<Partial<Record<string, Cost>>>;
}

/** The models; the first is taken when nobody asks for one. */
export const costModelRows: readonly CostModelRow[] = [
  { name: 'modern', documentation: 'No machine in particular.', costs: {} },
  {
    name: 'nehalem',
    documentation: 'Intel Xeon X5570, 2.93 GHz (2009), KVM of Linux 2.6.34, EPT and VPID on.',
    costs: {
      vm_exit: { cycles: 2000, mark: 'read', source: 'direct cost of an exit; Landau, Ben-Yehuda, Gordon: SplitX, Workshop on I/O Virtualization 2011, on Table 1' },
    },
  },
  {
    name: 'epyc',
    documentation: 'AMD EPYC (2020), KVM.',
    costs: {
      vm_exit: {
        cycles: 1360, mark: 'read',
        source: 'VMRUN to #VMEXIT as stamped before and after, 1344 to 1376; Linux kernel mailing list, December 2020, thread on VMLOAD in the SEV-ES patches',
      },
    },
  },
];
