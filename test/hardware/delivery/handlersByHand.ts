import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import type { ProcessorSettings } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { halves, P, RW, TestMachine, US, whole } from '../testMachine';

/** Where things lie, linear and (since each page is mapped to the same number) physical. */
export const AT = {
  idt: 0x3a_1000n, gdt: 0x31_0000n, tss: 0x32_0000n, kernelStack: 0x33_0000n, ist: 0x34_0000n, userStack: 0x35_0000n, handlers: 0xffff_8000_0000_0000n,
} as const;
/** Tops of the stacks, none of them aligned: delivery aligns. */
export const TOP = { kernel: AT.kernelStack + 0xff8n, ist: AT.ist + 0xff9n, user: AT.userStack + 0xff8n } as const;
export const SELECTORS = { kernelCode: 0x08, kernelData: 0x10, userData: 0x1b, userCode: 0x23, conforming: 0x28, code32: 0x30, data: 0x38, absent: 0x40 } as const;

/** Descriptors as the manual draws them: type, S, DPL, P in bits 47:40, flags in 55:52. */
export function descriptor(access: number, flags: number, base = 0n, limit = 0xf_ffffn): bigint {
  return (limit & 0xffffn) | (base & 0xff_ffffn) << 16n | BigInt(access) << 40n | (limit >> 16n) << 48n | BigInt(flags) << 52n | (base >> 24n) << 56n;
}

export const LONG_CODE = 0xa;
export const BIG = 0xc;

/** One 64-bit gate. */
export interface GateValue {
  readonly selector?: number;
  readonly offset?: bigint;
  readonly type?: number;
  readonly dpl?: number;
  readonly present?: 0 | 1;
  readonly ist?: number;
}

/** Type of a gate: the manual's numbers. */
export const INTERRUPT_GATE = 0xe;
export const TRAP_GATE = 0xf;

/** A processor in long mode that delivers through memory, with GDT, IDT, TSS and stacks written by hand. */
export class HandlersByHand extends TestMachine {
  private idt: bigint = AT.idt;

  constructor(settings: Partial<ProcessorSettings> = {}) {
    super({ delivery: 'memory', ...settings });
    for (const [name, gva] of Object.entries(AT)) {
      if (name !== 'handlers') this.map(gva, gva, name === 'userStack' ? P | RW | US : P | RW);
    }
    const gdt: readonly bigint[] = [
      0n, descriptor(0x9b, LONG_CODE), descriptor(0x93, BIG), descriptor(0xf3, BIG), descriptor(0xfb, LONG_CODE),
      descriptor(0x9f, LONG_CODE), descriptor(0x9b, BIG), descriptor(0x93, BIG), descriptor(0x1b, LONG_CODE),
    ];
    gdt.forEach((value, index) => this.put(AT.gdt + 8n * BigInt(index), value));
    const { segments } = this.processor;
    segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(AT.gdt), 8 * gdt.length - 1);
    segments.setTable(DESCRIPTOR_TABLE.idtr, ...halves(AT.idt), 0xfff);
    segments.set(SEGMENT.tr, { selector: 0x48, rights: 0x8b, limit: 0x67, baseLo: halves(AT.tss)[0], baseHi: 0 });
    this.pointer(4, TOP.kernel);
    this.pointer(36, TOP.ist);
    for (let vector = 0; vector < 256; vector++) this.gate(vector, {});
    this.kernel();
  }

  /** Writes the gate of a vector; what is left out is a present interrupt gate to a handler of its own in the kernel. */
  gate(vector: number, { selector = SELECTORS.kernelCode, offset = handlerOf(vector), type = INTERRUPT_GATE, dpl = 0, present = 1, ist = 0 }: GateValue): this {
    const low = (offset & 0xffffn) | BigInt(selector) << 16n | BigInt(ist) << 32n | BigInt(type) << 40n | BigInt(dpl) << 45n
      | BigInt(present) << 47n | ((offset >> 16n) & 0xffffn) << 48n;
    this.put(this.idt + 16n * BigInt(vector), low);
    this.put(this.idt + 16n * BigInt(vector) + 8n, offset >> 32n & 0xffff_ffffn);
    return this;
  }

  /** Puts the IDT where vectors 0 to 7 lie in a page of their own, and gives that page. */
  splitIdt(): bigint {
    this.idt = AT.idt - 0x80n;
    const page = AT.idt - 0x1000n;
    this.map(page, page, P | RW);
    this.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, ...halves(this.idt), 0xfff);
    for (let vector = 0; vector < 256; vector++) this.gate(vector, {});
    return page;
  }

  /** Writes a stack pointer of the TSS: it is not aligned to 8. */
  pointer(offset: number, value: bigint): void {
    const [lo, hi] = halves(value);
    this.memory.store32(Number(AT.tss) + offset, 0, lo);
    this.memory.store32(Number(AT.tss) + offset + 4, 0, hi);
  }

  /** A program of the kernel, interrupts on, at its own stack. */
  kernel(): this {
    return this.program(SELECTORS.kernelCode, SELECTORS.kernelData, 0, TOP.kernel - 0x100n);
  }

  user(): this {
    return this.program(SELECTORS.userCode, SELECTORS.userData, 3, TOP.user);
  }

  /** Words of the frame that RSP points at, the lowest address first. */
  frame(words: number): bigint[] {
    const rsp = this.register('rsp');
    return Array.from({ length: words }, (_, index) => this.word(rsp + 8n * BigInt(index)));
  }

  get rip(): bigint {
    return this.hidden(REGISTER.rip);
  }

  set rip(value: bigint) {
    [this.processor.registers[2 * REGISTER.rip], this.processor.registers[2 * REGISTER.rip + 1]] = halves(value);
  }

  hidden(register: number): bigint {
    return whole(this.processor.registers[2 * register]!, this.processor.registers[2 * register + 1]!);
  }

  get selectors(): readonly [cs: number, ss: number] {
    const { segments } = this.processor;
    return [segments.selector(SEGMENT.cs), segments.selector(SEGMENT.ss)];
  }

  /** Vector and error code of the event delivered last. */
  get delivered(): readonly [vector: number, code: number] {
    return [this.processor.vector, this.processor.errorCode];
  }

  private program(cs: number, ss: number, cpl: number, rsp: bigint): this {
    const { segments } = this.processor;
    const code = { selector: cs, rights: 0xa09b | cpl << 5, limit: -1, baseLo: 0, baseHi: 0 };
    segments.set(SEGMENT.cs, code);
    segments.set(SEGMENT.ss, { ...code, selector: ss, rights: 0xc093 | cpl << 5 });
    this.set({ cpl, rsp, rflags: 0x202 });
    this.rip = PROGRAM;
    return this;
  }
}

/** Where the interrupted program is. */
export const PROGRAM = 0x60_0000n;

export function handlerOf(vector: number): bigint {
  return AT.handlers + 0x100n * BigInt(vector);
}
