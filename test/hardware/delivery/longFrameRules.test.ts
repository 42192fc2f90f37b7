import { strict as assert } from 'node:assert';
import { STATUS } from '../../../src/hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT, SEGMENT_RIGHTS } from '../../../src/hardware/segments/segmentRegisters';
import { halves, P, RW } from '../testMachine';
import { AT, descriptor, handlerOf, HandlersByHand, LONG_CODE, SELECTORS, TOP } from './handlersByHand';

/* 64-bit delivery with addresses of all their bits, and what keeps it from its handler. SDM Vol. 3, "Exception and Interrupt Handling in 64-bit Mode". */
const UD = 6;
const GP = 13;
const EXT = 1;
const HIGH_STACK = 0xffff_9234_5678_9000n;
const FRAME = 0x33_0000n;
const RIP = 0x7f12_3456_7000n;
const RSP = 0x7f98_7654_3218n;

describe('an event in 64-bit mode', () => {
  it('saves all bits of RIP and RSP, on a stack anywhere', () => {
    const machine = new HandlersByHand().user();
    machine.map(HIGH_STACK, FRAME, P | RW);
    machine.pointer(4, HIGH_STACK + 0x800n);
    machine.rip = RIP;
    machine.set({ rsp: RSP });
    assert.equal(machine.processor.raiseException(UD, 0), STATUS.exception);
    assert.deepEqual([machine.rip, machine.register('rsp')], [handlerOf(UD), HIGH_STACK + 0x800n - 40n]);
    const words = [0n, 1n, 2n, 3n, 4n].map((index) => machine.word(FRAME + 0x800n - 40n + 8n * index));
    assert.deepEqual(words, [RIP, BigInt(SELECTORS.userCode), 0x1_0202n, RSP, BigInt(SELECTORS.userData)]);
    assert.equal(machine.processor.raiseException(UD, 0), STATUS.exception);
    assert.equal(machine.register('rsp'), HIGH_STACK + 0x800n - 88n, 'of the same level: where RSP is, aligned to 16 bytes');
    assert.equal(machine.word(FRAME + 0x800n - 88n + 24n), HIGH_STACK + 0x800n - 40n);
  });

  it('finds its gate in two halves, each of which may fault', () => {
    for (const [absent, address] of [['first', AT.idt], ['second', AT.idt + 0x1000n]] as const) {
      const machine = new HandlersByHand();
      machine.map(AT.idt + 0x1000n, AT.idt + 0x1000n, P | RW);
      const base = AT.idt + 0x1000n - 16n * BigInt(UD) - 8n;
      machine.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, ...halves(base), 0xfff);
      const whole = machine.word(AT.idt + 16n * BigInt(UD));
      const upper = machine.word(AT.idt + 16n * BigInt(UD) + 8n);
      machine.put(base + 16n * BigInt(UD), whole);
      machine.put(base + 16n * BigInt(UD) + 8n, upper);
      const leaf = machine.entryAt(absent === 'first' ? AT.idt : AT.idt + 0x1000n, 1);
      machine.put(leaf, 0n);
      machine.enterShadowed({ exception_bitmap: 1 << 14 });
      assert.equal(machine.processor.raiseException(UD, 0), STATUS.stopped);
      assert.equal(machine.exits.length, 1);
      assert.equal(machine.exits[0]!.qualification, absent === 'first' ? base + 16n * BigInt(UD) : address);
    }
  });

  it('needs 64-bit code behind a selector that is not null', () => {
    const extra = 0x48;
    for (const [selector, value, code] of [
      [SELECTORS.code32, 0n, SELECTORS.code32], [extra, descriptor(0x9b, 0xe), extra], [extra, descriptor(0x9b, 0x8), extra], [0, 0n, 0],
    ] as const) {
      const machine = new HandlersByHand();
      machine.put(AT.gdt, descriptor(0x9b, LONG_CODE));
      machine.put(AT.gdt + BigInt(extra), value);
      machine.processor.segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(AT.gdt), 0x4f);
      machine.gate(UD, { selector });
      machine.processor.raiseException(UD, 0);
      assert.deepEqual(machine.delivered, [GP, code | EXT]);
    }
  });

  it('takes RSP1 for a handler at level 1, with a null SS of that level', () => {
    const machine = new HandlersByHand().user();
    machine.put(AT.gdt + 0x48n, descriptor(0xbb, LONG_CODE));
    machine.processor.segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(AT.gdt), 0x4f);
    machine.gate(UD, { selector: 0x49 });
    machine.pointer(12, TOP.kernel - 0x8n);
    assert.equal(machine.processor.raiseException(UD, 0), STATUS.exception);
    const rights = machine.processor.segments.rights(SEGMENT.ss);
    assert.deepEqual([machine.processor.level, machine.selectors, machine.register('rsp')], [1, [0x49, 1], TOP.kernel - 8n - 40n]);
    assert.deepEqual([rights & SEGMENT_RIGHTS.unusable, rights >>> SEGMENT_RIGHTS.dplShift & 3], [SEGMENT_RIGHTS.unusable, 1]);
  });
});
