import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { INTERVAL } from '../../src/engine/time/checkpoints';
import type { ChangeBreakpoint, EventBreakpoint, Motion, MotionName, OutputLine, StatementBreakpoint, Stop } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import { KIND, field, type EventName } from '../../src/hardware/events/eventTable';
import { at, LOOP } from './breakpointSamples';
import { compiled, condition, launched, move, scenarioText, standing, statementOf, toFirstStatement } from './onMachine';

function changeOf(text: string, id: number): ChangeBreakpoint {
  return { id, text: `${text} of cpu 0`, cpu: 0, of: { kind: 'expression', fragment: condition(scenarioText('first-touch'), text) } };
}

function started(scenario: string, mmu: string): Timeline {
  const timeline = launched(compiled(scenarioText(scenario)), mmu);
  toFirstStatement(timeline);
  return timeline;
}

/** Everything a motion stops at until there is nothing more: moment, what for, and where it stands. */
function stops(timeline: Timeline, motion: Motion): string[] {
  const found: string[] = [];
  for (let stop = move(timeline, motion); stop.kind !== 'ended' && stop.kind !== 'start-of-history'; stop = move(timeline, motion)) {
    const { step, event } = timeline.moment();
    found.push(`${step}/${event} ${'isOver' in stop ? 'behind ' : ''}${stop.kind} ${'ids' in stop ? stop.ids.join() : ''} ${standing(timeline)}`);
  }
  return found;
}

describe('a breakpoint on what is left behind a statement, as a handler\'s IRET', () => {
  const handled = `machine { paging 4-level, ram 16M }
process p {
  0x600000 .. 0x601000 rw user
  0x601000 .. 0x602000 rw user lazy
}
on page_fault(gva a, code) {
  original(a, code)
  [0x600000] = a
}
cpu 0 {
  switch(p)
  user [0x601000] = 1
  done = 1
}
`;
  /** Stands in the handler's last access. */
  const inLastAccess = (mmu: string): Timeline => {
    const timeline = launched(compiled(handled), mmu);
    toFirstStatement(timeline);
    timeline.setEventBreakpoints([at('access_done', 1, { matches: (record) => record[field.gva.at] === 0x600000 }), at('iret', 2)]);
    assert.ok('ids' in move(timeline, 'continue'));
    return timeline;
  };
  for (const mmu of ['native', 'ept', 'shadow-wp']) {
    for (const motion of ['continue', 'out', 'over'] as const) {
      it(`stops a motion (${motion}) from inside the step before it (${mmu})`, () => {
        const timeline = inLastAccess(mmu);
        let stop = move(timeline, motion);
        if (motion === 'over' && stop.kind === 'step') stop = move(timeline, motion);
        assert.ok(stop.kind === 'event' && stop.event.kind === 'iret', stop.kind);
        assert.deepEqual(stop.ids, [2]);
        const { step, event } = timeline.moment();
        timeline.setStatementBreakpoints([{ id: 3, statement: statementOf(timeline.program, 'done = 1') }]);
        while (move(timeline, 'continue').kind !== 'breakpoint');
        let back = move(timeline, 'reverse-continue');
        while ('ids' in back && !back.ids.includes(2)) back = move(timeline, 'reverse-continue');
        assert.deepEqual(timeline.moment(), { step, event }, 'and at the same moment on the way back');
      });
    }
  }
});

describe('a breakpoint behind the handling of an event', () => {
  const behind = { until: [KIND.vm_entry] };

  it('stops at the VM entry with which the handler ends, and tells of the exit', () => {
    const timeline = started('first-touch', 'shadow-wp');
    timeline.setEventBreakpoints([at('hidden_fault', 1, behind)]);
    const stop = move(timeline, 'continue');
    assert.ok(stop.kind === 'event');
    assert.deepEqual([stop.isOver, stop.event.kind, stop.event.fields['gva']], [true, 'hidden_fault', 0x600000n]);
    assert.equal(timeline.eventsOfStep().at(-1)?.kind, 'vm_entry');
    assert.equal(stops(timeline, 'continue').length, 2, 'the other hidden faults of the scenario');
  });

  it('stops behind the step when nothing ends the handling before', () => {
    const timeline = started('first-touch', 'native');
    timeline.setEventBreakpoints([at('cr_write', 1, behind)]);
    const stop = move(timeline, 'continue');
    assert.ok(stop.kind === 'event');
    assert.deepEqual([stop.isOver, stop.event.kind, timeline.moment().event], [true, 'cr_write', 0]);
  });

  it('is found on the way back where the step ends at a checkpoint', () => {
    // Stops that are where a checkpoint is hang on how many steps come before the loop.
    for (let fill = 0; fill < 8; fill++) {
      const text = `machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n${'  x = 1\n'.repeat(fill)}`
        + '  for n in 0 .. 1700 {\n    user [0x600000] = n\n  }\n}\n';
      const timeline = launched(compiled(text), 'native');
      toFirstStatement(timeline);
      timeline.setEventBreakpoints([at('access_done', 1, { until: [] })]);
      const isThere = (stop: Stop): boolean => stop.kind === 'ended' || timeline.moment().step % INTERVAL === 0;
      let stop = move(timeline, 'continue');
      while (!isThere(stop)) stop = move(timeline, 'continue');
      if (stop.kind !== 'event') continue;
      const here = timeline.moment();
      const value = Number(stop.event.fields['value']);
      timeline.setEventBreakpoints([at('access_done', 1, { until: [], matches: (record) => record[field.value.at] === value && record[field.gva.at] === 0x600000 })]);
      assert.equal(move(timeline, 'continue').kind, 'ended');
      assert.deepEqual([move(timeline, 'reverse-continue').kind, timeline.moment()], ['event', here]);
      return;
    }
    assert.fail('no stop was at a checkpoint');
  });

  it('judges its condition there: on what has become of the machine, with the event', () => {
    const text = scenarioText('first-touch');
    const asked = (mode: Partial<EventBreakpoint>, expression: string): number => {
      const timeline = started('first-touch', 'shadow-wp');
      timeline.setEventBreakpoints([at('hidden_fault', 1, { ...mode, condition: condition(text, expression) })]);
      return stops(timeline, 'continue').length;
    };
    assert.equal(asked(behind, 'event.gva == gva:0x601000'), 1, 'event is the one that was handled');
    const counted = 'total.faults.hidden == 1';
    assert.deepEqual([asked({}, counted), asked(behind, counted)], [1, 1]);
    const mapped = 'hpa_of(event.gva) != 0xffffffffffffffff';
    assert.ok(asked(behind, mapped) > asked({}, mapped), 'the host has backed the page by then');
  });

  it('is met together with a breakpoint on the statement that comes next', () => {
    const program = compiled(LOOP);
    const timeline = launched(program, 'native');
    toFirstStatement(timeline);
    timeline.setEventBreakpoints([at('access_done', 1, { until: [] })]);
    timeline.setStatementBreakpoints([{ id: 2, statement: statementOf(program, 'done = sum') }]);
    const found = stops(timeline, 'continue');
    const both = found.filter((stop) => stop.includes('event 1,2 ') || stop.includes('breakpoint 2 '));
    assert.equal(both.length, 1, found.join('\n'));
  });
});

describe('a breakpoint on a change of a value', () => {
  it('stops behind each step that changes it, with both values', () => {
    const timeline = started('first-touch', 'shadow-wp');
    timeline.setChangeBreakpoints([changeOf('cr3', 3)]);
    const stop = move(timeline, 'continue');
    assert.ok(stop.kind === 'change');
    assert.deepEqual([stop.ids, stop.change.text, stop.change.type, timeline.moment().event], [[3], 'cr3 of cpu 0', 'gpa', 0]);
    assert.notEqual(stop.change.old, stop.change.value);
    assert.equal(move(timeline, 'continue').kind, 'ended');
  });
});

describe('hits', () => {
  const third = { hit: { operator: '==', count: 3 } } as const;

  it('are counted from the start of history, also of a breakpoint that is set later', () => {
    const program = compiled(LOOP);
    const statement = statementOf(program, 'sum += n');
    const moments = (prepare: (timeline: Timeline) => void, motion: Motion): string => {
      const timeline = launched(program, 'native');
      toFirstStatement(timeline);
      prepare(timeline);
      timeline.setStatementBreakpoints([{ id: 1, statement, ...third }]);
      return `${move(timeline, motion).kind} ${timeline.moment().step}`;
    };
    const wanted = moments(() => undefined, 'continue');
    assert.match(wanted, /^breakpoint /);
    const afterFirst = (timeline: Timeline): void => {
      timeline.setStatementBreakpoints([{ id: 2, statement }]);
      move(timeline, 'continue');
    };
    assert.equal(moments(afterFirst, 'continue'), wanted, 'the hit before it was set is one of them');
    const steps = (count: number) => (timeline: Timeline): void => { for (let n = 0; n < count; n++) move(timeline, 'over'); };
    assert.equal(moments(steps(7), 'continue'), wanted, 'one that a step arrived at counts too');
    assert.equal(moments((timeline) => { move(timeline, 'continue'); }, 'reverse-continue'), wanted, 'going back it is the third from the start');
  });

  it('inside one step are told apart, however often it is passed in part', () => {
    const timeline = started('first-touch', 'native');
    timeline.setEventBreakpoints([at('table_read', 1, { hit: { operator: '>=', count: 3 } })]);
    const forward = stops(timeline, 'continue');
    const backward = stops(timeline, 'reverse-continue');
    assert.deepEqual(backward.reverse(), forward);
    assert.equal(forward.length, stopsOf('table_read') - 2);
  });

  it('of the step stood in count as well, of a breakpoint that is set there: before the moment and at the step\'s start', () => {
    const timeline = started('first-touch', 'native');
    timeline.setEventBreakpoints([at('table_read', 1)]);
    const hits = Array.from({ length: 4 }, () => { move(timeline, 'continue'); return timeline.moment(); });
    for (const [hit, wanted] of [[{ operator: '==', count: 2 }, 1], [{ operator: '>=', count: 2 }, 2], [{ operator: '%', count: 3 }, 2]] as const) {
      const late = started('first-touch', 'native');
      move(late, { kind: 'seek', moment: hits[3]! });
      late.setEventBreakpoints([at('table_read', 1, { hit })]);
      assert.equal(move(late, 'reverse-continue').kind, 'event');
      assert.deepEqual(late.moment(), hits[wanted], `${hit.operator}${hit.count}`);
    }
    const program = compiled(LOOP.replace('sum += n', 'user sum = [0x600000] + [0x600008]'));
    const statement = statementOf(program, 'user sum');
    const { entry, end } = program.statements[statement]!;
    const [, { instruction } = assert.fail()] = program.accesses.filter((access) => access.instruction > entry && access.instruction < end);
    const loop = launched(program, 'native');
    toFirstStatement(loop);
    loop.setStatementBreakpoints([{ id: 2, statement, instruction }]);
    move(loop, 'continue');
    move(loop, 'event');
    assert.ok(loop.moment().event > 0);
    loop.setStatementBreakpoints([{ id: 1, statement, instruction, hit: { operator: '==', count: 2 } }]);
    assert.equal(move(loop, 'continue').kind, 'breakpoint');
    assert.equal(loop.variables(0, 0).find(({ name }) => name === 'n')?.value, 1n, 'the second round');
  });

  function stopsOf(kind: EventName): number {
    const timeline = started('first-touch', 'native');
    timeline.setEventBreakpoints([at(kind, 1)]);
    return stops(timeline, 'continue').length;
  }
});

describe('hit counts of breakpoints that are set anywhere in a walk through time', function () {
  this.timeout(120_000);
  const program = compiled(LOOP);
  const statement = statementOf(program, 'sum += n');
  type Set = (timeline: Timeline, hit: StatementBreakpoint['hit']) => void;
  const withHit = (hit: StatementBreakpoint['hit']): { hit?: NonNullable<typeof hit> } => (hit === undefined ? {} : { hit });
  const sets: readonly Set[] = [
    (timeline, hit) => { timeline.setStatementBreakpoints([{ id: 1, statement, ...withHit(hit) }]); },
    (timeline, hit) => { timeline.setEventBreakpoints([at('access_done', 1, withHit(hit))]); },
    (timeline, hit) => { timeline.setEventBreakpoints([at('vm_exit', 1, { until: [KIND.vm_entry], ...withHit(hit) })]); },
    (timeline, hit) => { timeline.setEventBreakpoints([at('listing_line', 1, withHit(hit))]); },
  ];
  const moment = (timeline: Timeline): number => timeline.moment().step * 4096 + timeline.moment().event;
  /** Moments of all hits, in order. */
  const hitsOf = sets.map((set) => {
    const timeline = launched(program, 'shadow-wp');
    toFirstStatement(timeline);
    set(timeline, undefined);
    const found: number[] = [];
    while (move(timeline, 'continue').kind !== 'ended') found.push(moment(timeline));
    return found;
  });

  it('are what a straight run finds', () => {
    const motion = fc.constantFrom<MotionName>('over', 'in', 'out', 'event', 'over-back', 'event-back', 'over', 'in');
    fc.assert(fc.property(fc.nat(sets.length - 1), fc.integer({ min: 1, max: 5 }), fc.array(motion, { maxLength: 25 }), fc.array(motion, { maxLength: 6 }), (which, count, before, between) => {
      const hits = hitsOf[which]!;
      const timeline = launched(program, 'shadow-wp');
      toFirstStatement(timeline);
      for (const each of before) move(timeline, each);
      sets[which]!(timeline, { operator: '%', count });
      const wanted = hits.filter((_, i) => (i + 1) % count === 0);
      const check = (way: 'continue' | 'reverse-continue'): void => {
        const here = moment(timeline);
        const stop = move(timeline, way);
        const next = way === 'continue' ? wanted.find((each) => each > here) : wanted.filter((each) => each < here).at(-1);
        const isHit = stop.kind === 'breakpoint' || stop.kind === 'event';
        assert.equal(isHit ? moment(timeline) : undefined, next, `${way} from ${here}: ${stop.kind}`);
      };
      check('continue');
      for (const each of between) move(timeline, each);
      check('reverse-continue');
      check('continue');
    }), { numRuns: 40, seed: 3 });
  });
});

describe('a log point', () => {
  it('that is set late says nothing on the way back, and all on the way forward', () => {
    const program = compiled(LOOP);
    const statement = statementOf(program, 'sum += n');
    const timeline = launched(program, 'native');
    toFirstStatement(timeline);
    move(timeline, 'continue');
    timeline.setLogPoints([{ id: 5, at: { kind: 'statement', statement }, message: ['said'] }]);
    timeline.setEventBreakpoints([at('statement', 1)]);
    const said = (): number => timeline.takeOutput().filter((line: OutputLine) => line.category === 'log').length;
    stops(timeline, 'reverse-continue');
    assert.equal(said(), 0);
    stops(timeline, 'continue');
    assert.equal(said(), 6);
    stops(timeline, 'reverse-continue');
    stops(timeline, 'continue');
    assert.equal(said(), 0, 'once a moment');
  });
});

describe('breakpoints of every kind together', function () {
  this.timeout(120_000);

  it('stop at the same moments in both directions', () => {
    const kinds: readonly EventName[] = ['vm_exit', 'entry_written', 'access_done', 'exception_delivered', 'tlb_flush'];
    const hit = fc.option(fc.record({ operator: fc.constantFrom('==', '>=', '%'), count: fc.integer({ min: 1, max: 4 }) }), { nil: undefined });
    const breakpoint = fc.record({ kind: fc.constantFrom(...kinds), mode: fc.constantFrom('before', 'behind', 'step'), hit });
    fc.assert(fc.property(
      fc.constantFrom('native', 'shadow-wp', 'ept'), fc.array(breakpoint, { minLength: 1, maxLength: 3 }), fc.array(fc.nat(40), { maxLength: 3 }), hit,
      (mmu, some, statements, each) => {
        const program = compiled(scenarioText('first-touch'));
        const timeline = launched(program, mmu);
        toFirstStatement(timeline);
        timeline.setEventBreakpoints(some.map((one, i) => at(one.kind, 100 + i, {
          ...(one.mode === 'before' ? {} : { until: one.mode === 'behind' ? [KIND.vm_entry] : [] }),
          ...(one.hit === undefined ? {} : { hit: one.hit }),
        })));
        timeline.setStatementBreakpoints(statements.map((statement, id) => (
          { id, statement: statement % program.statements.length, ...(each === undefined ? {} : { hit: each }) }
        )));
        timeline.setChangeBreakpoints([changeOf('cr3', 50)]);
        const isShown = (stop: Stop): boolean => stop.kind !== 'start-of-history';
        const forward = stops(timeline, 'continue');
        const backward = stops(timeline, 'reverse-continue');
        assert.ok(backward.length <= forward.length + 1, backward.at(-1));
        assert.deepEqual(backward.slice(0, forward.length).reverse(), forward);
        assert.equal(isShown(move(timeline, 'reverse-continue')), false);
      },
    ), { numRuns: 4, seed: 11 });
  });
});
