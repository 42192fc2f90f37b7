import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { OPERATION } from '../../../src/hardware/paging/accessKinds';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { ACTIVITY, REGISTER } from '../../../src/hardware/processor/registers';
import { STATUS } from '../../../src/hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { halves, TestMachine } from '../testMachine';

const STACK = 0x2000;

/** A processor as after reset, but at a handler table of its own choosing: paging off, protection off. */
function realMode(): TestMachine {
  const machine = new TestMachine({ delivery: 'memory' });
  machine.set({ cr0: CR0.ET, cr4: 0, efer: 0, rsp: 0xfff0, rflags: 0x202 });
  const { segments, registers } = machine.processor;
  for (const segment of [SEGMENT.cs, SEGMENT.ss, SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs]) {
    segments.set(segment, { selector: 0, rights: 0x93, limit: 0xffff, baseLo: 0, baseHi: 0 });
  }
  segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 0x3ff);
  machine.processor.loadSegment(SEGMENT.ss, STACK);
  segments.set(SEGMENT.cs, { selector: 0x1000, rights: 0x93, limit: 0xffff, baseLo: 0x1_0000, baseHi: 0 });
  registers[2 * REGISTER.rip] = 0x1234;
  for (let vector = 0; vector < 256; vector++) machine.memory.store32(4 * vector, 0, 0xf000 << 16 | vector << 4);
  return machine;
}

const words = (machine: TestMachine, count: number): number[] => {
  const at = (STACK << 4) + (machine.processor.registers[2 * REGISTER.rsp]! & 0xffff);
  return Array.from({ length: count }, (_, i) => machine.memory.load8(at + 2 * i, 0) | machine.memory.load8(at + 2 * i + 1, 0) << 8);
};

describe('real-address mode', () => {
  it('adds selector × 16 and offset, up to 64 KBytes above the first MByte, without an A20 mask', () => {
    for (const [selector, offset, linear] of [
      [0, 0x7c00, 0x7c00n], [0x07c0, 0, 0x7c00n], [0x1234, 0x5678, 0x1_79b8n], [0xffff, 0xffff, 0x10_ffefn], [0xffff, 0x10, 0x10_0000n],
    ] as const) {
      const machine = realMode();
      assert.equal(machine.processor.loadSegment(SEGMENT.ds, selector), STATUS.done);
      assert.equal(machine.processor.accessThrough(SEGMENT.ds, OPERATION.store, offset, 0, 1, 0x5a), STATUS.done);
      assert.equal(machine.hpa, linear);
      assert.equal(machine.memory.load8(...halves(linear)), 0x5a);
    }
  });

  it('ends at the limit of 64 KBytes: #GP, and #SS through SS, for the last byte too', () => {
    for (const [segment, vector] of [[SEGMENT.ds, 13], [SEGMENT.ss, 12], [SEGMENT.es, 13]] as const) {
      for (const [offset, size, refused] of [[0xffff, 1, false], [0xffff, 2, true], [0x1_0000, 1, true], [0xfff9, 8, true], [0xfff8, 8, false]] as const) {
        const machine = realMode();
        const status = machine.processor.accessThrough(segment, OPERATION.load, offset, 0, size);
        assert.equal(status, refused ? STATUS.exception : STATUS.done, `${offset} ${size}`);
        if (!refused) continue;
        assert.equal(machine.processor.vector, vector);
        assert.match(refusedInstruction(machine.processor), /lies outside the limit of (DS|SS|ES)/);
      }
    }
  });

  it('keeps the limit that protected mode loaded: the unreal mode of loaders', () => {
    const machine = realMode();
    const { segments } = machine.processor;
    segments.set(SEGMENT.ds, { selector: 0x10, rights: 0xc093, limit: -1, baseLo: 0, baseHi: 0 });
    machine.processor.loadSegment(SEGMENT.ds, 0);
    assert.equal(machine.processor.accessThrough(SEGMENT.ds, OPERATION.store, 0x20_0000, 0, 4, 1), STATUS.done);
    assert.equal(machine.hpa, 0x20_0000n);
  });

  it('delivers by 4 bytes of the vector table, pushing FLAGS, CS and IP and never an error code', () => {
    const machine = realMode();
    assert.equal(machine.processor.raiseException(13, 0), STATUS.exception);
    assert.deepEqual(words(machine, 3), [0x1234, 0x1000, 0x202]);
    const { registers, segments } = machine.processor;
    assert.equal(machine.register('rsp'), 0xffean);
    assert.deepEqual([registers[2 * REGISTER.rip], segments.selector(SEGMENT.cs), segments.baseLo(SEGMENT.cs)], [0xd0, 0xf000, 0xf_0000]);
    assert.equal(machine.register('rflags'), 2n);
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual([registers[2 * REGISTER.rip], segments.selector(SEGMENT.cs), machine.register('rsp')], [0x1234, 0x1000, 0xfff0n]);
    assert.equal(machine.register('rflags'), 0x202n);
  });

  it('returns from INT n behind it', () => {
    const machine = realMode();
    machine.processor.softwareInterrupt(0x15);
    assert.deepEqual(words(machine, 1), [0x1236]);
    assert.equal(machine.processor.registers[2 * REGISTER.rip], 0x150);
  });

  it('wraps the stack pointer at 64 KBytes, but no slot across its end', () => {
    const machine = realMode();
    machine.set({ rsp: 0 });
    machine.processor.softwareInterrupt(0x80);
    assert.equal(machine.register('rsp'), 0xfffan);
    const odd = realMode();
    odd.set({ rsp: 1 });
    assert.equal(odd.processor.softwareInterrupt(0x80), STATUS.stopped, '#SS finds the same stack, and so does #DF');
    assert.equal(odd.processor.registers[2 * REGISTER.activity], ACTIVITY.shutdown);
  });

  it('raises #GP for a vector beyond the table, and shuts down when that lies beyond it too', () => {
    const machine = realMode();
    machine.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 0x80 * 4 + 2);
    machine.processor.softwareInterrupt(0x80);
    assert.equal(machine.processor.vector, 13);
    const short = realMode();
    short.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 8 * 4 + 3);
    assert.equal(short.processor.softwareInterrupt(0x80), STATUS.exception, 'double fault');
    assert.equal(short.processor.vector, 8);
    const shorter = realMode();
    shorter.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 8 * 4 + 2);
    assert.equal(shorter.processor.softwareInterrupt(0x80), STATUS.stopped);
  });

  it('lets any program set and clear IF', () => {
    const machine = realMode();
    machine.processor.setInterruptFlag('clear');
    assert.equal(machine.register('rflags'), 2n);
    machine.processor.setInterruptFlag('set');
    assert.equal(machine.register('rflags'), 0x202n);
  });
});
