import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import { compileFormat, type CompiledFormat } from '../hardware/paging/compiledFormat';
import { EPT4 } from '../hardware/paging/formats/ept4';
import { LONG4 } from '../hardware/paging/formats/long4';
import type { TableSpace } from '../hardware/events/eventTable';
import { SlotMemory } from '../hypervisor/slotMemory';
import type { Space } from '../protocol/requests';
import { frameOfHalves, frameText, type AddressSpace } from './addressText';

/** A root and what leads to it. `table` is a frame number in the space that the tables lie in. */
export interface RootTable {
  readonly table: number;
  /** `CR3 gpa:0x2000 (process p)` */
  readonly label: string;
}

/** One VM's set of tables as it stands: how its entries are read, and from which roots. */
export interface TableSet {
  readonly vm: RunningVm;
  readonly space: Space;
  readonly compiled: CompiledFormat;
  /** Where the tables lie and what their entries lead to. */
  readonly frameSpace: 'gpa' | 'hpa';
  /** Which addresses they translate. */
  readonly inputSpace: AddressSpace;
  readonly roots: readonly RootTable[];
}

/** The sets of tables of `space`, one for each VM that has such; a sentence when none has. Touches nothing. */
export function tableSets(machine: Machine, space: Space): readonly TableSet[] | { readonly message: string } {
  const found = machine.vms.map((vm) => tableSet(machine, space, vm));
  const sets = found.flatMap((set) => ('message' in set ? [] : [set]));
  if (sets.length > 0) return sets;
  return { message: [...new Set(found.flatMap((set) => ('message' in set ? [set.message] : [])))].join(' ') };
}

/** That of one VM. */
function tableSet(machine: Machine, space: Space, vm: RunningVm): TableSet | { readonly message: string } {
  switch (space) {
    case 'guest': return guestTables(machine, vm);
    case 'host': return hostTables(vm);
    case 'shadow':
    case 'ept': return techniqueTables(machine, vm, space);
  }
}

/** Host frame that a table lies in, or -1: nothing backs it, and it reads as zeros. */
export function hostFrameOf({ frameSpace, vm }: TableSet, table: number): number {
  return frameSpace === 'gpa' ? vm.technique.guestMemory.contentsOf(table) : table;
}

/** Names of the processes of a VM whose root is guest frame `table`. */
export function processesWithRoot(machine: Machine, vm: RunningVm, table: number): readonly string[] {
  return machine.interpreter.processes.rootsOf(vm.number).filter(({ frame }) => frame === table).map(({ name }) => name);
}

function guestTables(machine: Machine, vm: RunningVm): TableSet | { readonly message: string } {
  const { technique, processors } = vm;
  const { compiled } = technique.guestTables(processors[0]!.cpu);
  if (compiled.levels === 0) {
    return { message: 'The guest runs with paging off (CR0.PG = 0): a linear address is the guest-physical one, without any table.' };
  }
  const roots: RootTable[] = [];
  const add = (table: number, label: string): void => {
    if (!roots.some((root) => root.table === table)) roots.push({ table, label: ofVm(machine, vm, label) });
  };
  processors.forEach(({ cpu, apicId }) => {
    const table = frameOfHalves(technique.guestCr3Lo(cpu), technique.guestCr3Hi(cpu) & 0xfffff);
    const names = processesWithRoot(machine, vm, table).map((name) => `process ${name}`);
    const whose = processors.length > 1 ? `CPU ${apicId} CR3` : 'CR3';
    add(table, `${whose} ${frameText('gpa', table)}${names.length === 0 ? '' : ` (${names.join(', ')})`}`);
  });
  for (const { name, frame } of machine.interpreter.processes.rootsOf(vm.number)) add(frame, `process ${name} ${frameText('gpa', frame)}`);
  return { vm, space: 'guest', compiled, frameSpace: 'gpa', inputSpace: 'gva', roots };
}

function techniqueTables(machine: Machine, vm: RunningVm, space: 'shadow' | 'ept'): TableSet | { readonly message: string } {
  const roots: RootTable[] = [];
  vm.processors.forEach(({ cpu }) => {
    for (const root of vm.technique.roots(cpu)) {
      if (!isOfView(root.space, space) || roots.some((known) => known.table === root.frame)) continue;
      roots.push({ table: root.frame, label: ofVm(machine, vm, root.label) });
    }
  });
  // What translates for a nested guest is kept by the technique of the VM that it runs in.
  if (roots.length === 0) return { message: unusedText(vm.outer === undefined ? vm : machine.vms[vm.outer]!, space) };
  return {
    vm,
    space,
    compiled: space === 'ept' ? nestedFormat(machine, vm) : shadowFormat(machine, vm),
    frameSpace: 'hpa',
    inputSpace: space === 'ept' ? 'gpa' : 'gva',
    roots,
  };
}

function hostTables(vm: RunningVm): TableSet | { readonly message: string } {
  const { technique, name } = vm;
  if (!(technique.guestMemory instanceof SlotMemory)) {
    return { message: `There is no host process under ${technique.name}: guest-physical addresses are host-physical ones.` };
  }
  const { host } = technique.guestMemory;
  if (host === undefined) {
    return { message: 'With backing direct there is no host process and no host page table: each memory slot is host frames of its own.' };
  }
  const { space, rootFrame } = host.process;
  const whose = name === '' ? 'VMM process' : `VMM process of ${name}`;
  const roots = [{ table: rootFrame, label: `${whose}, CR3 ${frameText('hpa', rootFrame)}` }];
  return { vm, space: 'host', compiled: space.compiled, frameSpace: 'hpa', inputSpace: 'hva', roots };
}

/** EPT entries as the processors of a VM judge them. */
export function nestedFormat(machine: Machine, vm: RunningVm): CompiledFormat {
  const inForce = vm.processors[0]?.inspection.nested?.compiled;
  return inForce ?? compileFormat(EPT4, { maxphyaddr: machine.configuration.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
}

/** Shadow entries likewise; they have four levels whatever the guest's registers say at the moment. */
export function shadowFormat(machine: Machine, vm: RunningVm): CompiledFormat {
  const inForce = vm.processors[0]?.inspection.compiled;
  if (inForce !== undefined && inForce.levels === LONG4.levels) return inForce;
  return compileFormat(LONG4, { maxphyaddr: machine.configuration.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
}

/** A label that says whose it is, where there are several VMs. */
function ofVm(machine: Machine, { name }: RunningVm, label: string): string {
  return machine.vms.length > 1 ? `${name}: ${label}` : label;
}

/** The view of EPT is that of NPT too: a VM has the one or the other. */
function isOfView(space: TableSpace, view: 'shadow' | 'ept'): boolean {
  return space === view || space === 'npt' && view === 'ept';
}

/** `EPT is not used by shadow-wp: it keeps shadow page tables.` */
function unusedText({ technique, processors }: RunningVm, space: 'shadow' | 'ept'): string {
  const kept = technique.roots(processors[0]!.cpu)[0]?.space;
  const keeps = kept === 'shadow' ? 'it keeps shadow page tables' : kept === undefined ? 'it keeps no tables beside the guest\'s own' : `it keeps ${kept.toUpperCase()}`;
  return space === 'ept'
    ? `EPT is not used by ${technique.name}: ${keeps}.`
    : `Shadow page tables are not used by ${technique.name}: ${keeps}.`;
}
