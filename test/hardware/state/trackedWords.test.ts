import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Registry } from '../../../src/hardware/state/registry';
import { TrackedWords } from '../../../src/hardware/state/trackedWords';

const GRANULE = 16;
const WORDS = 128;

type Step = readonly [what: 'write' | 'checkpoint' | 'restore' | 'rewrite' | 'forget' | 'grow', a: number, b: number];
const number = fc.nat({ max: 9999 });
const step: fc.Arbitrary<Step> = fc.tuple(fc.oneof(
  { weight: 12, arbitrary: fc.constant('write' as const) }, { weight: 3, arbitrary: fc.constant('checkpoint' as const) },
  fc.constantFrom('restore' as const, 'rewrite' as const, 'forget' as const, 'grow' as const)), number, number);

const sized = (words: readonly number[], length: number): number[] => Array.from({ length }, (_, index) => words[index] ?? 0);

describe('tracked words', () => {
  it('are at every checkpoint what they were, however often one goes back, writes what was, or forgets one', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), (steps) => {
      const tracked = new TrackedWords(WORDS);
      let now: number[] = new Array<number>(WORDS).fill(0);
      const then: number[][] = [];
      let isWritten = false;
      for (const [what, a, b] of steps) {
        const which = a % Math.max(1, then.length);
        if (what === 'write') {
          tracked.write(a % now.length, b);
          now[a % now.length] = b;
          isWritten = then.length > 0;
        } else if (what === 'checkpoint') {
          assert.equal(tracked.checkpoint(), then.push([...now]));
          isWritten = false;
        } else if (what === 'grow') {
          tracked.ensure(now.length + a % 40);
          now = sized(now, tracked.words.length);
        } else if (then.length > 0 && what === 'restore') {
          tracked.restore(which + 1);
          then.length = which + 1;
          now = sized(then[which]!, now.length);
          isWritten = false;
        } else if (then.length > 0 && what === 'rewrite') {
          tracked.rewrite(which + 1);
          now = sized(then[which]!, now.length);
          // What is as it was then is written too.
          isWritten = tracked.isWritten;
        } else if (then.length > 1 && what === 'forget') {
          tracked.forget(which + 1);
          then.splice(which, 1);
          // What was saved since the newest has joined the one before it, or is as it was.
          isWritten = tracked.isWritten;
        }
        assert.deepEqual([...tracked.words], now, what);
        assert.equal(tracked.isWritten, isWritten, what);
      }
      for (let index = then.length; index > 0; index--) {
        tracked.restore(index);
        assert.deepEqual([...tracked.words], sized(then[index - 1]!, tracked.words.length), `checkpoint ${index}`);
      }
    }), { numRuns: 150 });
  });

  it('grow to what is asked for, and keep what they have', () => {
    const tracked = new TrackedWords(GRANULE);
    tracked.write(3, 7);
    const before = tracked.words;
    tracked.ensure(GRANULE);
    assert.equal(tracked.words, before, 'there was room');
    tracked.ensure(GRANULE + 1);
    assert.ok(tracked.words.length > GRANULE && tracked.words.length < 4 * GRANULE);
    assert.equal(tracked.words[3], 7);
    tracked.ensure(5 * GRANULE);
    assert.deepEqual([tracked.words.length >= 5 * GRANULE, tracked.words[3]], [true, 7]);
    assert.equal(new TrackedWords(1).words.length, GRANULE);
  });

  it('save each granule once between two checkpoints: history holds its 16 words and its number', () => {
    const tracked = new TrackedWords(8 * GRANULE);
    tracked.write(0, 1);
    assert.equal(tracked.historyBytes, 0, 'nothing before the first checkpoint');
    tracked.checkpoint();
    for (let n = 0; n < 5; n++) tracked.write(n, n);
    assert.equal(tracked.historyBytes, 4 * 17);
    tracked.write(2 * GRANULE, 1);
    assert.equal(tracked.historyBytes, 2 * 4 * 17);
    tracked.checkpoint();
    tracked.write(0, 9);
    assert.equal(tracked.historyBytes, 3 * 4 * 17);
    tracked.forget(2);
    assert.equal(tracked.historyBytes, 2 * 4 * 17, 'the older copy of granule 0 stays');
    tracked.restore(1);
    assert.equal(tracked.historyBytes, 0);
  });

  it('of which many granules are saved come back all', () => {
    const tracked = new TrackedWords(300 * GRANULE);
    for (let n = 0; n < 300; n++) tracked.write(n * GRANULE + n % GRANULE, n + 1);
    const before = tracked.words.slice();
    tracked.checkpoint();
    for (let n = 0; n < 300 * GRANULE; n++) tracked.write(n, -n);
    tracked.restore(1);
    assert.deepEqual(tracked.words, before);
  });

  it('tell of the next write to what is watched, once, and of nothing else', () => {
    const tracked = new TrackedWords(8 * GRANULE);
    let known = tracked.watchVersion;
    const told = (act: () => void): boolean => {
      act();
      const is = tracked.watchVersion !== known;
      known = tracked.watchVersion;
      return is;
    };
    tracked.checkpoint();
    tracked.write(GRANULE, 1);
    tracked.watch(GRANULE + 5);
    assert.equal(told(() => tracked.write(2 * GRANULE, 1)), false, 'a neighbour');
    assert.equal(told(() => tracked.write(GRANULE - 1, 1)), false, 'the other neighbour');
    assert.equal(told(() => tracked.write(GRANULE + 15, 1)), true, 'the granule');
    assert.equal(told(() => tracked.write(GRANULE + 5, 1)), false, 'again');
    tracked.watch(GRANULE);
    tracked.watch(GRANULE);
    tracked.ensure(100 * GRANULE);
    assert.equal(told(() => tracked.checkpoint()), false);
    assert.equal(told(() => tracked.write(GRANULE, 2)), true, 'watched in an earlier stretch, before it grew');
    assert.equal(told(() => tracked.rewrite(1)), false, 'what is rewritten is not watched now');
    tracked.watch(GRANULE);
    assert.equal(told(() => tracked.rewrite(1)), true);
    assert.equal(told(() => tracked.restore(1)), true, 'contents are put back');
    const versions = new Set([tracked.watchVersion]);
    for (let n = 0; n < 20; n++) {
      tracked.watch(0);
      tracked.write(0, n);
      versions.add(tracked.watchVersion);
    }
    assert.equal(versions.size, 21, 'each time another');
  });
});

describe('a registry', () => {
  function machine(): { readonly registry: Registry; readonly block: Int32Array; readonly numbers: Float64Array; readonly tracked: TrackedWords } {
    const registry = new Registry();
    registry.block('first', 2);
    registry.numbers('firstNumbers', 2);
    return { registry, block: registry.block('block', 3), numbers: registry.numbers('numbers', 3), tracked: registry.tracked('tracked', 32) };
  }
  const change = ({ block, numbers, tracked }: ReturnType<typeof machine>, value: number): void => {
    block[2] = value;
    numbers[2] = value + 0.5;
    tracked.write(31, value);
  };

  it('has rooms: what is claimed there has their names before its own', () => {
    const registry = new Registry();
    const inner = registry.room('vm1.').room('cpu0.');
    inner.block('a', 1);
    inner.numbers('b', 1);
    inner.tracked('c', 16);
    registry.room('vm1.').block('a', 2);
    assert.deepEqual([...registry.contents()].map(([name, words]) => [name, words.length, words.constructor.name]), [
      ['vm1.cpu0.a', 1, 'Int32Array'], ['vm1.a', 2, 'Int32Array'], ['vm1.cpu0.b', 1, 'Float64Array'], ['vm1.cpu0.c', 16, 'Int32Array'],
    ]);
    for (const claim of [() => registry.numbers('vm1.cpu0.a', 1), () => registry.tracked('vm1.cpu0.b', 1), () => registry.block('vm1.cpu0.c', 1)]) {
      assert.throws(claim, /is claimed twice/);
    }
  });

  it('tells what has changed since a checkpoint, and nothing where nothing has', () => {
    const its = machine();
    const checkpoint = its.registry.checkpoint();
    assert.deepEqual(its.registry.changedSince(checkpoint), []);
    its.numbers[0] = 1;
    assert.deepEqual(its.registry.changedSince(checkpoint), ['numbers']);
    its.block[0] = 1;
    assert.deepEqual(its.registry.changedSince(checkpoint), ['block', 'numbers']);
    its.tracked.write(0, 0);
    assert.deepEqual(its.registry.changedSince(checkpoint), ['block', 'numbers', 'tracked']);
    change(its, 1);
    assert.deepEqual(its.registry.changedSince(its.registry.checkpoint()), []);
    change(its, 2);
    assert.deepEqual(its.registry.changedSince(checkpoint), ['block', 'numbers', 'tracked']);
  });

  it('writes what was at a checkpoint over what is, and every checkpoint stays', () => {
    const its = machine();
    const values = (): unknown => [...its.registry.contents()].map(([name, words]) => [name, [...words]]);
    const seen: unknown[] = [];
    const made = [1, 2, 3].map((value) => {
      change(its, value);
      seen.push(values());
      return its.registry.checkpoint();
    });
    change(its, 4);
    for (const which of [0, 2, 1]) {
      its.registry.rewrite(made[which]!);
      assert.deepEqual(values(), seen[which]);
      assert.deepEqual(made.map((each) => its.registry.isLive(each)), [true, true, true]);
    }
    for (const which of [2, 1, 0]) {
      its.registry.restore(made[which]!);
      assert.deepEqual(values(), seen[which]);
    }
  });

  it('knows which checkpoints are live: not one that was given up, nor one that time went back before', () => {
    const its = machine();
    const made = [1, 2, 3, 4].map((value) => {
      change(its, value);
      return its.registry.checkpoint();
    });
    const live = (): boolean[] => made.map((each) => its.registry.isLive(each));
    assert.deepEqual(live(), [true, true, true, true]);
    its.registry.forget(made[1]!);
    assert.deepEqual([live(), made[2]!.number, made[3]!.number], [[true, false, true, true], 2, 3]);
    its.registry.restore(made[2]!);
    assert.deepEqual(live(), [true, false, true, false]);
    assert.deepEqual([its.block[2], its.numbers[2], its.tracked.words[31]], [3, 3.5, 3]);
    its.registry.restore(made[0]!);
    assert.deepEqual([live(), its.block[2], its.tracked.words[31]], [[true, false, false, false], 1, 1]);
  });
});
