import { INSTRUCTION_WORDS, OP, type Program, type SourceRange } from '../language/program';
import { hostActionRows } from '../language/hostActions';
import { instructionRows } from '../language/instructions';
import { MOST_CPUS } from './deliveryTables';
import type { ConfigurationError } from './configuration';
import type { MemorySlot } from './memoryMap';

/** What a scenario asks for, and the place that asks for it. */
interface Use {
  readonly name: string;
  readonly range?: SourceRange;
}

/** Something that not every technique does. */
interface Feature {
  readonly uses: (program: Program, slots: readonly MemorySlot[]) => Use | undefined;
  /** Techniques that do it. */
  readonly runsUnder: readonly string[];
  /** What to do instead, behind the names of those. */
  readonly advice: string;
}

const HARDWARE_WALKS = ['native', 'ept'] as const;
const NONE: readonly string[] = [];

/** The design's table *feature × technique*. Nothing else keeps a technique from a scenario. */
const features: readonly Feature[] = [
  {
    uses: (program) => (program.paging === '4-level' ? undefined : setting(program, 'paging', `paging ${program.paging}`)),
    runsUnder: HARDWARE_WALKS, advice: 'its shadow tables are of 4-level guests',
  },
  {
    uses: (program) => (program.vms[0]?.kernel === 'none' ? setting(program, 'kernel', 'kernel none') : undefined),
    runsUnder: HARDWARE_WALKS, advice: 'it has no shadow of a guest without paging',
  },
  {
    uses: (program, slots) => {
      const rom = slots.find(({ kind }) => kind === 'rom');
      return rom === undefined ? undefined : { name: `the ROM slot ${rom.name}`, ...(rom.setting === undefined ? {} : { range: rom.setting.range }) };
    },
    runsUnder: ['native'], advice: 'write ram in place of rom',
  },
  {
    uses: (program) => (program.vms.length > 1 ? { name: `${program.vms.length} virtual machines` } : undefined),
    runsUnder: NONE, advice: 'keep one vm',
  },
  {
    uses: (program) => (program.cpus.length > MOST_CPUS ? setting(program, 'delivery', `delivery memory with ${program.cpus.length} CPUs`, 'memory') : undefined),
    runsUnder: NONE, advice: `keep ${MOST_CPUS} of them`,
  },
  { uses: (program) => operation(program, OP.vmcsGet, 'VMREAD') ?? operation(program, OP.vmcsSet, 'VMWRITE'), runsUnder: NONE, advice: 'leave nesting out' },
  ...['vmlaunch', 'vmresume'].map((name): Feature => ({ uses: (program) => instruction(program, name), runsUnder: NONE, advice: 'leave nesting out' })),
  { uses: (program) => instruction(program, 'vmfunc'), runsUnder: ['native'], advice: 'its hypervisor enables no VM functions' },
  ...hostActionRows.map(({ name }): Feature => ({ uses: (program) => hostAction(program, name), runsUnder: NONE, advice: 'leave it out' })),
];

/** Why the scenario does not fit the technique, as a sentence; undefined when it does. */
export function unfitFeature(program: Program, technique: string, slots: readonly MemorySlot[]): ConfigurationError | undefined {
  for (const { uses, runsUnder, advice } of features) {
    if (runsUnder.includes(technique)) continue;
    const use = uses(program, slots);
    if (use === undefined) continue;
    const where = use.range === undefined ? '' : `line ${use.range.line + 1}: `;
    const instead = runsUnder.length === 0 ? `no technique does it yet: ${advice}` : `run it under ${runsUnder.join(' or ')}: ${advice}`;
    return { error: `${where}${use.name} does not run under ${technique}; ${instead}`, ...(use.range === undefined ? {} : { range: use.range }) };
  }
  return undefined;
}

function setting(program: Program, name: string, text: string, value?: string): Use | undefined {
  const found = program.machine.find((each) => each.name === name);
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
