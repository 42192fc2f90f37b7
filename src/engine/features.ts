import { INSTRUCTION_WORDS, OP, type Program, type SourceRange } from '../language/program';
import { hostActionRows } from '../language/hostActions';
import { instructionRows } from '../language/instructions';
import type { VirtualMachine } from '../language/virtualMachines';
import { MOST_CPUS } from './deliveryTables';
import type { ConfigurationError } from './configuration';
import { hostActionPerformer } from './hostActions';
import type { MemorySlot } from './memoryMap';
import { runningTechniques } from './techniques';

/** What a scenario asks for, and the place that asks for it. */
interface Use {
  readonly name: string;
  readonly range?: SourceRange;
}

/** Something that not every technique does. */
interface Feature {
  readonly uses: (program: Program, vm: VirtualMachine, slots: readonly MemorySlot[]) => Use | undefined;
  /** Techniques that do it. */
  readonly runsUnder: readonly string[];
  /** What to do instead, behind the names of those. */
  readonly advice: string;
}

const HARDWARE_WALKS = ['native', 'ept'] as const;
const NONE: readonly string[] = [];
/** Techniques with a host below the guest, which can have several. */
const HYPERVISORS = runningTechniques.filter(({ ownsMachine }) => !ownsMachine).map(({ name }) => name);

/** The design's table *feature × technique*. Nothing else keeps a technique from a scenario. */
const features: readonly Feature[] = [
  {
    uses: (_, vm) => (vm.paging === 'none' ? setting(vm, 'paging', 'paging none') : undefined),
    runsUnder: HARDWARE_WALKS, advice: 'real-address mode needs "unrestricted guest", which needs EPT',
  },
  {
    uses: (_, vm, slots) => {
      const rom = slots.find(({ kind }) => kind === 'rom');
      return rom === undefined ? undefined : { name: `the ROM slot ${rom.name}`, ...(rom.setting === undefined ? {} : { range: rom.setting.range }) };
    },
    runsUnder: ['native', 'ept'], advice: 'write ram in place of rom',
  },
  {
    uses: ({ vms }) => (vms.length > 1 ? { name: `a host of ${vms.length} virtual machines` } : undefined),
    runsUnder: HYPERVISORS, advice: 'without a hypervisor there is one guest to a machine',
  },
  {
    uses: ({ platform }) => {
      const found = platform.find(({ name }) => name === 'sabotage');
      return found === undefined ? undefined : { name: `sabotage ${String(found.values[0])}`, range: found.range };
    },
    runsUnder: HYPERVISORS, advice: 'there is no hypervisor that could do it',
  },
  {
    uses: ({ vms }) => (vms.some(({ parent }) => parent >= 0) ? { name: 'a vm inside a vm' } : undefined),
    runsUnder: NONE, advice: 'leave nesting out',
  },
  {
    uses: (_, vm) => (vm.cpus.length > MOST_CPUS ? setting(vm, 'delivery', `delivery memory with ${vm.cpus.length} CPUs`, 'memory') : undefined),
    runsUnder: NONE, advice: `keep ${MOST_CPUS} of them`,
  },
  { uses: (program) => operation(program, OP.vmcsGet, 'VMREAD') ?? operation(program, OP.vmcsSet, 'VMWRITE'), runsUnder: NONE, advice: 'leave nesting out' },
  ...['vmlaunch', 'vmresume'].map((name): Feature => ({ uses: (program) => instruction(program, name), runsUnder: NONE, advice: 'leave nesting out' })),
  { uses: (program) => instruction(program, 'vmfunc'), runsUnder: ['native'], advice: 'its hypervisor enables no VM functions' },
  ...hostActionRows.map(({ name }): Feature => ({
    uses: (program) => hostAction(program, name), runsUnder: techniquesWithAction(name), advice: 'no host lies below the others, or none that does it',
  })),
];

/** Why a VM of the scenario does not fit its technique, as a sentence; undefined when it does. */
export function unfitFeature(program: Program, vm: VirtualMachine, technique: string, slots: readonly MemorySlot[]): ConfigurationError | undefined {
  for (const { uses, runsUnder, advice } of features) {
    if (runsUnder.includes(technique)) continue;
    const use = uses(program, vm, slots);
    if (use === undefined) continue;
    const where = use.range === undefined ? '' : `line ${use.range.line + 1}: `;
    const instead = runsUnder.length === 0 ? `no technique does it yet: ${advice}` : `run it under ${runsUnder.join(' or ')}: ${advice}`;
    return { error: `${where}${use.name} does not run under ${technique}; ${instead}`, ...(use.range === undefined ? {} : { range: use.range }) };
  }
  return undefined;
}

/** `native` says of what no guest can tell that it does nothing; a host lies below all others. */
function techniquesWithAction(name: string): readonly string[] {
  const runs = hostActionPerformer(name)?.runs;
  if (runs === undefined) return NONE;
  return runningTechniques.filter(({ ownsMachine }) => !ownsMachine || runs !== 'hosted').map((technique) => technique.name);
}

function setting(vm: VirtualMachine, name: string, text: string, value?: string): Use | undefined {
  const found = vm.machine.find((each) => each.name === name);
  if (value !== undefined && found?.values[0] !== value) return undefined;
  const range = found?.range;
  return { name: text, ...(range === undefined ? {} : { range }) };
}

function hostAction(program: Program, name: string): Use | undefined {
  const row = hostActionRows.findIndex((each) => each.name === name);
  return operation(program, OP.hostAction, `host action ${name}`, row);
}

function instruction(program: Program, name: string): Use | undefined {
  const row = instructionRows.findIndex((each) => each.name === name);
  return operation(program, OP.instruction, `${name}()`, row);
}

/** The first statement of the scenario that has an instruction of this operation, with this first operand if it is given. */
function operation(program: Program, wanted: number, name: string, first?: number): Use | undefined {
  const { code, statements } = program;
  for (let pc = 0; pc * INSTRUCTION_WORDS < code.length; pc++) {
    const at = pc * INSTRUCTION_WORDS;
    if (code[at] !== wanted || (first !== undefined && code[at + 1] !== first)) continue;
    const range = statements.filter(({ entry, end }) => pc >= entry && pc < end).sort((a, b) => (a.end - a.entry) - (b.end - b.entry))[0]?.range;
    return { name, ...(range === undefined ? {} : { range }) };
  }
  return undefined;
}
