import { strict as assert } from 'node:assert';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { TestMachine } from '../testMachine';
import { KERNEL_STACK, ProtectedMachine, S, TSS, USER_STACK, VM } from './protectedByHand';

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
