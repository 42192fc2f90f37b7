import { strict as assert } from 'node:assert';
import { CR0, CR4, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { KERNEL_STACK, ProtectedMachine, S, TSS, VM } from './protectedByHand';

const IO_MAP_BASE = 0x88;
const REDIRECTION_MAP = TSS + IO_MAP_BASE - 32;
const VECTOR = 0x15;
const IOPL = 3 << 12;

/** A program in virtual-8086 mode with CR4.VME, in a TSS with a redirection bit map; vector 15H is its own, all others are not. */
function redirecting(cr4: number = CR4.VME): ProtectedMachine {
  const machine = new ProtectedMachine().gate(VECTOR, 8, 0xe, 3).virtual8086();
  machine.set({ cr4 });
  machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit: IO_MAP_BASE + 0x100, baseLo: TSS, baseHi: 0 });
  machine.memory.store32(TSS + 0x64, 0, IO_MAP_BASE << 16);
  for (let byte = 0; byte < 32; byte++) machine.memory.store8(REDIRECTION_MAP + byte, 0, byte === VECTOR >>> 3 ? ~(1 << (VECTOR & 7)) : 0xff);
  machine.memory.store32(4 * VECTOR, 0, 0xf000 << 16 | 0x150);
  return machine;
}

const [P, RW, US] = [1, 2, 4];
const DIRECTORY = 0x20_0000;
const TABLE = 0x20_1000;

/** Paging, 4 MBytes mapped one to one, each page with the flags that `flagsOf` gives its address. */
function paged(machine: ProtectedMachine, flagsOf: (at: number) => number): void {
  machine.memory.store32(DIRECTORY, 0, TABLE | P | RW | US);
  for (let page = 0; page < 1024; page++) machine.memory.store32(TABLE + 4 * page, 0, (page << 12) | flagsOf(page << 12));
  machine.set({ cr3: DIRECTORY, cr0: CR0.PE | CR0.ET | CR0.PG | CR0.WP });
}

const pushed = (machine: ProtectedMachine): number[] => {
  const { registers, segments } = machine.processor;
  const at = segments.baseLo(SEGMENT.ss) + (registers[2 * REGISTER.rsp]! & 0xffff);
  return [0, 2, 4].map((offset) => machine.memory.load8(at + offset, 0) | machine.memory.load8(at + offset + 1, 0) << 8);
};

describe('INT n in virtual-8086 mode', () => {
  it('goes by the vector table at 0 where CR4.VME and the TSS say so, and IRET comes back', () => {
    const machine = redirecting();
    const before = machine.state;
    const { registers } = machine.processor;
    const pointer = registers[2 * REGISTER.rsp]!;
    machine.processor.softwareInterrupt(VECTOR);
    assert.deepEqual(machine.state, [0x150, 0xf000, before[2], 3]);
    assert.deepEqual(pushed(machine), [0x1236, before[1], 0x202 | IOPL]);
    assert.equal(registers[2 * REGISTER.rflags]! & (VM | IOPL | RFLAGS.IF), VM | IOPL, 'an interrupt of its own clears IF');
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual(machine.state, [0x1236, ...before.slice(1)]);
    assert.deepEqual([registers[2 * REGISTER.rsp], registers[2 * REGISTER.rflags]], [pointer, 0x202 | VM | IOPL]);
  });

  it('goes to protected mode without CR4.VME, or where the bit of its vector is 1', () => {
    for (const [cr4, vector] of [[0, VECTOR], [CR4.VME, VECTOR + 1]] as const) {
      const machine = redirecting(cr4).gate(vector, 8, 0xe, 3);
      machine.processor.softwareInterrupt(vector);
      assert.deepEqual([machine.state[1], machine.state[3]], [8, 0]);
    }
  });

  it('is #GP(0) where the TSS has no room for the map', () => {
    for (const limit of [0x66, IO_MAP_BASE - 32]) {
      const machine = redirecting();
      machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit, baseLo: TSS, baseHi: 0 });
      machine.processor.softwareInterrupt(VECTOR);
      assert.deepEqual(machine.delivered, [13, 0]);
    }
  });

  it('finds the last byte of the map at the limit of the TSS', () => {
    const machine = redirecting();
    const limit = IO_MAP_BASE - 32 + (VECTOR >>> 3);
    machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit, baseLo: TSS, baseHi: 0 });
    machine.processor.softwareInterrupt(VECTOR);
    assert.deepEqual(machine.state.slice(0, 2), [0x150, 0xf000]);
  });

  it('does not read the base of the map beyond the limit, though a map be below it, and faults once', () => {
    const machine = redirecting();
    machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit: 0x66, baseLo: TSS, baseHi: 0 });
    machine.memory.store32(TSS + 0x64, 0, 0x40 << 16);
    machine.memory.store32(TSS + 0x20, 0, 0);
    machine.processor.softwareInterrupt(VECTOR);
    assert.deepEqual(machine.delivered, [13, 0]);
    // Error code, return, RFLAGS, stack and four segments of the program: one frame.
    assert.equal(machine.processor.registers[2 * REGISTER.rsp], KERNEL_STACK - 10 * 4);
  });

  it('asks neither IDTR for the table at 0, nor the map for exceptions, nor in protected mode', () => {
    const short = redirecting();
    short.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, 0x2_0000, 0, 4 * VECTOR - 1);
    short.processor.softwareInterrupt(VECTOR);
    assert.deepEqual(short.state.slice(0, 2), [0x150, 0xf000]);
    const raising = redirecting();
    raising.processor.raiseException(VECTOR, 0);
    assert.equal(raising.state[1], 8);
    const plain = redirecting().program(3);
    plain.processor.softwareInterrupt(VECTOR);
    assert.deepEqual([plain.state[1], plain.state[3]], [8, 0]);
  });

  for (const [where, absent, fault] of [['base of the map', 0x3_1000, 0x3_1006], ['map', 0x3_2000, 0x3_2000 + (VECTOR >>> 3)]] as const) {
    it(`is the page fault of the ${where} where that is in a page that is not present`, () => {
      const machine = redirecting();
      // The stack of the handler is named in the page below.
      const base = 0x3_1006 - 0x66;
      machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit: 0x2000, baseLo: base, baseHi: 0 });
      machine.memory.store32(base + 4, 0, KERNEL_STACK);
      machine.memory.store32(base + 8, 0, S.data);
      for (const [byte, value] of [0x3_2020 - base & 0xff, 0x3_2020 - base >>> 8].entries()) machine.memory.store8(0x3_1006 + byte, 0, value);
      paged(machine, (at) => (at === absent ? 0 : P | RW | US));
      machine.processor.softwareInterrupt(VECTOR);
      assert.deepEqual([machine.delivered[0], machine.cr2], [14, BigInt(fault)]);
      assert.equal(machine.processor.registers[2 * REGISTER.rsp], KERNEL_STACK - 10 * 4, 'one frame');
    });
  }

  it('pushes as the program itself: a supervisor page is none of its stack', () => {
    const machine = redirecting();
    const stack = machine.processor.segments.baseLo(SEGMENT.ss) + 0xf000;
    paged(machine, (at) => (at === stack ? P | RW : P | RW | US));
    machine.processor.softwareInterrupt(VECTOR);
    assert.equal(machine.delivered[0], 14);
    assert.equal(machine.delivered[1] & 6, 6, 'a write at CPL 3');
  });

  it('shows RFLAGS without VM, and lets POPF at IOPL 3 write IF', () => {
    const machine = redirecting();
    machine.processor.readRegister(REGISTER.rflags);
    assert.equal(machine.processor.valueLo, 0x202 | IOPL);
    machine.processor.writeRegister(REGISTER.rflags, 0x2, 0);
    assert.equal(machine.register('rflags') & BigInt(RFLAGS.IF | VM), BigInt(VM));
  });
});
