import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { MotionName } from '../../src/engine/debuggee';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, fingerprint, launched, move, statementOf } from './onMachine';

const UNMAP = 'entry [pte_at(p, 0x600000)] = 0';
/** An access that is held inside its walk is made anew when the host has done this. */
const MIGRATE = 'host migrate_frame(0x600000)';

const race = (schedule: string, change = UNMAP): string => `${schedule}
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
global taken = 0
on interrupt 0x40 {
  taken += 1
  wrmsr(0x80b, 0)
}
cpu 0 {
  switch(p)
  user [0x600000] = 1
  barrier ready
  await window
  ${change}
  release window
  ipi(1, 0x40)
  barrier stale
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before tlb_fill
  user x = [0x600000]
  y = taken
  barrier stale
  z = random(100)
}`;

const motions: readonly MotionName[] = ['over', 'over', 'in', 'out', 'event', 'event', 'event-back', 'over-back', 'reverse-continue'];
const schedules = ['', 'schedule every 1', 'schedule random 3'] as const;

/** Moves one CPU by its statements until it stands at this one. */
function goTo(timeline: Timeline, cpu: number, line: string): void {
  const wanted = statementOf(timeline.program, line);
  for (let i = 0; i < 100; i++) {
    const [top] = timeline.frames(cpu).filter((frame) => 'depth' in frame);
    if (top !== undefined && 'statement' in top && top.statement === wanted) return;
    assert.equal(move(timeline, 'over', cpu).kind, 'step');
  }
  assert.fail(`CPU ${cpu} never comes to ${line}`);
}

describe('time travel of several CPUs', () => {
  for (const mmu of ['native', 'ept', 'shadow-wp']) {
    it(`${mmu}: any walk through time, by whichever thread, finds at a moment what a straight run finds there`, function () {
      this.timeout(120_000);
      fc.assert(fc.property(
        fc.array(fc.tuple(fc.constantFrom(...motions), fc.constantFrom(0, 1)), { minLength: 8, maxLength: 30 }), fc.constantFrom(...schedules),
        fc.constantFrom(...mmu === 'native' ? [UNMAP] : [UNMAP, MIGRATE]),
        (walk, schedule, change) => {
          const program = compiled(race(schedule, change));
          const timeline = launched(program, mmu);
          const seen = new Map<string, string>();
          for (const [motion, cpu] of walk) {
            move(timeline, motion, cpu);
            const { step, event } = timeline.moment();
            const now = fingerprint(timeline);
            assert.equal(seen.get(`${step}/${event}`) ?? now, now, `${step}/${event} is not what it was after ${motion}`);
            seen.set(`${step}/${event}`, now);
          }
          const straight = launched(program, mmu);
          const { interpreter } = straight.machine;
          while (interpreter.run.status === RUN.running) {
            const state = seen.get(`${interpreter.run.step}/0`);
            if (state !== undefined) assert.equal(state, fingerprint(straight), `step ${interpreter.run.step} differs from a straight run`);
            interpreter.step();
          }
        },
      ), { numRuns: 12, seed: 2026 });
    });
  }

  it('moves the chosen thread by its own statements, forward and back, while the others run as it is their turn', () => {
    const timeline = launched(compiled(race('')), 'native');
    move(timeline, 'over', 0);
    goTo(timeline, 1, 'y = taken');
    const before = timeline.moment();
    assert.equal(move(timeline, 'over', 1).kind, 'step');
    assert.equal(move(timeline, 'over-back', 1).kind, 'step');
    assert.deepEqual(timeline.moment(), before);
  });

  it('shows the held thread inside its access while another one is stepped', () => {
    const timeline = launched(compiled(race('')), 'ept');
    move(timeline, 'over', 0);
    goTo(timeline, 0, UNMAP);
    const texts = timeline.frames(1).map((frame) => ('text' in frame ? frame.text : frame.kind));
    assert.deepEqual(texts, ['user load [0x600000]', 'cpu']);
    assert.deepEqual(timeline.threads, ['cpu 0', 'cpu 1']);
  });

  it('goes into the middle of a hold and on from there, event by event', () => {
    const timeline = launched(compiled(race('')), 'native');
    move(timeline, 'over', 0);
    goTo(timeline, 0, 'release window');
    const states = new Map<string, string>();
    for (let i = 0; i < 60 && move(timeline, 'event', 0).kind !== 'ended'; i++) {
      const { step, event } = timeline.moment();
      states.set(`${step}/${event}`, fingerprint(timeline));
    }
    for (let i = 0; i < 40; i++) {
      move(timeline, 'event-back', 0);
      const { step, event } = timeline.moment();
      const state = states.get(`${step}/${event}`);
      if (state !== undefined) assert.equal(fingerprint(timeline), state, `${step}/${event}`);
    }
  });
});
