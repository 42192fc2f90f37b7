import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Motion, MotionName, Stop } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, fingerprint, launched, move, scenarioText, statementOf, toFirstStatement } from './onMachine';

const motions: readonly MotionName[] = ['over', 'in', 'out', 'event', 'event-back', 'over-back', 'continue', 'reverse-continue'];
const scenarios = ['first-touch', 'page-table-write', 'context-switch'] as const;
const techniques = ['native', 'shadow-wp', 'shadow-wp:update=zap', 'ept'] as const;

/** State by moment, as a run that only ever goes forward finds it. */
function forwardOnly(timeline: Timeline, moments: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  toFirstStatement(timeline);
  for (;;) {
    const { step, event } = timeline.moment();
    if (moments.has(`${step}/${event}`)) found.set(`${step}/${event}`, fingerprint(timeline));
    if (found.size === moments.size) return found;
    if (move(timeline, 'event').kind === 'ended') return found;
  }
}

describe('time travel', () => {
  it('gives back every byte: any walk through time finds at a moment what a run forward finds there', function () {
    this.timeout(120_000);
    fc.assert(
      fc.property(
        fc.constantFrom(...scenarios), fc.constantFrom(...techniques), fc.array(fc.constantFrom(...motions), { minLength: 3, maxLength: 14 }),
        (scenario, technique, walk) => {
          const program = compiled(scenarioText(scenario));
          const timeline = launched(program, technique);
          toFirstStatement(timeline);
          const seen = new Map<string, string>();
          for (const motion of walk) {
            move(timeline, motion);
            const { step, event } = timeline.moment();
            const key = `${step}/${event}`;
            const now = fingerprint(timeline);
            assert.equal(seen.get(key) ?? now, now, `${key} is not what it was after ${motion}`);
            seen.set(key, now);
          }
          const within = new Map([...seen].filter(([key]) => !key.endsWith('/0')));
          const fresh = forwardOnly(launched(program, technique), new Set(within.keys()));
          for (const [key, state] of fresh) assert.equal(within.get(key), state, `${key} differs from a run forward`);
        },
      ),
      { numRuns: 25, seed: 2026 },
    );
  });

  it('goes back by one event to exactly where one event forward started, wherever that is', () => {
    for (const technique of [...techniques, 'nested']) {
      const timeline = launched(compiled(scenarioText('page-table-write')), technique);
      toFirstStatement(timeline);
      for (let i = 0; i < (technique === 'nested' ? 60 : 200); i++) {
        const before = fingerprint(timeline);
        const moment = timeline.moment();
        if (move(timeline, 'event').kind === 'ended') break;
        assert.notDeepEqual(timeline.moment(), moment);
        move(timeline, 'event-back');
        assert.deepEqual(timeline.moment(), moment);
        assert.equal(fingerprint(timeline), before);
        move(timeline, 'event');
      }
    }
  });

  it('counts the hits of a breakpoint by the moments at which they happen, whichever way time has run', () => {
    const program = compiled('machine { paging 4-level, ram 16M }\ncpu 0 {\n  for i in 0 .. 6 {\n    x = i\n  }\n  y = 1\n}\n');
    const timeline = launched(program, 'native');
    toFirstStatement(timeline);
    timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, 'x = i'), hit: { operator: '==', count: 3 } }]);
    const third: Stop = { kind: 'breakpoint', ids: [1] };
    assert.deepEqual(move(timeline, 'continue'), third);
    const { step } = timeline.moment();
    assert.equal(move(timeline, 'reverse-continue').kind, 'start-of-history');
    assert.deepEqual(move(timeline, 'continue'), third);
    assert.equal(timeline.moment().step, step);
    assert.equal(move(timeline, 'continue').kind, 'ended');
    assert.deepEqual(move(timeline, 'reverse-continue'), third);
    assert.equal(timeline.moment().step, step);
  });

  it('stops where the guest dies, with the cause, and goes back from there', () => {
    const program = compiled('machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 1\n  user [0x600000] = 1\n}\n');
    const timeline = launched(program, 'shadow-wp');
    toFirstStatement(timeline);
    const stop = move(timeline, 'continue');
    assert.match(stop.kind === 'died' ? stop.message : stop.kind, /^test\.guest:4:\d+: the guest kernel refused the access/);
    const [top] = timeline.frames(0);
    assert.ok(top !== undefined && 'statement' in top);
    assert.equal(top.statement, statementOf(program, 'user [0x600000]'));
    assert.equal(move(timeline, 'over-back').kind, 'step');
    assert.equal(move(timeline, 'continue').kind, 'died');
    assert.equal(move(timeline, 'continue').kind, 'ended');
  });

  it('stops at the start of history with a stop, and stays there', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'shadow-wp');
    toFirstStatement(timeline);
    const first = timeline.moment();
    for (const motion of ['over-back', 'reverse-continue', 'event-back'] as const) {
      assert.equal(move(timeline, motion).kind, 'start-of-history');
      assert.deepEqual(timeline.moment(), first);
    }
  });

  it('is in the past only behind the latest stop, however far a motion looked ahead', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'shadow-wp');
    toFirstStatement(timeline);
    for (let i = 0; i < 4; i++) {
      move(timeline, 'in');
      assert.equal(timeline.isInThePast(), false);
    }
    move(timeline, 'over-back');
    assert.equal(timeline.isInThePast(), true);
  });

  it('prints a line once, however often time passes it', () => {
    const timeline = launched(compiled('machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 5\n  print "x is", x\n  y = 6\n}\n'), 'native');
    toFirstStatement(timeline);
    move(timeline, 'continue');
    assert.deepEqual(timeline.takeOutput().map(({ text, line }) => `${line}: ${text}`), ['4: x is 0x5']);
    move(timeline, 'reverse-continue');
    move(timeline, 'continue');
    assert.deepEqual(timeline.takeOutput(), []);
  });
});

describe('a search backward through a long run', () => {
  const endless = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  y = 5\n  x = 0\n  while x < 1 { x = 0 }\n}\n';

  /** Lets a motion run this many slices, pauses it, and gives its stop. */
  function pausedAfter(timeline: Timeline, motion: Motion, slices: number): Stop {
    timeline.start(motion, 0);
    for (let i = 0; i < slices; i++) assert.equal(timeline.slice(() => true), undefined);
    timeline.pause();
    for (;;) {
      const stop = timeline.slice(() => true);
      if (stop !== undefined) return stop;
    }
  }

  it('is paused as a run forward is, leaves the moment as it was, and may be begun again', () => {
    const program = compiled(endless);
    const timeline = launched(program, 'native');
    assert.deepEqual(pausedAfter(timeline, 'continue', 20), { kind: 'pause' });
    const far = timeline.moment().step;
    timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, 'y = 5') }]);
    const before = fingerprint(timeline);
    assert.deepEqual(pausedAfter(timeline, 'reverse-continue', 3), { kind: 'pause' });
    assert.equal(timeline.moment().step, far, 'a search that is broken off is none');
    assert.equal(fingerprint(timeline), before);
    assert.deepEqual(move(timeline, 'reverse-continue'), { kind: 'breakpoint', ids: [1] });
  });

  it('that has found something arrives there: a pause comes too late, and no moment is left on the way', () => {
    const program = compiled('machine { paging 4-level, ram 16M }\nprocedure work(n) {\n  z = n\n  while true { z = n }\n}\ncpu 0 {\n  n = 0\n  while n < 5000 { n += 1 }\n  work(n)\n}\n');
    for (const [motion, wanted] of [['reverse-continue', 'breakpoint'], [{ kind: 'frame-start', frame: { depth: 1 } }, 'step']] as const) {
      const paused = (): Timeline => {
        const timeline = launched(program, 'native');
        pausedAfter(timeline, 'continue', 6);
        timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, 'z = n') }]);
        return timeline;
      };
      const unbroken = paused();
      const far = unbroken.moment();
      unbroken.start(motion, 0);
      let slices = 0;
      while (unbroken.slice(() => true) === undefined) slices++;
      const found = unbroken.moment();
      for (let before = 1; before <= 3; before++) {
        const timeline = paused();
        const stop = pausedAfter(timeline, motion, slices - before);
        assert.deepEqual([stop.kind, timeline.moment()], stop.kind === 'pause' ? ['pause', far] : [wanted, found], `${before} slices before the end`);
        if (before === 1) assert.equal(stop.kind, wanted);
      }
    }
  });

  it('goes to the start of history at once when there is nothing to look for', () => {
    const timeline = launched(compiled(endless), 'native');
    toFirstStatement(timeline);
    const first = timeline.moment();
    pausedAfter(timeline, 'continue', 20);
    timeline.start('reverse-continue', 0);
    assert.deepEqual(timeline.slice(() => true), { kind: 'start-of-history' });
    assert.deepEqual(timeline.moment(), first);
  });
});
