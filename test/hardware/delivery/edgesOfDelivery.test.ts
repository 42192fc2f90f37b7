import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { OPERATION } from '../../../src/hardware/paging/accessKinds';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from '../../../src/hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { PIN, PRIMARY } from '../../../src/hardware/vmx/vmcs';
import { halves, P, RW, TestMachine } from '../testMachine';
import { AT, descriptor, HandlersByHand, PROGRAM, SELECTORS, TOP } from './handlersByHand';

const { kernelCode, kernelData, userCode, userData } = SELECTORS;

function pushed(machine: HandlersByHand, at: bigint, words: readonly (bigint | number)[]): HandlersByHand {
  words.forEach((word, index) => machine.put(at + 8n * BigInt(index), BigInt(word)));
  return machine.set({ rsp: at });
}

describe('at the edges of delivery', () => {
  it('a trap pushes no RF, and a handler begins without TF and NT', () => {
    const machine = new HandlersByHand();
    machine.set({ rflags: 0x4302 });
    machine.processor.raiseException(3, 0);
    assert.deepEqual([machine.frame(3)[2], machine.register('rflags')], [0x4302n, 2n]);
  });

  it('the length of an instruction counts for what software raises alone', () => {
    for (const [information, rip] of [[0x8000_0306n, PROGRAM], [0x8000_0480n, PROGRAM + 5n]] as const) {
      const machine = new HandlersByHand();
      machine.enterShadowed({ entry_interruption_info: information, entry_instruction_length: 5 });
      assert.equal(machine.frame(1)[0], rip);
    }
  });

  it('the stack is looked at before the handler\'s address', () => {
    const machine = new HandlersByHand();
    machine.gate(6, { ist: 2, offset: 0x8000_0000_0000n });
    machine.pointer(44, 0x8000_0000_0000n);
    machine.processor.raiseException(6, 0);
    assert.deepEqual(machine.delivered, [12, 1]);
  });

  it('a TSS that reaches just to the stack pointer is enough', () => {
    const machine = new HandlersByHand();
    machine.gate(6, { ist: 7 });
    machine.pointer(84, TOP.ist);
    machine.processor.segments.set(SEGMENT.tr, { selector: 0x48, rights: 0x8b, limit: 91, baseLo: halves(AT.tss)[0], baseHi: 0 });
    machine.processor.raiseException(6, 0);
    assert.equal(machine.processor.vector, 6);
  });

  it('a stack pointer that a page boundary cuts is read from both pages', () => {
    const machine = new HandlersByHand().user();
    machine.map(AT.tss + 0x1000n, 0x39_0000n, P | RW);
    machine.memory.store32(Number(AT.tss) + 0xffc, 0, halves(TOP.ist)[0]);
    machine.put(0x39_0000n, 0n);
    machine.processor.segments.set(SEGMENT.tr, { selector: 0x48, rights: 0x8b, limit: 0x67, baseLo: halves(AT.tss)[0] + 0xff8, baseHi: 0 });
    machine.processor.raiseException(6, 0);
    assert.equal(machine.register('rsp'), (TOP.ist & ~0xfn) - 40n);
  });

  it('a handler that runs at CPL 3 has its frame pushed as a user program would push it', () => {
    const machine = new HandlersByHand().user();
    machine.gate(6, { selector: SELECTORS.conforming });
    machine.set({ rsp: AT.ist + 0x800n });
    machine.processor.raiseException(6, 0);
    assert.deepEqual(machine.delivered, [14, 7]);
  });

  it('real-address mode clears AC', () => {
    const machine = new TestMachine({ delivery: 'memory' });
    machine.set({ cr0: CR0.ET, cr4: 0, efer: 0, rsp: 0xff0, rflags: 0x4_0202 });
    machine.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 0x3ff);
    machine.processor.softwareInterrupt(0x20);
    assert.equal(machine.register('rflags'), 2n);
  });
});

describe('at the edges of IRET', () => {
  it('a user program pops as one, and returns to no inner level', () => {
    const machine = new HandlersByHand().user();
    machine.set({ rsp: AT.ist });
    machine.processor.interruptReturn();
    assert.deepEqual(machine.delivered, [14, 5]);
    const inward = pushed(new HandlersByHand().user(), AT.userStack + 0x100n, [PROGRAM, kernelCode, 2, TOP.kernel, kernelData]);
    inward.processor.interruptReturn();
    assert.deepEqual(inward.delivered, [13, kernelCode]);
  });

  it('code that is both 64-bit and 32-bit is none', () => {
    const machine = pushed(new HandlersByHand(), TOP.kernel - 0x100n, [PROGRAM, SELECTORS.code32, 2, TOP.kernel, kernelData]);
    machine.put(AT.gdt + BigInt(SELECTORS.code32), descriptor(0x9b, 0xe));
    machine.processor.interruptReturn();
    assert.deepEqual(machine.delivered, [13, SELECTORS.code32]);
  });

  it('a slot across the end of a 64-KByte stack is #SS', () => {
    const machine = new TestMachine({ delivery: 'memory' });
    machine.set({ cr0: CR0.ET, cr4: 0, efer: 0, rsp: 0xffff, rflags: 2 });
    machine.processor.segments.set(SEGMENT.ss, { selector: 0, rights: 0x93, limit: 0xffff, baseLo: 0, baseHi: 0 });
    machine.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 0x3ff);
    assert.equal(machine.processor.interruptReturn(), STATUS.exception);
    assert.equal(machine.processor.vector, 12);
  });

  it('NMIs stay blocked in a guest whose NMIs exit and are not virtual', () => {
    for (const [pin, left] of [[PIN.nmiExiting, INTERRUPTIBILITY.blockingByNmi], [PIN.nmiExiting | PIN.virtualNmis, 0], [0, 0]] as const) {
      const machine = pushed(new HandlersByHand(), TOP.kernel - 0x100n, [PROGRAM, kernelCode, 2, TOP.kernel, kernelData]);
      machine.enterShadowed({ pin_controls: pin });
      machine.processor.registers[2 * REGISTER.interruptibility] = INTERRUPTIBILITY.blockingByNmi;
      machine.processor.interruptReturn();
      assert.equal(machine.processor.registers[2 * REGISTER.interruptibility], left);
    }
  });
});

describe('at the edges of what waits', () => {
  it('the guest\'s blocking of virtual NMIs holds back none of the hardware\'s', () => {
    const machine = new HandlersByHand();
    machine.enterShadowed({ pin_controls: PIN.nmiExiting | PIN.virtualNmis });
    machine.processor.registers[2 * REGISTER.interruptibility] = INTERRUPTIBILITY.blockingByNmi;
    machine.processor.apic.hasNmi = 1;
    machine.processor.deliverPending();
    assert.deepEqual(machine.exits.map(({ reason }) => reason), [0]);
  });

  it('a guest that has shut down exits for no interrupt', () => {
    const machine = new HandlersByHand();
    machine.enterShadowed({ pin_controls: PIN.externalInterruptExiting });
    machine.processor.registers[2 * REGISTER.activity] = ACTIVITY.shutdown;
    machine.processor.apic.accept(0, 0x40);
    assert.equal(machine.processor.deliverPending(), STATUS.done);
    assert.equal(machine.exits.length, 0);
  });

  it('what root mode has completed stays done, though the event it injects exits again', () => {
    const machine = new HandlersByHand();
    machine.gate(0x40, { ist: 3 }).pointer(52, 0x5000_0000n);
    machine.enterShadowed({ exception_bitmap: 1 << 14, primary_controls: PRIMARY.secondaryControls >>> 0 });
    machine.onExit = () => {
      if (machine.exits.length > 1) return RESUME.retry;
      machine.processor.perform(0x7000, 0);
      machine.vmcs({ entry_interruption_info: 0x8000_0040n });
      return RESUME.completed;
    };
    assert.equal(machine.store(0x7100_0000n, 0x55n), STATUS.done);
    assert.deepEqual([machine.exits.length, machine.word(0x7000n)], [2, 0x55n]);
  });
});

describe('at the edges of segments', () => {
  it('an offset of more than 32 bits lies in no segment outside 64-bit mode', () => {
    const machine = new TestMachine();
    machine.set({ cr0: CR0.PE, cr4: 0, efer: 0 });
    assert.equal(machine.processor.accessThrough(SEGMENT.ds, OPERATION.load, 0, 1, 1), STATUS.exception);
    assert.equal(machine.processor.vector, 13);
  });

  it('a descriptor that the table\'s limit cuts is none, and an RPL weakens the CPL', () => {
    const machine = new HandlersByHand();
    machine.processor.segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(AT.gdt), userData + 3);
    machine.processor.loadSegment(SEGMENT.ds, userData);
    assert.deepEqual(machine.delivered, [13, userData & ~3]);
    const weak = new HandlersByHand();
    weak.processor.loadSegment(SEGMENT.ds, kernelData | 3);
    assert.deepEqual(weak.delivered, [13, kernelData]);
    assert.equal(weak.processor.loadSegment(SEGMENT.ds, userCode), STATUS.done, 'code that may be read, of an outer level');
  });
});
