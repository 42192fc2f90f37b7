import { DELIVERY_MODE } from '../../hardware/apic/deliveryMode';
import { APIC_MSR } from '../../hardware/apic/x2apicMsrs';
import { RMW } from '../../hardware/memory/readModifyWrite';
import { STATUS, type Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { instructionRows } from '../../language/instructions';
import type { Randomness } from '../schedule/randomness';

const DELIVERY_MODE_SHIFT = 8;

/** What an instruction of the scenario has at hand; values are pairs of halves. */
export interface InstructionSite {
  processor: Processor;
  words: Int32Array;
  /** Word index of the first operand. */
  at: number;
  /** That of the CPU's VM: what `random` gives in one does not depend on what another draws. */
  chance: Randomness;
  /** Guest-physical address of the VMCS region of a nested guest's CPU on this processor; undefined: it has none there. */
  readonly regionOf: (vm: number, cpu: number) => number | undefined;
  /** What it gives. */
  lo: number;
  hi: number;
}

/** What a row does besides coming to a `STATUS`. */
export type Aftermath = 'enters a guest' | 'goes on' | 'may let interrupts in' | 'leaves the handler' | 'raises a trap';

export interface GuestInstruction {
  readonly name: string;
  readonly aftermath: Aftermath;
  /** It makes an access of memory as loads and stores do. */
  readonly isAccess: boolean;
  execute(site: InstructionSite): number;
}

type Execute = GuestInstruction['execute'];

/** Operands that the processor takes from registers are put there first: a scenario writes them as operands. */
const rows: Readonly<Record<string, Execute | readonly [Aftermath, Execute]>> = {
  invlpg: ({ processor, words, at }) => processor.invlpg(words[at]!, words[at + 1]!),
  fetch: ({ processor, words, at }) => processor.fetch(words[at]!, words[at + 1]!),
  stac: ({ processor }) => processor.setAlignmentCheck('set'),
  clac: ({ processor }) => processor.setAlignmentCheck('clear'),
  // The descriptor of INVPCID lies in memory; the scenario gives its contents.
  invpcid: ({ processor, words, at }) => processor.invpcidOf(words[at]!, words[at + 2]!, words[at + 3]!, words[at + 4]!, words[at + 5]!),
  cpuid: (site) => {
    put(site, REGISTER.rax, 0);
    return gives(site, site.processor.cpuid(), REGISTER.rax);
  },
  rdmsr: (site) => {
    put(site, REGISTER.rcx, 0);
    const status = site.processor.rdmsr();
    const { registers } = site.processor;
    site.lo = registers[2 * REGISTER.rax]!;
    site.hi = registers[2 * REGISTER.rdx]!;
    return status;
  },
  wrmsr: ['may let interrupts in', (site) => {
    put(site, REGISTER.rcx, 0);
    return writeMsr(site, site.words[site.at + 2]!, site.words[site.at + 3]!);
  }],
  hlt: ({ processor }) => processor.hlt(),
  inb: input(1), inw: input(2), inl: input(4),
  outb: output(1), outw: output(2), outl: output(4),
  int: ['raises a trap', ({ processor, words, at }) => processor.softwareInterrupt(words[at]! & 0xff)],
  iret: ['leaves the handler', () => STATUS.done],
  vmcall: (site) => {
    put(site, REGISTER.rax, 0);
    return gives(site, site.processor.vmcall(), REGISTER.rax);
  },
  vmfunc: (site) => {
    put(site, REGISTER.rax, 0);
    put(site, REGISTER.rcx, 1);
    return site.processor.vmfunc();
  },
  xchg: (site) => {
    const { processor, words, at } = site;
    const status = processor.readModifyWrite(words[at]!, words[at + 1]!, words[at + 4]!, RMW.exchange, words[at + 2]!, words[at + 3]!);
    return givesFound(site, status);
  },
  cmpxchg: (site) => {
    const { processor, words, at } = site;
    const size = words[at + 6]!;
    const mask = size >= 4 ? -1 : (1 << (size << 3)) - 1;
    const status = processor.compareExchange(
      words[at]!, words[at + 1]!, size, words[at + 2]! & mask, size === 8 ? words[at + 3]! : 0, words[at + 4]!, words[at + 5]!,
    );
    return givesFound(site, status);
  },
  // SDM Vol. 3, "Interrupt Command Register (ICR)": physical destination, fixed delivery, in x2APIC mode.
  ipi: ['may let interrupts in', (site) => {
    const { processor, words, at } = site;
    processor.registers[2 * REGISTER.rcx] = APIC_MSR.icr;
    processor.registers[2 * REGISTER.rcx + 1] = 0;
    return writeMsr(site, (words[at + 2]! & 0xff) | (DELIVERY_MODE.fixed << DELIVERY_MODE_SHIFT), words[at]!);
  }],
  random: (site) => {
    const { words, at } = site;
    const bound = (BigInt(words[at + 1]! >>> 0) << 32n) | BigInt(words[at]! >>> 0);
    const drawn = (BigInt(site.chance.next() >>> 0) << 32n) | BigInt(site.chance.next() >>> 0);
    const value = bound === 0n ? 0n : drawn % bound;
    site.lo = Number(BigInt.asIntN(32, value));
    site.hi = Number(BigInt.asIntN(32, value >> 32n));
    return STATUS.done;
  },
  vmclear: (site) => {
    const { lo, hi } = regionAddress(site);
    return site.processor.vmx.vmclear(lo, hi);
  },
  vmptrld: (site) => {
    const { lo, hi } = regionAddress(site);
    return site.processor.vmx.vmptrld(lo, hi);
  },
  vmlaunch: ['enters a guest', () => STATUS.done],
  vmresume: ['enters a guest', () => STATUS.done],
  invept: ({ processor, words, at }) => processor.vmx.invept(words[at]!, words[at + 2]!, words[at + 3]!),
  invvpid: ({ processor, words, at }) => processor.vmx.invvpid(words[at]!, words[at + 2]!, words[at + 3]!, words[at + 4]!, words[at + 5]!),
  sti: ['may let interrupts in', ({ processor }) => processor.setInterruptFlag('set')],
  cli: ({ processor }) => processor.setInterruptFlag('clear'),
  sgdt: (site) => givesFound(site, site.processor.sensitive.sgdt()),
  sidt: (site) => givesFound(site, site.processor.sensitive.sidt()),
  sldt: (site) => givesFound(site, site.processor.sensitive.sldt()),
  str: (site) => givesFound(site, site.processor.sensitive.str()),
  smsw: (site) => givesFound(site, site.processor.sensitive.smsw()),
};

/** By the number of their row in the language's table; undefined: no machine here does it. */
export const guestInstructions: readonly (GuestInstruction | undefined)[] = instructionRows.map(({ name, isAccess }) => {
  const row = rows[name];
  if (row === undefined) return undefined;
  const [aftermath, execute]: readonly [Aftermath, Execute] = typeof row === 'function' ? ['goes on', row] : row;
  return { name, aftermath, isAccess: isAccess === true, execute };
});

/** The operand is an address, or the number of a nested guest where the register behind says so. A guest without a CPU here has no region. */
function regionAddress({ processor: { cpu }, words, at, regionOf }: InstructionSite): { readonly lo: number; readonly hi: number } {
  if (words[at + 2] === 0) return { lo: words[at]!, hi: words[at + 1]! };
  const region = regionOf(words[at]!, cpu);
  return region === undefined ? { lo: -1, hi: -1 } : { lo: region, hi: 0 };
}

/** The `index`-th operand into a register. */
function put({ processor, words, at }: InstructionSite, register: number, index: number): void {
  processor.registers[2 * register] = words[at + 2 * index]!;
  processor.registers[2 * register + 1] = words[at + 2 * index + 1]!;
}

function gives(site: InstructionSite, status: number, register: number): number {
  site.lo = site.processor.registers[2 * register]!;
  site.hi = site.processor.registers[2 * register + 1]!;
  return status;
}

function givesFound(site: InstructionSite, status: number): number {
  site.lo = site.processor.valueLo;
  site.hi = site.processor.valueHi;
  return status;
}

/** EDX:EAX to the MSR in ECX. */
function writeMsr({ processor }: InstructionSite, lo: number, hi: number): number {
  const { registers } = processor;
  registers[2 * REGISTER.rax] = lo;
  registers[2 * REGISTER.rax + 1] = 0;
  registers[2 * REGISTER.rdx] = hi;
  registers[2 * REGISTER.rdx + 1] = 0;
  return processor.wrmsr();
}

function input(size: 1 | 2 | 4): Execute {
  const mask = size === 4 ? -1 : (1 << (size << 3)) - 1;
  return (site) => {
    put(site, REGISTER.rdx, 0);
    const status = site.processor.input(size);
    site.lo = site.processor.registers[2 * REGISTER.rax]! & mask;
    site.hi = 0;
    return status;
  };
}

function output(size: 1 | 2 | 4): Execute {
  return (site) => {
    put(site, REGISTER.rdx, 0);
    put(site, REGISTER.rax, 1);
    return site.processor.output(size);
  };
}
