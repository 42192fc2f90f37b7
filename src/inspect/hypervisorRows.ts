import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import type { Processor } from '../hardware/processor/processor';
import { COUNTER } from '../hardware/state/counters';
import { memslotsRow } from './memslotRows';
import { nestedVmcsRows, nestingOf } from './nestedRows';
import { fieldsOfControlBlock, named, type Row } from './rows';
import { reverseMapsRow, shadowedTables, shadowPagesRow } from './shadowPageRows';
import { svmExitRows } from './svmExitRows';
import { nestedFormat, shadowFormat } from './tableSet';
import { vmcbRows } from './vmcbRows';
import { vmcsRows } from './vmcsRows';
import { vmExitRows } from './vmExitRows';

/** The VM that a host has below CPU `actor`: of a nested guest the one around it. */
export function hostedVm(machine: Machine, actor: number): RunningVm {
  const vm = machine.vmOf(actor);
  return vm.outer === undefined ? vm : machine.vms[vm.outer]!;
}

/** What the last exit of a processor has left in its VMCS or VMCB. */
export function exitRows({ settings: { vendor }, vmcs, vmcb }: Processor): readonly Row[] {
  return vendor === 'amd' ? svmExitRows(vmcb) : vmExitRows(vmcs);
}

/** Whether a hypervisor runs the VM of CPU `actor`: its rows are made only for whoever looks at them. */
export function hasHypervisor(machine: Machine, actor: number): boolean {
  return hostedVm(machine, actor).technique.root !== undefined && machine.processors[actor] !== undefined;
}

/** The structure by which the hypervisor runs the guest of `actor`; undefined without a hypervisor, and for a host thread. */
export function controlBlockKind(machine: Machine, actor: number): 'vmcs' | 'vmcb' | undefined {
  if (!hasHypervisor(machine, actor)) return undefined;
  return machine.processors[actor]!.settings.vendor === 'amd' ? 'vmcb' : 'vmcs';
}

/** What the hypervisor keeps of the VM of CPU `actor`: its control block, and its structures. Empty without a hypervisor. */
export function hypervisorRows(machine: Machine, actor: number): readonly Row[] {
  const { technique } = hostedVm(machine, actor);
  const processor = machine.processors[actor];
  if (!hasHypervisor(machine, actor) || processor === undefined) return [];
  const nesting = nestingOf(technique);
  const blocks = nesting === undefined ? [controlBlockRow(processor, controlBlockKind(machine, actor))] : nestedVmcsRows(nesting, processor.cpu);
  return [...lastExitOf(processor), ...blocks, ...structuresOf(machine, hostedVm(machine, actor))];
}

/** What the hypervisor has of the VM as a whole. */
function structuresOf(machine: Machine, vm: RunningVm): readonly Row[] {
  const host = vm.technique.vm;
  if (host === undefined) return [];
  const tables = shadowedTables(vm.technique);
  const rows = [memslotsRow(machine, vm, host), { name: 'mmu_invalidate_seq', value: `${host.notifier.sequence}, one more for each range that the host has changed` }];
  if (tables === undefined) return rows;
  // Its pages stand for tables of whoever it is that L0 has as its guest.
  const shadowed = nestingOf(vm.technique)?.vm ?? host;
  const view = { machine, vm, host: shadowed, tables, compiled: tables.space === 'ept' ? nestedFormat(machine, vm) : shadowFormat(machine, vm) };
  return [shadowPagesRow(view), reverseMapsRow(view), ...rows];
}

function lastExitOf(processor: Processor): readonly Row[] {
  if (processor.counters[COUNTER['exits.total']] === 0) return [];
  const rows = exitRows(processor);
  return [{ name: 'last VM exit', value: rows[0]?.value ?? '', below: named(() => rows) }];
}

function controlBlockRow({ vmcs, vmcb }: Processor, kind: ReturnType<typeof controlBlockKind>): Row {
  return kind === 'vmcb'
    ? { name: 'VMCB', value: 'virtual machine control block of this CPU', below: fieldsOfControlBlock('vmcb', vmcbRows(vmcb)) }
    : { name: 'VMCS', value: 'virtual-machine control structure of this CPU', below: fieldsOfControlBlock('vmcs', vmcsRows(vmcs)) };
}
