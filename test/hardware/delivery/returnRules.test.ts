import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { STATUS } from '../../../src/hardware/processor/processor';
import { SEGMENT, SEGMENT_RIGHTS } from '../../../src/hardware/segments/segmentRegisters';
import { P, RW, US } from '../testMachine';
import { AT, BIG, descriptor, HandlersByHand, LONG_CODE, PROGRAM, SELECTORS, TOP } from './handlersByHand';
import { GDT, KERNEL_STACK, ProtectedMachine, S, USER_STACK, VM } from './protectedByHand';

/* SDM Vol. 2, "IRET/IRETD/IRETQ—Interrupt Return": its rules one by one, in each mode that has them. */
const GP = 13;
const SS_FAULT = 12;
const FLAGS = 0x202n;

/** A long-mode kernel whose stack holds RIP, CS, RFLAGS, RSP, SS; `extra`: a descriptor behind those of the GDT, at selector 48H. */
function long(frame: readonly [rip: bigint, cs: number, rsp: bigint, ss: number], extra = 0n, flags = FLAGS): HandlersByHand {
  const machine = new HandlersByHand();
  const { segments } = machine.processor;
  machine.put(AT.gdt + 0x48n, extra);
  segments.setTable(0, Number(AT.gdt), 0, 0x4f);
  const at = TOP.kernel - 0x100n;
  [frame[0], BigInt(frame[1]), flags, frame[2], BigInt(frame[3])].forEach((word, index) => machine.put(at + 8n * BigInt(index), word));
  return machine.set({ rsp: at });
}
const EXTRA = 0x48;

/** The same in protected mode, of dwords; what is not given ends the frame. */
function legacy(frame: readonly number[], spoil: (machine: ProtectedMachine) => unknown = () => undefined): ProtectedMachine {
  const machine = new ProtectedMachine();
  const at = machine.processor.registers[2 * REGISTER.rsp]!;
  frame.forEach((word, index) => machine.memory.store32(at + 4 * index, 0, word));
  spoil(machine);
  return machine;
}

function assertRefused(machine: HandlersByHand | ProtectedMachine, vector: number, code: number): void {
  assert.deepEqual([machine.processor.interruptReturn(), ...machine.delivered], [STATUS.exception, vector, code]);
}

function assertDone(machine: HandlersByHand | ProtectedMachine): void {
  assert.equal(machine.processor.interruptReturn(), STATUS.done, machine.processor.stopReason);
}

describe('IRETQ', () => {
  it('takes all bits of the outer RSP', () => {
    const machine = long([PROGRAM, SELECTORS.userCode, 0x7f12_3456_7890n, SELECTORS.userData]);
    assertDone(machine);
    assert.equal(machine.register('rsp'), 0x7f12_3456_7890n);
  });

  it('of a null selector is #GP(0), whatever stands first in the GDT', () => {
    const machine = long([PROGRAM, 0, TOP.kernel, SELECTORS.kernelData]);
    machine.put(AT.gdt, descriptor(0x9b, LONG_CODE));
    assertRefused(machine, GP, 0);
  });

  it('refuses a code segment with L and D both 1', () => {
    assertRefused(long([PROGRAM, EXTRA, TOP.kernel, SELECTORS.kernelData], descriptor(0x9b, 0xe)), GP, EXTRA);
  });

  it('goes to conforming code whose DPL is not above the RPL', () => {
    for (const [dpl, rpl, done] of [[0, 0, true], [0, 3, true], [3, 3, true], [3, 0, false]] as const) {
      const [rsp, ss] = rpl === 0 ? [TOP.kernel, SELECTORS.kernelData] : [TOP.user, SELECTORS.userData];
      const machine = long([PROGRAM, EXTRA | rpl, rsp, ss], descriptor(0x9f | dpl << 5, LONG_CODE));
      if (done) assertDone(machine);
      else assertRefused(machine, GP, EXTRA);
      assert.equal(machine.processor.level, done ? rpl : 0);
    }
  });

  it('to compatibility mode is held to the limit of the code segment, by all of RIP', () => {
    const code = descriptor(0x9b, 4, 0n, 0xffffn);
    for (const [rip, done] of [[0xffffn, true], [0x1_0000n, false], [0x1_0000_1000n, false], [0x1_0001_0000n, false]] as const) {
      const machine = long([rip, EXTRA, TOP.kernel, SELECTORS.kernelData], code);
      if (done) assertDone(machine);
      else assertRefused(machine, GP, 0);
    }
    assertDone(long([0xffff_ffffn, SELECTORS.code32, TOP.kernel, SELECTORS.kernelData]));
  });

  it('to compatibility mode needs an SS', () => {
    assertRefused(long([PROGRAM, SELECTORS.code32, TOP.kernel, 0]), GP, 0);
  });

  it('with a null SS needs its RPL to be the level, and keeps that as its DPL', () => {
    assertRefused(long([PROGRAM, SELECTORS.kernelCode, TOP.kernel, 1]), GP, 0);
    const inner = long([PROGRAM, EXTRA | 1, TOP.kernel, 1], descriptor(0xbb, LONG_CODE));
    assertDone(inner);
    const rights = inner.processor.segments.rights(SEGMENT.ss);
    assert.deepEqual([inner.selectors, rights & SEGMENT_RIGHTS.unusable, rights >>> SEGMENT_RIGHTS.dplShift & 3], [[EXTRA | 1, 1], SEGMENT_RIGHTS.unusable, 1]);
  });

  it('of an SS beyond the GDT is #GP, of one that is not present #SS, with its selector', () => {
    assertRefused(long([PROGRAM, SELECTORS.kernelCode, TOP.kernel, 0x50]), GP, 0x50);
    assertRefused(long([PROGRAM, SELECTORS.kernelCode, TOP.kernel, EXTRA], descriptor(0x13, BIG)), SS_FAULT, EXTRA);
  });

  it('faults on each of the five words that it pops', () => {
    for (let word = 0; word < 5; word++) {
      const machine = long([PROGRAM, SELECTORS.userCode, TOP.user, SELECTORS.userData]);
      const last = AT.kernelStack + 0x1000n - 8n * BigInt(word);
      const frame = machine.frame(5);
      machine.gate(14, { ist: 1 });
      frame.slice(0, word).forEach((value, index) => machine.put(last + 8n * BigInt(index), value));
      machine.set({ rsp: last });
      assertRefused(machine, 14, 0);
      assert.equal(machine.cr2, AT.kernelStack + 0x1000n);
    }
  });

  it('ignores VM in the flags that it pops', () => {
    const machine = long([PROGRAM, SELECTORS.kernelCode, TOP.kernel, SELECTORS.kernelData], 0n, FLAGS | BigInt(VM));
    assertDone(machine);
    assert.equal(machine.register('rflags'), FLAGS);
  });

  it('leaves what no level is kept from as it is: null selectors, conforming code, segments of the same level', () => {
    const machine = long([PROGRAM, SELECTORS.userCode, TOP.user, SELECTORS.userData]);
    const { segments } = machine.processor;
    assert.equal(machine.processor.loadSegment(SEGMENT.ds, 3), STATUS.done);
    assert.equal(machine.processor.loadSegment(SEGMENT.es, SELECTORS.conforming), STATUS.done);
    assert.equal(machine.processor.loadSegment(SEGMENT.fs, SELECTORS.kernelData), STATUS.done);
    assertDone(machine);
    assert.deepEqual([SEGMENT.ds, SEGMENT.es, SEGMENT.fs].map((segment) => segments.selector(segment)), [3, SELECTORS.conforming, 0]);

    const same = new HandlersByHand().user();
    same.processor.segments.set(SEGMENT.ds, { selector: SELECTORS.kernelData, rights: 0xc093, limit: -1, baseLo: 0, baseHi: 0 });
    const at = AT.userStack + 0x100n;
    [PROGRAM, BigInt(SELECTORS.userCode), 2n, TOP.user, BigInt(SELECTORS.userData)].forEach((word, index) => same.put(at + 8n * BigInt(index), word));
    same.set({ rsp: at });
    assertDone(same);
    assert.equal(same.processor.segments.selector(SEGMENT.ds), SELECTORS.kernelData);
  });
});

describe('IRETD in compatibility mode', () => {
  /** A kernel in compatibility mode, with this frame of dwords on its stack. */
  function compatible(frame: readonly number[], extra: bigint): HandlersByHand {
    const machine = long([0n, 0, 0n, 0], extra);
    machine.processor.segments.set(SEGMENT.cs, { selector: SELECTORS.code32, rights: 0xc09b, limit: -1, baseLo: 0, baseHi: 0 });
    const at = Number(TOP.kernel) - 0x100;
    frame.forEach((word, index) => machine.memory.store32(at + 4 * index, 0, word));
    return machine;
  }

  it('pops dwords, and no stack pointer where the level stays', () => {
    const machine = compatible([0x1234, SELECTORS.code32, 0x202], 0n);
    assertDone(machine);
    assert.deepEqual([machine.rip, machine.register('rsp')], [0x1234n, TOP.kernel - 0x100n + 12n]);
  });

  it('goes back to 64-bit code whatever its limit, which means nothing there', () => {
    const machine = compatible([0x1234, EXTRA, 0x202], descriptor(0x9b, 2, 0n, 0n));
    assertDone(machine);
    assert.deepEqual([machine.rip, machine.selectors[0]], [0x1234n, EXTRA]);
  });
});

describe('IRETD in protected mode', () => {
  const outer = [0x40_1234, S.userCode, 0x202, USER_STACK, S.userData] as const;

  it('restores flags, IF and IOPL among them', () => {
    const machine = legacy([0x40_1234, S.code, 0x3ad7]);
    assertDone(machine);
    assert.equal(machine.register('rflags'), 0x3ad7n & ~0x28n & ~0x8000n | 2n);
  });

  it('knows nothing of L: a stack of dwords, and D beside it', () => {
    const machine = legacy([0x40_1234, S.code, 0x202], ({ memory, processor: { segments } }) => {
      memory.store32(GDT + S.code + 4, 0, 0x00ef_9b00);
      segments.set(SEGMENT.cs, { selector: S.code, rights: 0xe09b, limit: -1, baseLo: 0, baseHi: 0 });
    });
    assertDone(machine);
    assert.deepEqual([machine.state[0], machine.register('rsp')], [0x40_1234, BigInt(KERNEL_STACK - 0x800 + 12)]);
  });

  it('is held to the limit of the code segment', () => {
    assertRefused(legacy([0x1_0000, S.code16, 2]), GP, 0);
    assertDone(legacy([0xffff, S.code16, 2]));
  });

  it('is #SS(0) where the stack segment ends within the frame', () => {
    for (const [limit, frame, done] of [[12, [0x1000, S.code, 2], true], [11, [0x1000, S.code, 2], false], [20, outer, true], [19, outer, false]] as const) {
      const machine = legacy(frame, ({ processor: { segments, registers } }) => {
        const base = registers[2 * REGISTER.rsp]!;
        segments.set(SEGMENT.ss, { selector: S.data, rights: 0xc093, limit: limit - 1, baseLo: base, baseHi: 0 });
        registers[2 * REGISTER.rsp] = 0;
      });
      // The handler needs a stack of its own, which a guest's exit does without.
      machine.enterShadowed({ exception_bitmap: 1 << SS_FAULT });
      assert.equal(machine.processor.interruptReturn(), done ? STATUS.done : STATUS.stopped, `limit ${limit - 1}`);
      if (!done) assert.deepEqual([machine.field('exit_interruption_info'), machine.field('exit_interruption_error_code')], [0x8000_0b0cn, 0n]);
    }
  });

  it('goes to virtual-8086 mode from CPL 0 only', () => {
    const machine = new ProtectedMachine().program(3);
    const at = USER_STACK;
    [0x40_1234, S.userCode, 0x202 | VM].forEach((word, index) => machine.memory.store32(at + 4 * index, 0, word));
    assertDone(machine);
    assert.deepEqual([machine.state, machine.register('rflags')], [[0x40_1234, S.userCode, S.userData, 3], 0x202n]);
  });
});

describe('IRETD to virtual-8086 mode', () => {
  const frame = [0x5_1234, 0x100, 0x3202 | VM, 0x1_fff0, 0x200, 0x300, 0x400, 0x500, 0x600];

  it('pops nine dwords and no more: IP and all of ESP, and segments by their selectors', () => {
    const machine = legacy(frame, ({ processor: { registers } }) => {
      registers[2 * REGISTER.rip + 1] = 7;
      registers[2 * REGISTER.rsp + 1] = 7;
    });
    machine.listen();
    assertDone(machine);
    assert.equal(machine.events.filter(({ kind, json }) => kind === 'implicit_access' && json['what'] === 'pop of the frame').length, 9);
    const { registers, segments } = machine.processor;
    assert.deepEqual([...registers.slice(2 * REGISTER.rip, 2 * REGISTER.rip + 2)], [0x1234, 0]);
    assert.equal(machine.register('rsp'), 0x1_fff0n);
    assert.deepEqual(
      [SEGMENT.cs, SEGMENT.ss, SEGMENT.es, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs].map((segment) => segments.baseLo(segment)),
      [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000],
    );
  });

  it('is #SS(0) where the stack segment ends within the nine', () => {
    for (const [limit, done] of [[36, true], [35, false], [12, false]] as const) {
      const machine = legacy(frame, ({ processor: { segments, registers } }) => {
        const base = registers[2 * REGISTER.rsp]!;
        segments.set(SEGMENT.ss, { selector: S.data, rights: 0xc093, limit: limit - 1, baseLo: base, baseHi: 0 });
        registers[2 * REGISTER.rsp] = 0;
      });
      machine.enterShadowed({ exception_bitmap: 1 << SS_FAULT });
      assert.equal(machine.processor.interruptReturn(), done ? STATUS.done : STATUS.stopped, `limit ${limit - 1}`);
    }
  });

  it('faults on each of the nine, and in a nested task on the link', () => {
    /** 32-bit paging that maps the first 4 MBytes one to one, but for a page. */
    const paged = (machine: ProtectedMachine, absent: number): void => {
      const [directory, table] = [0x20_0000, 0x20_1000];
      machine.memory.store32(directory, 0, table | Number(P | RW | US));
      for (let page = 0; page < 1024; page++) machine.memory.store32(table + 4 * page, 0, page << 12 === absent ? 0 : page << 12 | Number(P | RW | US));
      machine.set({ cr3: directory, cr0: CR0.PE | CR0.ET | CR0.PG });
    };
    for (let word = 0; word < 9; word++) {
      const machine = legacy([]);
      const end = KERNEL_STACK + 0x2000;
      frame.slice(0, word).forEach((value, index) => machine.memory.store32(end - 4 * word + 4 * index, 0, value));
      machine.set({ rsp: end - 4 * word });
      paged(machine, end);
      machine.enterShadowed({ exception_bitmap: 1 << 14 });
      assert.equal(machine.processor.interruptReturn(), STATUS.stopped, `word ${word}`);
      assert.deepEqual([machine.field('exit_qualification'), machine.register('cr3')], [BigInt(end), 0x20_0000n]);
    }
    const nested = legacy([]);
    nested.set({ rflags: 0x4002 });
    paged(nested, 0x3_0000);
    nested.enterShadowed({ exception_bitmap: 1 << 14 });
    assert.equal(nested.processor.interruptReturn(), STATUS.stopped);
    assert.deepEqual(nested.exits.map(({ reason, qualification }) => [reason, qualification]), [[0, 0x3_0000n]]);
  });
});

describe('IRET of 16 bits', () => {
  it('in virtual-8086 mode with IOPL 3 stays there: IP, CS and the low flags, not IOPL', () => {
    const machine = new ProtectedMachine().virtual8086();
    const at = machine.processor.segments.baseLo(SEGMENT.ss) + 0xfff0;
    [0x4321, 0x700, 0x0ad7].forEach((word, index) => {
      machine.memory.store8(at + 2 * index, 0, word & 0xff);
      machine.memory.store8(at + 2 * index + 1, 0, word >> 8);
    });
    machine.processor.registers[2 * REGISTER.rip + 1] = 7;
    assertDone(machine);
    assert.deepEqual([machine.state, machine.register('rsp')], [[0x4321, 0x700, 0x200, 3], 0xfff6n]);
    assert.equal(machine.processor.segments.baseLo(SEGMENT.cs), 0x7000);
    assert.equal(machine.register('rflags'), BigInt(VM) | 0x3000n | 0x0ad7n & ~0x28n | 2n);
    assert.equal(machine.processor.registers[2 * REGISTER.rip + 1], 0);
  });

  it('in virtual-8086 mode is #SS(0) where a word lies across the end of the stack segment', () => {
    const machine = new ProtectedMachine().virtual8086();
    machine.set({ rsp: 0xfffd });
    machine.enterShadowed({ exception_bitmap: 1 << SS_FAULT, guest_rflags: 0x3202 | VM, guest_ss_access_rights: 3 << 5 });
    assert.equal(machine.processor.interruptReturn(), STATUS.stopped);
    assert.equal(machine.field('exit_interruption_info'), 0x8000_0b0cn);
  });
});
