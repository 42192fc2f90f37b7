import { strict as assert } from 'node:assert';
import { CR0, CR4 } from '../../../src/hardware/processor/controlRegisters';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { STATUS } from '../../../src/hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { loadVirtual8086Selector, virtual8086Segments } from '../../../src/hardware/segments/virtual8086';
import { TestMachine } from '../testMachine';
import { BIG, descriptor } from './handlersByHand';

const GDT = 0x1_0000;
const IDT = 0x2_0000;
const TSS = 0x3_0000;
const KERNEL_STACK = 0x5000;
const USER_STACK = 0x8000;
const S = { code: 0x08, data: 0x10, userCode: 0x1b, userData: 0x23, small: 0x28, absent: 0x30, conforming: 0x38, down: 0x40, code16: 0x48 } as const;
const VM = 1 << 17;

/** 32-bit protected mode without paging, with tables written by hand. */
class ProtectedMachine extends TestMachine {
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

describe('an event in protected mode', () => {
  it('of a user program changes to SS0:ESP0 of the TSS, and IRET goes back', () => {
    const machine = new ProtectedMachine().program(3);
    const before = machine.state;
    machine.processor.raiseException(13, 0x18);
    assert.deepEqual(machine.dwords(6), [0x18, 0x40_0000, S.userCode, 0x1_0202, USER_STACK, S.userData]);
    assert.deepEqual(machine.state, [0x10_000d, S.code, S.data, 0]);
    assert.equal(machine.register('rsp'), BigInt(KERNEL_STACK - 24));
    machine.set({ rsp: KERNEL_STACK - 20 });
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual([machine.state, machine.register('rsp')], [before, BigInt(USER_STACK)]);
  });

  it('of the kernel pushes no stack pointer', () => {
    const machine = new ProtectedMachine();
    const { state } = machine;
    machine.processor.raiseException(6, 0);
    assert.deepEqual(machine.dwords(3), [0x40_0000, S.code, 0x1_0202]);
    assert.equal(machine.register('rsp'), BigInt(KERNEL_STACK - 0x800 - 12));
    machine.processor.interruptReturn();
    assert.deepEqual(machine.state, state);
  });

  // SDM Vol. 3, "Protection of Exception- and Interrupt-Handler Procedures".
  it('is kept from INT n by the DPL of its gate, which an exception is not asked for', () => {
    const DOOR = 0x80;
    for (const [dpl, cpl, delivered] of [[0, 3, 13], [2, 3, 13], [3, 3, DOOR], [0, 0, DOOR]] as const) {
      const machine = new ProtectedMachine().gate(DOOR, S.code, 0xe, dpl).program(cpl);
      machine.processor.softwareInterrupt(DOOR);
      assert.deepEqual(machine.delivered, [delivered, delivered === 13 ? DOOR * 8 + 2 : 0], `DPL ${dpl}, CPL ${cpl}`);
    }
    const machine = new ProtectedMachine().program(3);
    machine.processor.raiseException(6, 0);
    assert.deepEqual(machine.delivered, [6, 0]);
  });

  it('through a gate of the 80286 has a frame of words, and 16 bits of the offset', () => {
    const machine = new ProtectedMachine();
    machine.gate(6, S.code, 7, 0, 1, 0x12_3456);
    machine.processor.raiseException(6, 0);
    assert.equal(machine.register('rsp'), BigInt(KERNEL_STACK - 0x800 - 6));
    assert.deepEqual([machine.state[0], machine.register('rflags')], [0x3456, 0x202n], 'a trap gate');
  });

  it('in a 16-bit TSS takes SS:SP from there', () => {
    const machine = new ProtectedMachine().program(3);
    machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x83, limit: 0x2b, baseLo: TSS, baseHi: 0 });
    machine.memory.store32(TSS, 0, 0x4400 << 16);
    machine.memory.store32(TSS + 4, 0, S.data);
    machine.processor.raiseException(6, 0);
    assert.equal(machine.register('rsp'), BigInt(0x4400 - 20));
  });

  it('of virtual-8086 mode saves the data segments, clears them, and IRET brings all back', () => {
    const machine = new ProtectedMachine().virtual8086();
    const { segments } = machine.processor;
    const before = [machine.state, machine.register('rflags'), segments.words.slice(0, 30)];
    machine.processor.raiseException(13, 0);
    assert.deepEqual(machine.dwords(10), [
      0, 0x1234, 0x100, 0x3_3202, 0xfff0, 0x200, 0x000, 0x300, 0x400, 0x500,
    ], 'error code, EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS');
    assert.deepEqual([machine.state, machine.register('rflags') & BigInt(VM)], [[0x10_000d, S.code, S.data, 0], 0n]);
    assert.equal(segments.selector(SEGMENT.ds), 0);
    machine.set({ rsp: machine.register('rsp') + 4n });
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual([machine.state, machine.register('rflags') & ~0x1_0000n, segments.words.slice(0, 30)], before);
  });

  it('of virtual-8086 mode needs room for the data segments too', () => {
    for (const [pointer, status] of [[0x5018, STATUS.stopped], [0x5024, STATUS.exception]] as const) {
      const machine = new ProtectedMachine().virtual8086();
      machine.memory.store32(TSS + 4, 0, pointer);
      machine.memory.store32(TSS + 8, 0, S.down);
      assert.equal(machine.processor.raiseException(6, 0), status);
    }
  });

  it('of virtual-8086 mode goes to no other level than 0', () => {
    const machine = new ProtectedMachine().virtual8086();
    machine.gate(6, S.conforming);
    machine.processor.raiseException(6, 0);
    assert.deepEqual(machine.delivered, [13, S.conforming | 1]);
  });

  it('asks INT n and IRET of virtual-8086 mode for IOPL 3', () => {
    for (const act of ['softwareInterrupt', 'interruptReturn'] as const) {
      const machine = new ProtectedMachine().virtual8086();
      machine.set({ rflags: 0x202 | VM });
      assert.equal(machine.processor[act](0x80), STATUS.exception);
      assert.deepEqual(machine.delivered, [13, 0]);
    }
  });

  for (const [name, spoil, cpl, vector, code] of [
    ['a gate of long mode\'s call', (m: ProtectedMachine) => m.gate(6, S.code, 0xc), 0, 13, 0x33],
    ['a gate that is not present', (m: ProtectedMachine) => m.gate(6, S.code, 0xe, 0, 0), 0, 11, 0x33],
    ['a null selector', (m: ProtectedMachine) => m.gate(6, 0), 0, 13, 1],
    ['data in place of code', (m: ProtectedMachine) => m.gate(6, S.data), 0, 13, S.data | 1],
    ['code that is not present', (m: ProtectedMachine) => m.gate(6, S.absent), 0, 11, S.absent | 1],
    ['an offset beyond the code segment', (m: ProtectedMachine) => m.gate(6, S.code16, 0xe, 0, 1, 0x1_0000), 0, 13, 1],
    ['a TSS that ends before the stack', (m: ProtectedMachine) => m.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit: 8, baseLo: TSS, baseHi: 0 }), 3, 10, 0x51],
    ['a null SS in the TSS', (m: ProtectedMachine) => m.memory.store32(TSS + 8, 0, 0), 3, 10, 1],
    ['an SS beyond the GDT', (m: ProtectedMachine) => m.memory.store32(TSS + 8, 0, 0x58), 3, 10, 0x59],
    ['an SS of the wrong RPL', (m: ProtectedMachine) => m.memory.store32(TSS + 8, 0, S.data | 3), 3, 10, S.data | 1],
    ['an SS of the wrong DPL', (m: ProtectedMachine) => m.memory.store32(TSS + 8, 0, S.userData & ~3), 3, 10, S.userData & ~3 | 1],
    ['code for SS', (m: ProtectedMachine) => m.memory.store32(TSS + 8, 0, S.code), 3, 10, S.code | 1],
    ['an SS too small for the frame', (m: ProtectedMachine) => m.memory.store32(TSS + 8, 0, S.small), 3, 12, S.small | 1],
    ['an expand-down SS that the frame would leave', (m: ProtectedMachine) => {
      m.memory.store32(TSS + 4, 0, 0x5008);
      m.memory.store32(TSS + 8, 0, S.down);
    }, 3, 12, S.down | 1],
  ] as const) {
    it(`finds ${name}`, () => {
      const machine = new ProtectedMachine().program(cpl);
      // Conforming code needs no other stack, so the second event arrives whatever is wrong with the inner one.
      if (cpl === 3) machine.gate(10, S.conforming).gate(12, S.conforming);
      spoil(machine);
      assert.equal(machine.processor.raiseException(6, 0), STATUS.exception);
      assert.deepEqual(machine.delivered, [vector, code]);
      assert.deepEqual(machine.dwords(2), [code, 0x40_0000], 'the second event finds the registers as the first did');
    });
  }

  it('by a task gate is refused with a sentence: no task is switched', () => {
    const machine = new ProtectedMachine();
    machine.gate(6, 0x50, 5);
    assert.equal(machine.processor.raiseException(6, 0), STATUS.stopped);
    assert.match(machine.processor.stopReason, /switch tasks, which is not simulated/);
  });

  it('in a guest exits for a task gate, and for IRET in a nested task with the length of that', () => {
    const machine = new ProtectedMachine();
    machine.gate(6, 0x50, 5);
    machine.put(BigInt(TSS), 0x58n);
    machine.enterShadowed();
    machine.processor.raiseException(6, 0);
    assert.deepEqual(
      [machine.exits[0]!.reason, machine.exits[0]!.qualification, machine.field('exit_instruction_length'), machine.field('idt_vectoring_info')],
      [9, 0xc000_0050n, 0n, 0x8000_0306n],
    );
    machine.set({ rflags: 0x4002 });
    machine.processor.interruptReturn();
    assert.deepEqual(
      [machine.exits[1]!.qualification, machine.field('exit_instruction_length'), machine.field('idt_vectoring_info')], [0x4000_0058n, 1n, 0n],
    );
  });

  it('that stopped the machine is under way no more, once the machine is put back', () => {
    const machine = new ProtectedMachine();
    machine.gate(13, 0x50, 5);
    const before = machine.registry.checkpoint();
    assert.equal(machine.processor.raiseException(13, 0), STATUS.stopped);
    machine.registry.restore(before);
    machine.processor.reload();
    machine.processor.raiseException(11, 0x18);
    assert.deepEqual(machine.delivered, [11, 0x18], 'else a second contributory exception, and #DF');
  });
});

describe('STI and CLI', () => {
  for (const [name, cpl, rflags, cr4, set, clear] of [
    ['at CPL 0', 0, 0x2, 0, 'IF', 'IF'],
    ['at CPL 3 with IOPL 3', 3, 0x3002, 0, 'IF', 'IF'],
    ['at CPL 3 with IOPL 2', 3, 0x2002, 0, '#GP', '#GP'],
    ['at CPL 3 with CR4.PVI', 3, 0x2, CR4.PVI, 'VIF', 'VIF'],
    ['at CPL 3 with CR4.PVI and VIP', 3, 0x10_0002, CR4.PVI, '#GP', 'VIF'],
    ['in virtual-8086 mode with IOPL 3', 3, VM | 0x3002, 0, 'IF', 'IF'],
    ['in virtual-8086 mode with IOPL 0', 3, VM | 2, 0, '#GP', '#GP'],
    ['in virtual-8086 mode with CR4.VME', 3, VM | 2, CR4.VME, 'VIF', 'VIF'],
    ['in virtual-8086 mode with CR4.VME and VIP', 3, VM | 0x10_0002, CR4.VME, '#GP', 'VIF'],
    ['in virtual-8086 mode with CR4.PVI alone', 3, VM | 2, CR4.PVI, '#GP', '#GP'],
  ] as const) {
    it(`${name} change ${set} and ${clear}`, () => {
      for (const [how, outcome] of [['set', set], ['clear', clear]] as const) {
        const machine = new TestMachine();
        const flag = { IF: 1 << 9, VIF: 1 << 19, '#GP': 0 }[outcome];
        const start = how === 'clear' ? rflags | 1 << 9 | 1 << 19 : rflags;
        machine.set({ cpl, rflags: start, cr4: CR4.PAE | cr4 });
        const status = machine.processor.setInterruptFlag(how);
        assert.equal(status, outcome === '#GP' ? STATUS.exception : STATUS.done);
        assert.equal(Number(machine.register('rflags')), how === 'set' ? start | flag : start & ~flag);
        if (outcome === '#GP') assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [13, 0]);
      }
    });
  }
});
