import { strict as assert } from 'node:assert';
import { OPERAND_PAGE } from '../../../src/hardware/processor/memoryInstructions';
import { RMW } from '../../../src/hardware/memory/readModifyWrite';
import { STATUS, RESUME } from '../../../src/hardware/processor/processor';
import { halves, P, RW, TestMachine, US } from '../testMachine';

const AT = 0x60_0000n;
/** Guest-physical: EPT does not map it. */
const UNMAPPED = 0x4000_0000n;
const FIRST = 0x2000_0000n;
const NEXT = 0x1000_0000n;
const BEFORE = 0x8877_6655_4433_2211n;

/** A store or ADD of 8 bytes, 4 of them in each page, that root mode does for the guest with pages that take no write. */
function operation(readOnly: number, make: (machine: TestMachine) => number): { first: number; next: number; found: bigint } {
  const machine = new TestMachine();
  machine.map(AT, UNMAPPED, P | RW | US);
  machine.map(AT + 0x1000n, UNMAPPED + 0x1000n, P | RW | US);
  machine.enterWithEpt();
  const { memory, processor } = machine;
  memory.store32(...halves(FIRST + 0xffcn), Number(BEFORE & 0xffffffffn) | 0);
  memory.store32(...halves(NEXT), Number(BEFORE >> 32n) | 0);
  machine.onExit = () => {
    processor.perform(...halves(FIRST + 0xffcn), ...halves(NEXT), readOnly);
    return RESUME.completed;
  };
  assert.equal(make(machine), STATUS.done);
  return { first: memory.load32(...halves(FIRST + 0xffcn)) >>> 0, next: memory.load32(...halves(NEXT)) >>> 0, found: machine.value };
}

describe('an operand in read-only pages', () => {
  const add = (machine: TestMachine): number => machine.processor.readModifyWrite(...halves(AT + 0xffcn), 8, RMW.add, 1, 1);
  const store = (machine: TestMachine): number => machine.store(AT + 0xffcn, 0n, 8);
  const [low, high] = [0x4433_2211, 0x8877_6655];

  it('is read where it lies, and written only in the page that takes writes', () => {
    assert.deepEqual(operation(0, add), { first: low + 1, next: high + 1, found: BEFORE });
    assert.deepEqual(operation(OPERAND_PAGE.first, add), { first: low, next: high + 1, found: BEFORE });
    assert.deepEqual(operation(OPERAND_PAGE.next, add), { first: low + 1, next: high, found: BEFORE });
    assert.deepEqual(operation(OPERAND_PAGE.first | OPERAND_PAGE.next, add), { first: low, next: high, found: BEFORE });
  });

  it('takes a store in the other page alone', () => {
    assert.deepEqual([operation(OPERAND_PAGE.first, store).first, operation(OPERAND_PAGE.first, store).next], [low, 0]);
    assert.deepEqual([operation(OPERAND_PAGE.next, store).first, operation(OPERAND_PAGE.next, store).next], [0, high]);
  });
});
