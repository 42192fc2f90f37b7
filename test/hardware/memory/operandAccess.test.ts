import { strict as assert } from 'node:assert';
import { OperandAccess } from '../../../src/hardware/memory/operandAccess';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { RMW } from '../../../src/hardware/memory/readModifyWrite';
import { Registry } from '../../../src/hardware/state/registry';
import { halves, whole } from '../testMachine';

const FIRST = 0x1_2345_6000n;
const SECOND = 0x2_0000_9000n;
const OFFSETS = [0, 1, 2, 3, 4, 5, 7, 0xff7, 0xff8, 0xff9, 0xffa, 0xffb, 0xffc, 0xffd, 0xffe, 0xfff];
const SIZES = [1, 2, 4, 8];
const VALUE = 0xf1e2_d3c4_b5a6_9788n;

class Operands {
  readonly memory = new PhysicalMemory(new Registry(), 2 ** 36);
  readonly operand = new OperandAccess(this.memory);

  /** Where byte `n` of an operand at `offset` of the first page lies. */
  at(offset: number, n: number): bigint {
    return offset + n > 0xfff ? SECOND + BigInt(offset + n - 0x1000) : FIRST + BigInt(offset + n);
  }

  byte(at: bigint): number {
    return this.memory.load8(...halves(at));
  }
}

describe('an operand in memory', () => {
  it('is read of its size alone, from two pages where it runs over the first', () => {
    for (const size of SIZES) {
      for (const offset of OFFSETS) {
        const { memory, operand, at } = new Operands();
        for (let n = -4; n < 12; n++) {
          if (offset + n >= 0) memory.store8(...halves(at(offset, n)), n < 0 || n >= size ? 0xee : Number(VALUE >> BigInt(8 * n) & 0xffn));
        }
        operand.take(-1, -1);
        operand.read(...halves(FIRST + BigInt(offset)), ...halves(SECOND), size);
        assert.equal(whole(operand.lo, operand.hi), BigInt.asUintN(8 * size, VALUE), `${size} bytes at ${offset.toString(16)}`);
      }
    }
  });

  it('is written of its size alone, to two pages where it runs over the first', () => {
    for (const size of SIZES) {
      for (const offset of OFFSETS) {
        const operands = new Operands();
        const { operand, at } = operands;
        operand.write(...halves(FIRST + BigInt(offset)), ...halves(SECOND), size, ...halves(VALUE));
        for (let n = -8; n < 16; n++) {
          if (offset + n < 0) continue;
          const expected = n < 0 || n >= size ? 0 : Number(VALUE >> BigInt(8 * n) & 0xffn);
          assert.equal(operands.byte(at(offset, n)), expected, `byte ${n} of ${size} at ${offset.toString(16)}`);
        }
        // Past the page, where nothing of it may go.
        for (let n = 0n; n < 8n; n++) assert.equal(operands.byte(FIRST + 0x1000n + n), 0);
      }
    }
  });

  it('is modified as 64-bit arithmetic has it', () => {
    const numbers = [0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, VALUE, 0xffff_ffff_ffff_ffffn];
    const operations: Readonly<Record<keyof typeof RMW, (a: bigint, b: bigint, expected: bigint) => bigint>> = {
      add: (a, b) => a + b, subtract: (a, b) => a - b, and: (a, b) => a & b, or: (a, b) => a | b, xor: (a, b) => a ^ b,
      exchange: (_, b) => b, compareExchange: (a, b, expected) => (a === expected ? b : a),
    };
    const { operand } = new Operands();
    for (const [name, made] of Object.entries(operations)) {
      for (const a of numbers) {
        for (const b of numbers) {
          for (const expected of [a, b, a ^ 1n, a ^ 1n << 32n]) {
            operand.take(...halves(a));
            operand.modify(RMW[name as keyof typeof RMW], ...halves(b), ...halves(expected));
            assert.equal(whole(operand.lo, operand.hi), BigInt.asUintN(64, made(a, b, expected)), `${name} of ${a.toString(16)}, ${b.toString(16)}, ${expected.toString(16)}`);
          }
        }
      }
    }
    assert.throws(() => operand.modify(7, 0, 0, 0, 0), /read-modify-write operation 7 does not exist/);
  });
});
