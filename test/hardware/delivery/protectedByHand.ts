import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { loadVirtual8086Selector, virtual8086Segments } from '../../../src/hardware/segments/virtual8086';
import { TestMachine } from '../testMachine';
import { BIG, descriptor } from './handlersByHand';

export const GDT = 0x1_0000;
const IDT = 0x2_0000;
export const TSS = 0x3_0000;
export const KERNEL_STACK = 0x5000;
export const USER_STACK = 0x8000;
export const S = { code: 0x08, data: 0x10, userCode: 0x1b, userData: 0x23, small: 0x28, absent: 0x30, conforming: 0x38, down: 0x40, code16: 0x48 } as const;
export const VM = 1 << 17;

/** 32-bit protected mode without paging, with tables written by hand. */
export class ProtectedMachine extends TestMachine {
  constructor() {
    super({ delivery: 'memory' });
    this.set({ cr0: CR0.PE | CR0.ET, cr4: 0, efer: 0 });
    const gdt = [
      0n, descriptor(0x9b, BIG), descriptor(0x93, BIG), descriptor(0xfb, BIG), descriptor(0xf3, BIG),
      descriptor(0x93, 4, 0n, 0x10n), descriptor(0x1b, BIG), descriptor(0x9f, BIG), descriptor(0x97, 4, 0n, 0x4fffn), descriptor(0x9b, 0, 0n, 0xffffn),
    ];
    gdt.forEach((value, index) => this.put(BigInt(GDT + 8 * index), value));
    const { segments } = this.processor;
    segments.setTable(DESCRIPTOR_TABLE.gdtr, GDT, 0, 8 * gdt.length - 1);
    segments.setTable(DESCRIPTOR_TABLE.idtr, IDT, 0, 0x7ff);
    segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit: 0x67, baseLo: TSS, baseHi: 0 });
    this.memory.store32(TSS + 4, 0, KERNEL_STACK);
    this.memory.store32(TSS + 8, 0, S.data);
    for (let vector = 0; vector < 256; vector++) this.gate(vector, S.code);
    this.program(0);
  }

  gate(vector: number, selector: number, type = 0xe, dpl = 0, present = 1, offset = 0x10_0000 + vector): this {
    this.memory.store32(IDT + 8 * vector, 0, selector << 16 | offset & 0xffff);
    this.memory.store32(IDT + 8 * vector + 4, 0, (offset & 0xffff_0000) | present << 15 | dpl << 13 | type << 8);
    return this;
  }

  program(cpl: 0 | 3): this {
    const { segments, registers } = this.processor;
    const flat = { limit: -1, baseLo: 0, baseHi: 0 };
    segments.set(SEGMENT.cs, { selector: cpl === 0 ? S.code : S.userCode, rights: 0xc09b | cpl << 5, ...flat });
    for (const segment of [SEGMENT.ss, SEGMENT.ds]) {
      segments.set(segment, { selector: cpl === 0 ? S.data : S.userData, rights: 0xc093 | cpl << 5, ...flat });
    }
    this.set({ cpl, rsp: cpl === 0 ? KERNEL_STACK - 0x800 : USER_STACK, rflags: 0x202 });
    registers[2 * REGISTER.rip] = 0x40_0000;
    return this;
  }

  virtual8086(): this {
    const { segments } = this.processor;
    for (const segment of virtual8086Segments) loadVirtual8086Selector(segments, segment, 0x100 * segment);
    this.set({ cpl: 3, rsp: 0xfff0, rflags: 0x202 | VM | 0x3000 });
    this.processor.registers[2 * REGISTER.rip] = 0x1234;
    return this;
  }

  dwords(count: number): number[] {
    const at = this.processor.registers[2 * REGISTER.rsp]!;
    return Array.from({ length: count }, (_, i) => this.memory.load32(at + 4 * i, 0));
  }

  get state(): readonly [rip: number, cs: number, ss: number, cpl: number] {
    const { registers, segments, level } = this.processor;
    return [registers[2 * REGISTER.rip]!, segments.selector(SEGMENT.cs), segments.selector(SEGMENT.ss), level];
  }

  get delivered(): readonly [vector: number, code: number] {
    return [this.processor.vector, this.processor.errorCode];
  }
}
