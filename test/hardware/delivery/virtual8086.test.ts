import { strict as assert } from 'node:assert';
import { CR4, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { ProtectedMachine, TSS, VM } from './protectedByHand';

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

  it('shows RFLAGS without VM, and lets POPF at IOPL 3 write IF', () => {
    const machine = redirecting();
    machine.processor.readRegister(REGISTER.rflags);
    assert.equal(machine.processor.valueLo, 0x202 | IOPL);
    machine.processor.writeRegister(REGISTER.rflags, 0x2, 0);
    assert.equal(machine.register('rflags') & BigInt(RFLAGS.IF | VM), BigInt(VM));
  });
});
