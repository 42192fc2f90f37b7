import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { run } from '../../src/engine/run/run';
import { compiled } from '../engine/onMachine';
import { programOf } from './scenarioCheck';

const WORD = (1n << 64n) - 1n;

/** An expression as text, with its value by arithmetic on whole numbers; `/` and `%` only where they divide by something. */
interface Written {
  readonly text: string;
  readonly value: bigint;
}

const operators: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b,
  '&': (a, b) => a & b, '|': (a, b) => a | b, '^': (a, b) => a ^ b,
  '<<': (a, b) => (b > 63n ? 0n : a << b), '>>': (a, b) => (b > 63n ? 0n : a >> b),
  '==': (a, b) => BigInt(a === b), '!=': (a, b) => BigInt(a !== b), '<': (a, b) => BigInt(a < b), '<=': (a, b) => BigInt(a <= b),
  '>': (a, b) => BigInt(a > b), '>=': (a, b) => BigInt(a >= b),
  and: (a, b) => BigInt(a !== 0n && b !== 0n), or: (a, b) => BigInt(a !== 0n || b !== 0n),
};
const unary: Readonly<Record<string, (a: bigint) => bigint>> = { '~': (a) => ~a, '-': (a) => -a, not: (a) => BigInt(a === 0n) };

const edge = fc.constantFrom(0n, 1n, 2n, 31n, 32n, 63n, 64n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n, 1n << 63n, WORD);
const number = fc.oneof(edge, fc.bigInt({ min: 0n, max: WORD }), fc.bigInt({ min: 0n, max: 100n }));

/** Trees over the leaves: `constant` writes numbers, `variable` the names of variables that hold them. */
function trees(leaf: fc.Arbitrary<Written>): fc.Arbitrary<Written> {
  return fc.letrec<{ tree: Written }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true }, leaf,
      fc.tuple(fc.constantFrom(...Object.keys(unary)), tie('tree')).map(([op, of]) => (
        { text: `${op} (${of.text})`, value: BigInt.asUintN(64, unary[op]?.(of.value) ?? 0n) }
      )),
      fc.tuple(fc.constantFrom(...Object.keys(operators)), tie('tree'), tie('tree')).map(([chosen, a, b]) => {
        const op = (chosen === '/' || chosen === '%') && b.value === 0n ? '+' : chosen;
        return { text: `(${a.text}) ${op} (${b.text})`, value: BigInt.asUintN(64, operators[op]?.(a.value, b.value) ?? 0n) };
      }),
    ),
  })).tree;
}

const constant = trees(number.map((value) => ({ text: `0x${value.toString(16)}`, value })));

describe('the arithmetic of 64 bits', () => {
  it('takes a `not` in parentheses as it stands', () => {
    assert.equal(programOf('global g = (not (0x0)) < (0x0)\ncpu 0 { x = g }').globals.find(({ name }) => name === 'g')?.value, 0n);
  });
  it('that the compiler does is that of whole numbers', () => {
    fc.assert(fc.property(constant, ({ text, value }) => {
      const found = programOf(`global g = ${text}\ncpu 0 { x = g }`).globals.find(({ name }) => name === 'g');
      assert.equal(found?.value, value, text);
    }), { numRuns: 150 });
  });
  it('that the machine does is the same, whatever stands in variables and whatever the compiler knows', () => {
    const values = fc.array(number, { minLength: 3, maxLength: 3 });
    const cases = values.chain((held) => {
      const leaf = fc.oneof(
        fc.constantFrom(...held.map((value, i) => ({ text: `v${i}`, value }))),
        number.map((value) => ({ text: `0x${value.toString(16)}`, value })),
      );
      return fc.tuple(fc.constant(held), fc.array(trees(leaf), { minLength: 10, maxLength: 10 }));
    });
    fc.assert(fc.property(cases, ([held, written]) => {
      const set = held.map((value, i) => `  v${i} = 0x${value.toString(16)}`).join('\n');
      const lines = written.map(({ text }) => `  r = 0 + (${text})\n  print r`).join('\n');
      const said: string[] = [];
      const program = compiled(`cpu 0 {\n${set}\n${lines}\n}`);
      const report = run(program, 'native', { say: ({ text }) => void said.push(text) });
      assert.ok(!('error' in report));
      assert.deepEqual(said.map((text) => BigInt(text.trim())), written.map(({ value }) => value), lines);
    }), { numRuns: 25 });
  });
});
