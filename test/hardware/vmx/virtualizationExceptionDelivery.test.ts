import { strict as assert } from 'node:assert';
import { VECTOR } from '../../../src/hardware/delivery/exceptions';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { PRIMARY, SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { AT, handlerOf, HandlersByHand, PROGRAM, SELECTORS, TOP } from '../delivery/handlersByHand';
import { EPT_ROOT, P, R, RW, US, W, WB, X } from '../testMachine';

const PAGE = 0x7000_0000n;
const GPA = 0x1_4000_0000n;
const AREA = 0x3000_0000n;
const RF = 1n << 16n;

/** A user program behind EPT, with handlers in memory; the first 8 MBytes are mapped one to one, PAGE is not. */
function guest(): HandlersByHand {
  const machine = new HandlersByHand().user();
  machine.map(PAGE, GPA, P | RW | US);
  for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x1000n) machine.mapEpt(gpa, gpa, R | W | X | WB);
  machine.eptEntryAt(GPA, 1);
  machine.vmcs({
    primary_controls: PRIMARY.secondaryControls >>> 0, secondary_controls: SECONDARY.enableEpt | SECONDARY.eptViolationVe,
    eptp: EPT_ROOT | 0x1en, virtualization_exception_information_address: AREA,
  });
  // As it is after a VM entry, which is not what these tests are about.
  machine.processor.registers[2 * REGISTER.nonRoot] = 1;
  machine.processor.reload();
  return machine;
}

describe('a virtualization exception, delivered through memory', () => {
  it('goes by gate 20, pushes no error code, and lets the program run again', () => {
    const machine = guest();
    assert.equal(machine.load(PAGE), STATUS.exception);
    assert.equal(machine.rip, handlerOf(VECTOR.virtualization));
    assert.deepEqual(machine.frame(5), [PROGRAM, BigInt(SELECTORS.userCode), 0x202n | RF, TOP.user, BigInt(SELECTORS.userData)]);
    assert.equal(machine.word(AREA + 24n), GPA);
    assert.equal(machine.exits.length, 0);
  });

  it('is not made of a violation by the delivery of an event: that is a VM exit, which tells of the event', () => {
    const machine = guest();
    machine.put(machine.eptEntryAt(AT.kernelStack, 1), 0n);
    assert.equal(machine.load(0x7100_0000n), STATUS.stopped, 'a page fault, whose frame has no place');
    assert.deepEqual(machine.exits.map(({ reason, gpa }) => [reason, gpa & ~0xfffn]), [[48, AT.kernelStack]]);
    assert.equal(machine.field('idt_vectoring_info'), 0x8000_0b00n | BigInt(VECTOR.pageFault));
    assert.equal(machine.word(AREA), 0n);
  });

  it('whose own delivery meets a violation is a VM exit of that one, though its area is filled already', () => {
    const machine = guest();
    machine.put(machine.eptEntryAt(AT.idt, 1), 0n);
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.deepEqual(machine.exits.map(({ reason, gpa }) => [reason, gpa & ~0xfffn]), [[48, AT.idt & ~0xfffn]]);
    assert.equal(machine.field('idt_vectoring_info'), 0x8000_0300n | BigInt(VECTOR.virtualization));
    assert.equal(machine.word(AREA + 24n), GPA);
  });
});
