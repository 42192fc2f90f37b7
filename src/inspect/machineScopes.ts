import { cachedLineRows } from './cachedLineRows';
import { hostOf, hostRows } from './hostFrameRows';
import { exitRows, hasHypervisor, hypervisorRows } from './hypervisorRows';
import { named, type Rows } from './rows';
import type { StoppedMachine } from './stoppedMachine';
import { tableRows } from './tableRows';

/** A part of the machine's state that a person looks at as one thing. */
export interface MachineScope {
  readonly name: string;
  /** Behind the locals, since the stop is about it, or behind the registers. */
  readonly place: 'first' | 'behind registers';
  readonly rows: Rows;
}

/** What of the machine below the guest's program there is to look at, from CPU `actor` or a host thread. Touches nothing. */
export function machineScopes(target: StoppedMachine, actor: number): readonly MachineScope[] {
  const { machine } = target;
  const processor = machine.processors[actor];
  const host = hostOf(machine);
  const tables: MachineScope = { name: 'Tables', place: 'behind registers', rows: named(() => tableRows(machine)) };
  const below: MachineScope[] = host === undefined ? [] : [{ name: 'Host', place: 'behind registers', rows: named(() => hostRows(machine, host)) }];
  if (processor === undefined) return [tables, ...below];
  const scopes: MachineScope[] = [{ name: 'TLB', place: 'behind registers', rows: named(() => cachedLineRows(processor)) }, tables];
  if (isInRootMode(target, processor.cpu)) scopes.unshift({ name: 'VM Exit', place: 'first', rows: named(() => exitRows(processor)) });
  if (hasHypervisor(machine, actor)) {
    scopes.push({ name: 'Hypervisor', place: 'behind registers', rows: named(() => hypervisorRows(machine, actor)) });
  }
  return [...scopes, ...below];
}

/** Events from which on the exit information is that of a new exit, and the one behind which the guest runs again. */
const EXITED: readonly string[] = ['ept_violation', 'vm_exit'];
const ENTERED = 'vm_entry';

/** True inside a step in which `cpu` has exited and not entered its guest again. */
function isInRootMode(target: StoppedMachine, cpu: number): boolean {
  if (target.moment().event === 0) return false;
  const kinds = target.eventsOfStep().filter((event) => event.cpu === cpu).map(({ kind }) => kind);
  const last = (wanted: readonly string[]): number => Math.max(...wanted.map((kind) => kinds.lastIndexOf(kind)));
  return last(EXITED) > last([ENTERED]);
}
