import type { TechniqueResult } from './compare';
import { causesOfCycles } from '../costs/costModel';
import { countersJson, type CountersJson } from './countersJson';

/** One line of the table: what it counts under a technique. */
export interface CompareRow {
  readonly title: string;
  /** A part of the row above that is not indented. */
  readonly isPart: boolean;
  readonly value: (result: TechniqueResult, counters: CountersJson) => string;
}

type Count = (counters: CountersJson) => number;

const whole = (title: string, count: Count): CompareRow => ({ title, isPart: false, value: (_, counters) => grouped(count(counters)) });
const part = (title: string, count: Count): CompareRow => ({ title, isPart: true, value: (_, counters) => grouped(count(counters)) });

const cycles: CompareRow = { title: 'estimated cycles', isPart: false, value: ({ estimatedCycles }) => grouped(estimatedCycles) };

/** The rows that every comparison has; those of exit reasons come in at `exits`. */
const before: readonly CompareRow[] = [
  { title: 'expectations held', isPart: false, value: ({ outcome }) => `${heldOf(outcome)}${outcome.message === undefined ? '' : ', died'}` },
  whole('statements', ({ statements }) => statements),
  whole('accesses', ({ accesses }) => accesses),
  { title: 'accesses without an exit', isPart: false, value: (result) => percent(shareWithoutExit(result)) },
  whole('VM exits', ({ vm_exits: exits }) => exits['total'] ?? 0),
];

const after: readonly CompareRow[] = [
  whole('page faults of the guest', ({ faults }) => faults.guest),
  part('of these with an exit', ({ faults }) => faults.guest_exited),
  whole('hidden faults', ({ faults }) => faults.hidden),
  whole('spurious faults', ({ faults }) => faults.spurious),
  whole('MMIO faults', ({ faults }) => faults.mmio),
  whole('trapped page-table writes', ({ page_table_writes_trapped: trapped }) => trapped),
  whole('walk references', ({ walk_references: references }) => references),
  whole('TLB hits', ({ tlb }) => tlb.hits),
  whole('TLB misses', ({ tlb }) => tlb.misses),
  whole('TLB flushes', ({ tlb }) => tlb.flushes),
  whole('table pages, guest', ({ table_pages: pages }) => pages.guest),
  part('shadow', ({ table_pages: pages }) => pages.shadow),
  part('EPT', ({ table_pages: pages }) => pages.ept),
  part('host', ({ table_pages: pages }) => pages.host),
];

/** Those that failed are told beside; of a run that died the rest was never judged. */
function heldOf({ passed, failed }: TechniqueResult['outcome']): string {
  return failed === 0 ? `${passed}` : `${passed} of ${passed + failed}`;
}

/** The rows for these results: a row for each exit reason that happened under any. */
export function compareRows(results: readonly TechniqueResult[]): readonly CompareRow[] {
  const reasons = results.flatMap(({ counters }) => Object.keys(countersJson(counters).vm_exits)).filter((key) => key !== 'total');
  const exits = [...new Set(reasons)].sort().map((key) => part(key, ({ vm_exits: counts }) => counts[key] ?? 0));
  return [...before, ...exits, ...after, cycles, ...causeRows(results), ...(results[0]?.vms ?? []).flatMap((_, vm, { length }) => (length > 1 ? rowsOfVm(results, vm) : []))];
}

/** What the estimate is made of, with the cost of one beside each: `VM exits, 1,200 each`. */
function causeRows(results: readonly TechniqueResult[]): readonly CompareRow[] {
  const causes = new Map(results.flatMap(({ costs, counters }) => causesOfCycles(costs, counters)).map(({ cause, each }) => [cause, each.cycles]));
  return [...results[0]?.costs.costs ?? []].filter(({ row }) => causes.has(row.cause)).map(({ row, cycles: each }) => ({
    title: `${row.cause}, ${grouped(each)} each`,
    isPart: true,
    value: ({ counters }) => grouped(row.count(counters) * each),
  }));
}

/** Of several VMs what sets one apart from the others. */
function rowsOfVm(results: readonly TechniqueResult[], vm: number): readonly CompareRow[] {
  const name = results[0]!.vms[vm]!.name;
  const own = ({ value, ...row }: CompareRow): CompareRow => (
    { ...row, value: (result) => value({ ...result, ...result.vms[vm]! }, countersJson(result.vms[vm]!.counters)) }
  );
  return [
    whole(`accesses of ${name}`, ({ accesses }) => accesses),
    part('VM exits', ({ vm_exits: exits }) => exits['total'] ?? 0),
    part('page faults of the guest', ({ faults }) => faults.guest),
    part('walk references', ({ walk_references: references }) => references),
    { ...cycles, isPart: true },
  ].map(own);
}

/** Share of tries of an access that the processor finished by itself, 0 to 1; 1 when there were none. */
export function shareWithoutExit({ tries }: TechniqueResult): number {
  return tries === undefined || tries.all === 0 ? 1 : 1 - tries.withExit / tries.all;
}

/** 12,345 */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** Never 100 when there was one exit. */
function percent(share: number): string {
  const rounded = Math.floor(1000 * share) / 10;
  return `${rounded.toFixed(1)} %`;
}
