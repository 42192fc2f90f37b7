import { strict as assert } from 'node:assert';
import { KIND } from '../../src/hardware/events/eventTable';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, condition, fingerprint, launched, move, toFirstStatement } from './onMachine';

/** Some 600,000 steps with stores in two pages, long enough for checkpoints of every distance; it fails an expectation on the way. */
const text = `process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  sum = 0
  for i in 0 .. 30000 {
    user [0x600000 + (i & 511) * 16] = sum
    sum += i
    if i == 20000 { expect sum == 0 }
  }
  print sum
}
`;
const program = compiled(text);

/** Straight, as nothing can stop; and step by step, as a value is watched that never becomes another one. */
function both(mmu: string): { readonly straight: Timeline; readonly slow: Timeline } {
  const [straight, slow] = [launched(program, mmu), launched(program, mmu)];
  for (const timeline of [straight, slow]) toFirstStatement(timeline);
  slow.setChangeBreakpoints([{ id: 7, text: 'one', cpu: 0, of: { kind: 'expression', fragment: condition(text, '1') } }]);
  return { straight, slow };
}

describe('motions that run straight', () => {
  for (const mmu of ['native', 'shadow-wp']) {
    it(`come to where single steps come, and back from there by steps to the same moments, under ${mmu}`, () => {
      const { straight, slow } = both(mmu);
      for (const timeline of [straight, slow]) assert.equal(move(timeline, 'continue').kind, 'ended');
      assert.deepEqual(straight.moment(), slow.moment());
      assert.equal(fingerprint(straight), fingerprint(slow));
      assert.deepEqual(straight.takeOutput(), slow.takeOutput());
      for (let back = 0; back < 8; back++) {
        for (const timeline of [straight, slow]) assert.deepEqual(move(timeline, 'over-back'), { kind: 'step' });
        assert.deepEqual(straight.moment(), slow.moment());
        assert.equal(fingerprint(straight), fingerprint(slow));
      }
    }).timeout(60_000);
  }

  it('stop where an expectation fails, at that very event', () => {
    const { straight, slow } = both('native');
    const failing = { id: 1, kinds: [KIND.expectation_failed], matches: () => true };
    straight.setEventBreakpoints([failing]);
    slow.setEventBreakpoints([failing]);
    for (const timeline of [straight, slow]) assert.equal(move(timeline, 'continue').kind, 'event');
    assert.deepEqual(straight.moment(), slow.moment());
    assert.equal(fingerprint(straight), fingerprint(slow));
  }).timeout(60_000);

  it('are paused within a slice', () => {
    const { straight } = both('native');
    straight.start('continue', 0);
    assert.equal(straight.slice(() => true), undefined);
    straight.pause();
    assert.deepEqual(straight.slice(() => false), { kind: 'pause' });
  });
});
