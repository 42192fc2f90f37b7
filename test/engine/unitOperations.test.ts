import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { constantValue, unitOperations, type UnitValue } from '../../src/engine/straight/unitOperations';
import { compute } from '../../src/engine/questions/values';
import { OP } from '../../src/language/program';

const half = fc.oneof(fc.constantFrom(0, 1, -1, 31, 32, 33, 63, 64, 0x7fff_ffff, -0x8000_0000, 0x7fff_fffe), fc.integer(), fc.integer({ min: 0, max: 70 }));
const halves = fc.oneof(fc.tuple(half, half), half.map((lo): [number, number] => [lo, 0]));

/** What may be known of a value, which the text may make use of. */
const knowledge = ['nothing', 'its high half', 'a bound', 'all'] as const;

function valueOf(name: string, [lo, hi]: readonly [number, number], known: (typeof knowledge)[number]): UnitValue {
  if (known === 'all') return constantValue(lo, hi);
  if (hi !== 0 || known === 'nothing') return { lo: `${name}[0]`, hi: `${name}[1]`, below: 0 };
  return { lo: `${name}[0]`, hi: '0', below: known === 'a bound' && lo >= 0 && lo < 0x7fff_ffff ? lo + 1 : 0 };
}

describe('the text of a unit\'s operations', () => {
  for (const [operation, row] of unitOperations) {
    const [name] = Object.entries(OP).find(([, number]) => number === operation)!;
    it(`${name} gives what the interpreter gives, whatever is known of its operands`, () => {
      fc.assert(fc.property(halves, halves, fc.constantFrom(...knowledge), fc.constantFrom(...knowledge), (a, b, ofA, ofB) => {
        const made = row(valueOf('a', a, ofA), valueOf('b', b, ofB), 'lo');
        if (made === undefined) return;
        // Functions of text are what it is about.
        // eslint-disable-next-line @typescript-eslint/no-implied-eval
        const run = new Function('a', 'b', `const lo = ${made.lo}, hi = ${made.hi}; return [lo, hi, ${made.test ?? 'undefined'}];`) as
          (a: readonly number[], b: readonly number[]) => [number, number, boolean | undefined];
        const [lo, hi, test] = run(a, b);
        const words = Int32Array.of(0, 0, ...a, ...b);
        compute(operation, words, 0, 2, 4);
        assert.deepEqual([lo, hi], [words[0], words[1]]);
        // Halves are int32 as they are, and the bound holds.
        assert.ok(made.below === 0 || (hi === 0 && lo >= 0 && lo < made.below && made.below <= 2 ** 31));
        if (test !== undefined) assert.equal(test ? 1 : 0, lo);
      }), { numRuns: 1000 });
    });
  }
});
