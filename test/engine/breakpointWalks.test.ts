import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Moment, Motion, MotionName } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import type { EventName } from '../../src/hardware/events/eventTable';
import { at } from './breakpointSamples';
import { compiled, launched, move, scenarioText, toFirstStatement } from './onMachine';

/** What may lie between two statements: exits and faults, a handler's IRET, another CPU's IPI, a guest's guest, synchronization. */
const scenarios = ['guest-pf-ept', 'shootdown-race', 'nested-first-touch', 'unsync'];

/** Every event of a run by its kind, told by steps of one event. */
type Told = ReadonlyMap<EventName, readonly Moment[]>;
const told = new Map<string, Told>();

function started(scenario: string): Timeline {
  const timeline = launched(compiled(scenarioText(scenario)), undefined);
  toFirstStatement(timeline);
  return timeline;
}

function eventsOf(scenario: string): Told {
  const known = told.get(scenario);
  if (known !== undefined) return known;
  const timeline = started(scenario);
  const found = new Map<EventName, Moment[]>();
  while (move(timeline, 'event').kind === 'step') {
    const event = timeline.eventsOfStep().at(-1);
    if (event === undefined || event.kind === 'statement') continue;
    const kind = event.kind as EventName;
    found.set(kind, [...found.get(kind) ?? [], timeline.moment()]);
  }
  told.set(scenario, found);
  return found;
}

function isBefore(one: Moment, other: Moment): boolean {
  return one.step < other.step || (one.step === other.step && one.event < other.event);
}

const names: readonly MotionName[] = ['over', 'in', 'out', 'event', 'event-back', 'over-back', 'out-back', 'continue', 'reverse-continue'];
/** A motion, or a seek to any event of the run. */
const walks = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.nat() }), { minLength: 12, maxLength: 24, size: 'max' });

describe('a breakpoint on events of a kind', () => {
  for (const scenario of scenarios) {
    it(`${scenario}: from wherever one stands the next one stops, forward and back, and no step goes past one`, () => {
      const kinds = [...eventsOf(scenario).keys()];
      const all = [...eventsOf(scenario).values()].flat();
      fc.assert(fc.property(fc.nat(), walks, (which, walk) => {
        const kind = kinds[which % kinds.length]!;
        const moments = eventsOf(scenario).get(kind)!;
        const timeline = started(scenario);
        timeline.setEventBreakpoints([at(kind, 1)]);
        for (const each of walk) {
          const here = timeline.moment();
          const motion: Motion = typeof each === 'number' ? { kind: 'seek', moment: all[each % all.length]! } : each;
          const stop = move(timeline, motion);
          const there = timeline.moment();
          const next = moments.find((moment) => isBefore(here, moment));
          const last = moments.filter((moment) => isBefore(moment, here)).at(-1);
          if (motion === 'continue') assert.deepEqual(next === undefined ? stop.kind : there, next ?? 'ended', `${kind} from ${here.step}/${here.event}`);
          if (motion === 'reverse-continue') assert.deepEqual(last === undefined ? stop.kind : there, last ?? 'start-of-history', `${kind} back from ${here.step}/${here.event}`);
          const isStep = motion === 'over' || motion === 'in' || motion === 'out';
          if (isStep && next !== undefined) assert.ok(!isBefore(next, there), `${motion} from ${here.step}/${here.event} to ${there.step}/${there.event} goes past ${kind} at ${next.step}/${next.event}`);
        }
      }), { numRuns: 40, seed: 2026 });
    });
  }
});
