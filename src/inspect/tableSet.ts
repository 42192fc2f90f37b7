import type { Machine } from '../engine/machine';
import { compileFormat, type CompiledFormat } from '../hardware/paging/compiledFormat';
import { EPT4 } from '../hardware/paging/formats/ept4';
import { LONG4 } from '../hardware/paging/formats/long4';
import { SlotMemory } from '../hypervisor/slotMemory';
import type { Space } from '../protocol/requests';
import { frameOfHalves, frameText, type AddressSpace } from './addressText';

/** A root and what leads to it. `table` is a frame number in the space that the tables lie in. */
export interface RootTable {
  readonly table: number;
  /** `CR3 gpa:0x2000 (process p)` */
  readonly label: string;
}

/** One set of tables as it stands: how its entries are read, and from which roots. */
export interface TableSet {
  readonly space: Space;
  readonly compiled: CompiledFormat;
  /** Where the tables lie and what their entries lead to. */
  readonly frameSpace: 'gpa' | 'hpa';
  /** Which addresses they translate. */
  readonly inputSpace: AddressSpace;
  readonly roots: readonly RootTable[];
}

/** The set of tables of `space`; a sentence when there is none. Touches nothing. */
export function tableSet(machine: Machine, space: Space): TableSet | { readonly message: string } {
  switch (space) {
    case 'guest': return guestTables(machine);
    case 'host': return hostTables(machine);
    case 'shadow':
    case 'ept': return techniqueTables(machine, space);
  }
}

/** Host frame that a table lies in, or -1: nothing backs it, and it reads as zeros. */
export function hostFrameOf(machine: Machine, set: TableSet, table: number): number {
  return set.frameSpace === 'gpa' ? machine.technique.guestMemory.frameOf(table) : table;
}

/** Names of the processes whose root is guest frame `table`. */
export function processesWithRoot(machine: Machine, table: number): readonly string[] {
  return processRoots(machine).filter((process) => process.table === table).map((process) => process.name);
}

/** The processes whose tables the guest kernel has made; before that their root reads 0. */
function processRoots(machine: Machine): readonly { readonly name: string; readonly table: number }[] {
  return machine.program.processes
    .map(({ name }, process) => ({ name, table: machine.interpreter.processes.rootFrame(process) }))
    .filter((process) => process.table !== 0);
}

function guestTables(machine: Machine): TableSet | { readonly message: string } {
  const { technique, processors } = machine;
  const { compiled } = technique.guestTables(0);
  if (compiled.levels === 0) {
    return { message: 'The guest runs with paging off (CR0.PG = 0): a linear address is the guest-physical one, without any table.' };
  }
  const roots: RootTable[] = [];
  const add = (table: number, label: string): void => {
    if (!roots.some((root) => root.table === table)) roots.push({ table, label });
  };
  processors.forEach((_, cpu) => {
    const table = frameOfHalves(technique.guestCr3Lo(cpu), technique.guestCr3Hi(cpu) & 0xfffff);
    const names = processesWithRoot(machine, table).map((name) => `process ${name}`);
    const whose = processors.length > 1 ? `CPU ${cpu} CR3` : 'CR3';
    add(table, `${whose} ${frameText('gpa', table)}${names.length === 0 ? '' : ` (${names.join(', ')})`}`);
  });
  for (const { name, table } of processRoots(machine)) add(table, `process ${name} ${frameText('gpa', table)}`);
  return { space: 'guest', compiled, frameSpace: 'gpa', inputSpace: 'gva', roots };
}

function techniqueTables(machine: Machine, space: 'shadow' | 'ept'): TableSet | { readonly message: string } {
  const roots: RootTable[] = [];
  machine.processors.forEach((_, cpu) => {
    for (const root of machine.technique.roots(cpu)) {
      if (root.space !== space || roots.some((known) => known.table === root.frame)) continue;
      roots.push({ table: root.frame, label: root.label });
    }
  });
  if (roots.length === 0) return { message: unusedText(machine, space) };
  return {
    space,
    compiled: space === 'ept' ? nestedFormat(machine) : shadowFormat(machine),
    frameSpace: 'hpa',
    inputSpace: space === 'ept' ? 'gpa' : 'gva',
    roots,
  };
}

function hostTables(machine: Machine): TableSet | { readonly message: string } {
  const { technique } = machine;
  if (!(technique.guestMemory instanceof SlotMemory)) {
    return { message: `There is no host process under ${technique.name}: guest-physical addresses are host-physical ones.` };
  }
  const { process } = technique.guestMemory.host;
  const { space, rootFrame } = process;
  const roots = [{ table: rootFrame, label: `VMM process, CR3 ${frameText('hpa', rootFrame)}` }];
  return { space: 'host', compiled: space.compiled, frameSpace: 'hpa', inputSpace: 'hva', roots };
}

/** EPT entries as the processor that walks them judges them. */
export function nestedFormat(machine: Machine): CompiledFormat {
  const inForce = machine.processors[0]?.inspection.nested?.compiled;
  return inForce ?? compileFormat(EPT4, { maxphyaddr: machine.configuration.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
}

/** Shadow entries likewise: of as many levels as the processor walks, which has paging on whatever the guest has. */
function shadowFormat(machine: Machine): CompiledFormat {
  const inForce = machine.processors[0]?.inspection.compiled;
  if (inForce !== undefined && inForce.levels > 0) return inForce;
  return compileFormat(LONG4, { maxphyaddr: machine.configuration.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
}

/** `EPT is not used by shadow-wp: it keeps shadow page tables.` */
function unusedText(machine: Machine, space: 'shadow' | 'ept'): string {
  const { technique } = machine;
  const kept = technique.roots(0)[0]?.space;
  const keeps = kept === 'shadow' ? 'it keeps shadow page tables' : kept === undefined ? 'it keeps no tables beside the guest\'s own' : 'it keeps EPT';
  return space === 'ept'
    ? `EPT is not used by ${technique.name}: ${keeps}.`
    : `Shadow page tables are not used by ${technique.name}: ${keeps}.`;
}
