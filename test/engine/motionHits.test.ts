import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { LogPoint, Motion, Stop } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import { KIND } from '../../src/hardware/events/eventTable';
import type { Program } from '../../src/language/program';
import { compiled, launched, move, statementOf } from './onMachine';

const COUNTED = 'counted += 1';

/** Random bodies of a loop, with a statement that is counted somewhere in them, in a procedure of its own at times. */
const programs = fc.record({
  rounds: fc.integer({ min: 2, max: 6 }),
  before: fc.array(fc.constantFrom('user [0x600000 + i * 4096] = i', 'x = i * 2', 'user y = [0x600000]', 'work(i)'), { maxLength: 2 }),
  after: fc.array(fc.constantFrom('user [0x600008] = i', 'invlpg(0x600000)', 'work(i)', 'switch(p)'), { maxLength: 2 }),
  isCalled: fc.boolean(),
}).map(({ rounds, before, after, isCalled }) => `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x608000 rw user lazy }
global counted = 0
procedure count() {
  ${COUNTED}
}
procedure work(i) {
  z = i
  if i > 1 { z = z + 1 }
}
cpu 0 {
  switch(p)
  for i in 0 .. ${rounds} {
${before.map((line) => `    ${line}\n`).join('')}    ${isCalled ? 'count()' : 'user [0x600010] = i'}
${after.map((line) => `    ${line}\n`).join('')}  }
  last = 1
}
`);

type Step = Motion | { readonly share: number };
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>('over', 'in', 'out', 'event', 'over-back', 'event-back', 'out-back') },
  { weight: 2, arbitrary: fc.constantFrom<Step>('exit', 'exit-back', 'any-exit', 'any-exit-back', 'to-start', 'to-end') },
  // A moment by its share of the run, in thousandths.
  { weight: 2, arbitrary: fc.record({ share: fc.nat(999) }) },
);

function momentOf(timeline: Timeline): number {
  return timeline.moment().step * 65536 + timeline.moment().event;
}

/** Takes one step of a walk; a motion that would end the run does not count. */
function take(timeline: Timeline, step: Step, end: number): Stop {
  if (typeof step === 'string' || 'kind' in step) return move(timeline, step);
  const { first } = timeline.history();
  return move(timeline, { kind: 'seek', moment: { step: first.step + Math.floor((end - first.step) * step.share / 1000), event: 0 } });
}

/** A session on a program, at its first statement. */
function begun(program: Program, mmu: string): Timeline {
  const timeline = launched(program, mmu);
  timeline.setStatementBreakpoints([{ id: 9, statement: statementOf(program, 'switch(p)') }]);
  assert.equal(move(timeline, 'continue').kind, 'breakpoint');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

describe('any walk through time, by every motion', function () {
  this.timeout(120_000);

  it('meets a breakpoint with a hit count where a straight run meets it', () => {
    fc.assert(fc.property(
      programs, fc.constantFrom('native', 'shadow-wp', 'ept'), fc.constantFrom('statement', 'vm exit', 'walk'), fc.integer({ min: 1, max: 3 }),
      fc.array(steps, { minLength: 3, maxLength: 12 }), fc.nat(2),
      (text, mmu, what, count, walk, set) => {
        const program = compiled(text);
        const kind = what === 'vm exit' ? KIND.vm_exit : KIND.walk;
        const hit = { operator: '%', count } as const;
        const arm = (timeline: Timeline, isCounting: boolean): void => {
          const common = { id: 1, ...(isCounting ? { hit } : {}) };
          if (what === 'statement') timeline.setStatementBreakpoints([{ ...common, statement: statementOf(program, COUNTED) }]);
          else timeline.setEventBreakpoints([{ ...common, kinds: [kind], matches: () => true }]);
        };
        const straight = begun(program, mmu);
        arm(straight, false);
        const hits: number[] = [];
        while (move(straight, 'continue').kind !== 'ended') hits.push(momentOf(straight));
        const end = straight.moment().step;
        const wanted = hits.filter((_, i) => (i + 1) % count === 0);

        const timeline = begun(program, mmu);
        walk.forEach((step, i) => {
          // The breakpoint comes at some time on the way.
          if (i === Math.min(set, walk.length - 1)) arm(timeline, true);
          take(timeline, step, end - 2);
        });
        for (const way of ['continue', 'reverse-continue', 'continue'] as const) {
          const here = momentOf(timeline);
          const stop = move(timeline, way);
          const next = way === 'continue' ? wanted.find((each) => each > here) : wanted.filter((each) => each < here).at(-1);
          assert.equal(stop.kind === 'breakpoint' || stop.kind === 'event' ? momentOf(timeline) : undefined, next, `${way} from ${here / 65536}: ${stop.kind}`);
          if (stop.kind === 'ended') return;
        }
      },
    ), { numRuns: 8, seed: 2026 });
  });

  it('has a log point say in the end what it says in a straight run, in its order, and nothing twice', () => {
    fc.assert(fc.property(programs, fc.constantFrom('native', 'shadow-wp'), fc.array(steps, { minLength: 3, maxLength: 12 }), (text, mmu, walk) => {
      const program = compiled(text);
      const points: readonly LogPoint[] = [
        { id: 1, at: { kind: 'statement', statement: statementOf(program, 'z = i') }, message: ['work'] },
        { id: 2, at: { kind: 'event', kinds: [KIND.vm_exit], matches: () => true }, message: ['exit'] },
        { id: 3, at: { kind: 'statement', statement: statementOf(program, COUNTED) }, message: ['third'], hit: { operator: '%', count: 3 } },
      ];
      const said = (timeline: Timeline): string[] => {
        while (move(timeline, 'continue').kind !== 'ended') assert.fail('nothing stops');
        return timeline.takeOutput().map(({ line, text: words }) => `${line} ${words}`);
      };
      const straight = begun(program, mmu);
      straight.setLogPoints(points);
      const wanted = said(straight);
      const end = straight.moment().step;
      const timeline = begun(program, mmu);
      timeline.setLogPoints(points);
      for (const step of walk) if (take(timeline, step, end - 2).kind === 'ended') return;
      assert.deepEqual(said(timeline), wanted);
    }), { numRuns: 12, seed: 2026 });
  });
});
