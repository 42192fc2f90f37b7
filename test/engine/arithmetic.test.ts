import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { pairToBigInt, setNumberAt } from '../../src/engine/arithmetic';
import { COMPUTED, compute } from '../../src/engine/questions/values';
import { OP } from '../../src/language/program';

const WIDTH = 1n << 64n;
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const truth = (value: boolean): bigint => (value ? 1n : 0n);

/** What each operation is, in whole numbers. A divisor is never 0 here. */
const meanings: readonly (readonly [name: keyof typeof OP, meaning: (a: bigint, b: bigint) => bigint])[] = [
  ['move', (a) => a],
  ['add', (a, b) => wrap(a + b)],
  ['subtract', (a, b) => wrap(a - b)],
  ['multiply', (a, b) => wrap(a * b)],
  ['divide', (a, b) => a / b],
  ['remainder', (a, b) => a % b],
  ['and', (a, b) => a & b],
  ['or', (a, b) => a | b],
  ['xor', (a, b) => a ^ b],
  ['shiftLeft', (a, b) => (b > 63n ? 0n : wrap(a << b))],
  ['shiftRight', (a, b) => (b > 63n ? 0n : a >> b)],
  ['equal', (a, b) => truth(a === b)],
  ['notEqual', (a, b) => truth(a !== b)],
  ['less', (a, b) => truth(a < b)],
  ['lessOrEqual', (a, b) => truth(a <= b)],
  ['not', (a) => truth(a === 0n)],
  ['complement', (a) => wrap(~a)],
  ['truth', (a) => truth(a !== 0n)],
];

/** Anything, and often the places where halves, signs and carries go wrong. */
const number = fc.oneof(
  fc.bigInt(0n, WIDTH - 1n),
  fc.bigInt(0n, 70n),
  fc.constantFrom(0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 1n << 63n, WIDTH - 1n, WIDTH - 2n, 0xffffffff00000000n),
);

function put(words: Int32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asIntN(32, value));
  words[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

describe('64-bit arithmetic on two halves', () => {
  for (const [name, meaning] of meanings) {
    it(`${name} is exact, also into one of its own operands`, () => {
      const needsDivisor = name === 'divide' || name === 'remainder';
      fc.assert(fc.property(number, number, fc.constantFrom(0, 2, 4), (a, b, to) => {
        fc.pre(!needsDivisor || b !== 0n);
        const words = new Int32Array(6);
        put(words, 2, a);
        put(words, 4, b);
        assert.equal(compute(OP[name], words, to, 2, 4), COMPUTED.done);
        assert.equal(pairToBigInt(words[to]!, words[to + 1]!), meaning(a, b));
      }), { numRuns: 400, seed: 64 });
    });
  }

  it('divides by zero as an outcome, and leaves the result as it was', () => {
    for (const operation of [OP.divide, OP.remainder]) {
      const words = Int32Array.of(1, 2, 3, 4, 0, 0);
      assert.equal(compute(operation, words, 0, 2, 4), COMPUTED.divideByZero);
      assert.deepEqual([...words], [1, 2, 3, 4, 0, 0]);
    }
  });

  it('writes counts below 2^53 exactly', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (count) => {
      const words = new Int32Array(2);
      setNumberAt(words, 0, count);
      assert.equal(pairToBigInt(words[0]!, words[1]!), BigInt(count));
    }), { seed: 53 });
  });
});
