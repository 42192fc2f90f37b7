import { KIND } from '../../hardware/events/eventTable';
import { INSTRUCTION_WORDS, OP, type Program, type SourceRange } from '../../language/program';
import { hostActionRows } from '../../language/hostActions';
import { instructionRows } from '../../language/instructions';
import type { VirtualMachine } from '../../language/virtualMachines';
import { MOST_CPUS } from '../interpreter/deliveryTables';
import type { ConfigurationError } from './configuration';
import { hostActionPerformer } from '../host/hostActions';
import type { MemorySlot } from './memoryMap';
import { REGISTER } from '../../hardware/processor/registers';
import { HIDDEN_CR4 } from '../../hypervisor/deprivileged/deprivilegedMmu';
import { MOST_NESTED_CPUS } from '../../hypervisor/nested/vmcsRegions';
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

/** The guest's tables are its own, and nothing is made of them. */
const OWN_TABLES = ['native', 'interpret', 'ept', 'npt', 'nested'] as const;
/** Guest frames of the hypervisor's identity map and TSS. */
const RESERVED = { first: 0xfffbc, end: 0xfffc0 } as const;
const NOT_VIRTUAL_8086 = ['native', 'interpret', 'npt'] as const;
const NONE: readonly string[] = [];
/** Techniques with a host below the guest, which can have several. */
const HYPERVISORS = runningTechniques.filter(({ ownsMachine }) => !ownsMachine).map(({ name }) => name);

/** Techniques whose host, if they have one, has the machine itself. */
const ON_THE_MACHINE = runningTechniques.filter((technique) => technique.ownsMachine || technique.below === undefined).map(({ name }) => name);

/** All but the one whose guests' kernels run at CPL 3. */
const PRIVILEGED = ['native', ...HYPERVISORS.filter((name) => name !== 'deprivileged')];

/** Techniques with shadow tables that the hypervisor keeps outside the guest. */
const SHADOWS = HYPERVISORS.filter((name) => name.startsWith('shadow-'));

/** What the processor tells of look-ups and walks of its own: nothing, where each access exits before either. */
const LOOK_UPS = ['tlb_hit', 'tlb_miss', 'tlb_fill', 'tlb_l2_hit', 'walk', 'table_read', 'ad_update', 'walk_done'] as const;

/** The design's table *feature × technique*. Nothing else keeps a technique from a scenario. */
const features: readonly Feature[] = [
  {
    uses: (_, vm) => (vm.paging === 'none' ? setting(vm, 'paging', 'paging none') : undefined),
    runsUnder: [...OWN_TABLES, ...SHADOWS], advice: 'the others have no way into real-address mode',
  },
  {
    uses: (_, vm, slots) => {
      const rom = slots.find(({ kind }) => kind === 'rom');
      return rom === undefined ? undefined : { name: `the ROM slot ${rom.name}`, ...(rom.setting === undefined ? {} : { range: rom.setting.range }) };
    },
    runsUnder: [...OWN_TABLES, 'deprivileged', ...SHADOWS], advice: 'write ram in place of rom',
  },
  {
    uses: ({ vms }) => (outermost(vms) > 1 ? { name: `a host of ${outermost(vms)} virtual machines` } : undefined),
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
    uses: ({ platform }) => {
      const found = platform.find(({ name, values }) => name === 'sabotage' && values[0] === 'load_guest_cr3_raw');
      return found === undefined ? undefined : { name: 'sabotage load_guest_cr3_raw', range: found.range };
    },
    runsUnder: ['shadow-wp'], advice: 'CR3 is the guest\'s own there',
  },
  {
    uses: ({ vms }) => (vms.some(({ parent }) => parent >= 0) ? { name: 'a vm inside a vm' } : undefined),
    runsUnder: ['ept'], advice: 'L0 emulates VMX for its guest by EPT',
  },
  {
    uses: ({ vms }) => (vms.some(({ parent }) => parent >= 0 && vms[parent]!.parent >= 0) ? { name: 'a vm inside a vm inside a vm' } : undefined),
    runsUnder: NONE, advice: 'L0 emulates VMX for its own guest, and that one for none',
  },
  {
    uses: ({ vms }, vm) => (hasNested(vms, vm) && vm.paging !== '4-level' && vm.paging !== '5-level'
      ? setting(vm, 'paging', `a guest hypervisor with paging ${vm.paging}`) : undefined),
    runsUnder: NONE, advice: 'VM exits go to a 64-bit hypervisor: write paging 4-level',
  },
  {
    uses: (_, vm) => setting(vm, 'unrestricted_guest', 'unrestricted_guest off', 'off'),
    runsUnder: ON_THE_MACHINE,
    advice: 'L1 has its guest\'s real mode from the processor; or leave it on',
  },
  {
    uses: (_, vm) => setting(vm, 'ept_violation_ve', 'ept_violation_ve on', 'on'),
    runsUnder: ['ept'], advice: 'no other hypervisor lets its guest have violations as exceptions',
  },
  {
    uses: ({ vms }, vm) => (vm.parent >= 0 || hasNested(vms, vm) ? setting(vm, 'ept_violation_ve', `ept_violation_ve on with nesting, in ${vm.name},`, 'on') : undefined),
    runsUnder: NONE, advice: 'L0 converts no violation for a guest hypervisor: leave it off',
  },
  {
    uses: (_, vm) => (vm.parent >= 0 && vm.kernel !== 'none' ? { name: `the nested guest ${vm.name} with a kernel library` } : undefined),
    runsUnder: NONE, advice: 'it begins with nothing mapped: write kernel none in its machine',
  },
  {
    uses: ({ vms }, vm) => (vm.parent >= 0 || hasNested(vms, vm) ? setting(vm, 'delivery', `delivery memory with nesting, in ${vm.name},`, 'memory') : undefined),
    runsUnder: NONE, advice: 'events of nested guests touch no memory: leave delivery direct',
  },
  {
    uses: ({ vms }, vm) => (hasNested(vms, vm) ? setting(vm, 'dirty_log', `dirty_log pml in ${vm.name}, which has a nested guest,`, 'pml') : undefined),
    runsUnder: NONE, advice: 'processors log addresses of whoever runs, and L2\'s are not L1\'s: write dirty_log wp',
  },
  {
    uses: ({ vms }, vm) => (vm.parent >= 0 && vm.cpus.length > vms[vm.parent]!.cpus.length
      ? { name: `the nested guest ${vm.name} with more CPUs than ${vms[vm.parent]!.name} has` } : undefined),
    runsUnder: NONE, advice: 'CPU n of a nested guest is on CPU n of the VM around it',
  },
  {
    uses: ({ vms }, vm) => (nestedCpus(vms, vm) > MOST_NESTED_CPUS ? { name: `${nestedCpus(vms, vm)} CPUs of nested guests in ${vm.name}` } : undefined),
    runsUnder: NONE, advice: `the loader has room for ${MOST_NESTED_CPUS} VMCS regions`,
  },
  {
    uses: (_, vm) => (vm.cpus.length > MOST_CPUS ? setting(vm, 'delivery', `delivery memory with ${vm.cpus.length} CPUs`, 'memory') : undefined),
    runsUnder: NONE, advice: `keep ${MOST_CPUS} of them`,
  },
  {
    uses: (program) => givenBits(program, REGISTER.cr4, HIDDEN_CR4, 'a bit of CR4 for protection keys, virtual interrupts or UMIP'),
    runsUnder: PRIVILEGED, advice: 'its guests do not have these, since all of the guest has U and CPL 3 to the processor',
  },
  {
    uses: (program) => operation(program, OP.hold, 'hold … before mmu_lock', [1, KIND.mmu_lock]),
    runsUnder: HYPERVISORS.filter((name) => name !== 'interpret'), advice: 'it is taken where a hypervisor fills an entry of tables that the processor walks',
  },
  ...LOOK_UPS.map((kind): Feature => ({
    uses: (program) => operation(program, OP.hold, `hold … before ${kind}`, [1, KIND[kind]]),
    runsUnder: runningTechniques.map(({ name }) => name).filter((name) => name !== 'interpret'), advice: 'an interpreter\'s processor looks nothing up and walks nothing',
  })),
  {
    uses: ({ vms }, vm) => (vm.parent >= 0 || hasNested(vms, vm) ? setting(vm, 'unrestricted_guest', `unrestricted_guest off with nesting, in ${vm.name},`, 'off') : undefined),
    runsUnder: NONE, advice: 'leave it on: VM entries of a guest hypervisor\'s guests are not emulated in virtual-8086 mode',
  },
  {
    uses: (_, vm, slots) => (slots.some(({ frame, frames }) => frame < RESERVED.end && RESERVED.first < frame + frames)
      && (vm.paging === 'none' || vm.kernel === 'none') ? setting(vm, 'unrestricted_guest', 'a slot at 0xfffbc000 with unrestricted_guest off', 'off') : undefined),
    runsUnder: NOT_VIRTUAL_8086, advice: 'the identity map and the TSS of the hypervisor lie there',
  },
  {
    uses: (_, vm, slots) => (slots.some(({ frame, frames }) => frame < RESERVED.end && RESERVED.first < frame + frames) && vm.paging === 'none'
      ? setting(vm, 'paging', 'paging none with a slot at 0xfffbc000') : undefined),
    runsUnder: OWN_TABLES, advice: 'the identity map and the TSS of the hypervisor lie there',
  },
  { uses: (program) => instruction(program, 'vmfunc'), runsUnder: ['native'], advice: 'its hypervisor enables no VM functions' },
  { uses: (program) => hostAction(program, 'set_epte'), runsUnder: ['ept', 'nested'], advice: 'the others keep no EPT' },
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
    const instead = runsUnder.length === 0 ? `no technique does it yet: ${advice}` : `run it under ${runsUnder.join(' or ')}: ${advice}`;
    return { error: `${use.name} does not run under ${technique}; ${instead}`, ...(use.range === undefined ? {} : { range: use.range }) };
  }
  return undefined;
}

/** VMs that no other is around. */
function outermost(vms: readonly VirtualMachine[]): number {
  return vms.filter(({ parent }) => parent < 0).length;
}

function hasNested(vms: readonly VirtualMachine[], vm: VirtualMachine): boolean {
  return nestedCpus(vms, vm) > 0;
}

/** CPUs of all nested guests of a VM. */
function nestedCpus(vms: readonly VirtualMachine[], vm: VirtualMachine): number {
  return vms.reduce((sum, { parent, cpus }) => (vms[parent] === vm ? sum + cpus.length : sum), 0);
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
  return operation(program, OP.hostAction, `host action ${name}`, [0, row]);
}

function instruction(program: Program, name: string): Use | undefined {
  const row = instructionRows.findIndex((each) => each.name === name);
  return operation(program, OP.instruction, `${name}()`, [0, row]);
}

/** The first write of a register whose statement names one of these bits of its low half, but to mask it out. */
function givenBits({ code, constants, statements }: Program, register: number, bits: number, name: string): Use | undefined {
  const operationAt = (pc: number): number => code[pc * INSTRUCTION_WORDS]!;
  for (let pc = 0; pc * INSTRUCTION_WORDS < code.length; pc++) {
    if (operationAt(pc) !== OP.registerSet || code[pc * INSTRUCTION_WORDS + 1] !== register) continue;
    const statement = innermost(statements, pc);
    for (let at = statement?.entry ?? pc; at < pc; at++) {
      if (operationAt(at) !== OP.constant || operationAt(at + 1) === OP.and) continue;
      const value = constants[2 * code[at * INSTRUCTION_WORDS + 2]!]!;
      if (((operationAt(at + 1) === OP.shiftLeft ? 1 << value : value) & bits) === 0) continue;
      return { name, ...(statement === undefined ? {} : { range: statement.range }) };
    }
  }
  return undefined;
}

function innermost(statements: Program['statements'], pc: number): Program['statements'][number] | undefined {
  return statements.filter(({ entry, end }) => pc >= entry && pc < end).sort((x, y) => (x.end - x.entry) - (y.end - y.entry))[0];
}

/** The first statement of the scenario that has an instruction of this operation, with this operand at this place (from 0) if it is given. */
function operation(program: Program, wanted: number, name: string, operand?: readonly [place: number, value: number]): Use | undefined {
  const { code, statements } = program;
  for (let pc = 0; pc * INSTRUCTION_WORDS < code.length; pc++) {
    const at = pc * INSTRUCTION_WORDS;
    if (code[at] !== wanted || (operand !== undefined && code[at + 1 + operand[0]] !== operand[1])) continue;
    const range = innermost(statements, pc)?.range;
    return { name, ...(range === undefined ? {} : { range }) };
  }
  return undefined;
}
