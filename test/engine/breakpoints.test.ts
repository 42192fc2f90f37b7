import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { exceptionFilters } from '../../src/adapter/breakpoints/exceptionFilters';
import type { StatementBreakpoint, Stop } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import { KIND, type EventName } from '../../src/hardware/events/eventTable';
import { at, LOOP } from './breakpointSamples';
import { compiled, condition, fingerprint, launched, move, scenarioText, standing, statementOf, toFirstStatement } from './onMachine';

/** Everything a motion stops at until it has nothing more to stop at: moment, ids, and where it stands. */
function stops(timeline: Timeline, motion: 'continue' | 'reverse-continue'): string[] {
  const found: string[] = [];
  for (let stop = move(timeline, motion); stop.kind !== 'ended' && stop.kind !== 'start-of-history'; stop = move(timeline, motion)) {
    const { step, event } = timeline.moment();
    found.push(`${step}/${event} ${stop.kind} ${'ids' in stop ? stop.ids.join() : ''} ${standing(timeline)}`);
  }
  return found;
}

function sumAt(timeline: Timeline): bigint | undefined {
  return timeline.variables(0, 0).find(({ name }) => name === 'sum')?.value;
}

describe('breakpoints on statements', () => {
  it('stop before the statement, each time it is about to run', () => {
    const timeline = launched(compiled(LOOP), 'shadow-wp');
    timeline.setStatementBreakpoints([{ id: 3, statement: statementOf(timeline.program, 'sum += n') }]);
    const sums: (bigint | undefined)[] = [];
    for (let stop = move(timeline, 'continue'); stop.kind !== 'ended'; stop = move(timeline, 'continue')) {
      assert.deepEqual(stop, { kind: 'breakpoint', ids: [3] });
      sums.push(sumAt(timeline));
    }
    assert.deepEqual(sums, [0n, 0n, 1n, 3n, 6n, 10n]);
  });

  it('with a condition stop only where it holds', () => {
    const program = compiled(LOOP);
    const timeline = launched(program, 'shadow-wp');
    const statement = statementOf(program, 'sum += n');
    timeline.setStatementBreakpoints([{ id: 1, statement, condition: condition(LOOP, 'n % 2 == 1', statement) }]);
    assert.equal(stops(timeline, 'continue').length, 3);
  });

  it('that cannot judge their condition stop and say why, and judge again at the next', () => {
    const program = compiled(LOOP);
    const timeline = launched(program, 'shadow-wp');
    const statement = statementOf(program, 'sum += n');
    timeline.setStatementBreakpoints([{ id: 1, statement, condition: condition(LOOP, '10 / (n - 2) == 10', statement) }]);
    const found: Stop[] = [];
    for (let stop = move(timeline, 'continue'); stop.kind !== 'ended'; stop = move(timeline, 'continue')) found.push(stop);
    assert.deepEqual(found, [{ kind: 'condition-error', ids: [1], message: 'division by zero' }, { kind: 'breakpoint', ids: [1] }]);
  });

  it('count their hits: the third, from the fourth on, every second', () => {
    const statement = statementOf(compiled(LOOP), 'sum += n');
    const hits: readonly [StatementBreakpoint['hit'], readonly bigint[]][] = [
      [{ operator: '==', count: 3 }, [1n]],
      [{ operator: '>=', count: 4 }, [3n, 6n, 10n]],
      [{ operator: '%', count: 2 }, [0n, 3n, 10n]],
    ];
    for (const [hit, wanted] of hits) {
      const timeline = launched(compiled(LOOP), 'native');
      timeline.setStatementBreakpoints([{ id: 1, statement, ...(hit === undefined ? {} : { hit }) }]);
      const sums: (bigint | undefined)[] = [];
      for (let stop = move(timeline, 'continue'); stop.kind !== 'ended'; stop = move(timeline, 'continue')) sums.push(sumAt(timeline));
      assert.deepEqual(sums, wanted);
    }
  });
});

describe('breakpoints on events', () => {
  /** How often the kinds of each exception filter come in a scenario. */
  const expected: readonly (readonly [filter: string, scenario: string, mmu: string, stops: number])[] = [
    ['vm-exit', 'page-table-write', 'shadow-wp', 8],
    ['vm-exit', 'page-table-write', 'native', 0],
    ['cr3-write', 'first-touch', 'native', 1],
    ['cr3-write', 'first-touch', 'shadow-wp', 1],
    ['ept-violation', 'first-touch', 'ept', 2],
    ['page-table-write', 'page-table-write', 'shadow-wp', 2],
    ['page-table-write', 'page-table-write', 'native', 2],
    ['page-table-write', 'page-table-write', 'ept', 2],
    ['page-table-write', 'page-table-write', 'interpret', 2],
    ['guest-page-fault', 'page-table-write', 'ept', 1],
    ['guest-page-fault', 'first-touch', 'shadow-wp', 1],
    ['hidden-fault', 'first-touch', 'shadow-wp', 3],
    ['expectation', 'first-touch', 'shadow-wp', 0],
  ];
  for (const [id, scenario, mmu, wanted] of expected) {
    it(`${id}: ${wanted} in ${scenario} under ${mmu}, each right at its event`, () => {
      const filter = exceptionFilters.find((each) => each.id === id);
      assert.ok(filter);
      const timeline = launched(compiled(scenarioText(scenario)), mmu);
      toFirstStatement(timeline);
      timeline.setEventBreakpoints([{ id: 9, kinds: filter.kinds, matches: filter.matches }]);
      let count = 0;
      for (let stop = move(timeline, 'continue'); stop.kind !== 'ended'; stop = move(timeline, 'continue')) {
        const events = timeline.eventsOfStep();
        assert.deepEqual(stop, { kind: 'event', ids: [9], event: events[events.length - 1] });
        assert.equal(timeline.moment().event, events.length);
        count++;
      }
      assert.equal(count, wanted);
      assert.equal(timeline.result().ok, true, 'the run is not disturbed by stopping inside instructions');
    });
  }

  it('stop at a failed expectation', () => {
    const timeline = launched(compiled(LOOP.replace('done = sum', 'done = sum\n  expect done == 16')), 'ept');
    timeline.setEventBreakpoints([at('expectation_failed', 2)]);
    assert.equal(move(timeline, 'continue').kind, 'event');
    assert.equal(standing(timeline), 'cpu 0:11');
  });

  it('judge a condition on the event and on the machine', () => {
    const text = scenarioText('first-touch');
    const timeline = launched(compiled(text), 'shadow-wp');
    timeline.setEventBreakpoints([at('vm_exit', 1, { condition: condition(text, 'event.reason == exit_reason.exception_nmi and event.gva == 0x601000') })]);
    const found = stops(timeline, 'continue');
    assert.ok(found.length > 0);
    assert.ok(found.every((stop) => stop.includes('user store [0x601000]')), found.join('\n'));
  });

  it('stop at the third match within one instruction when the hit count says so, and at no other', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'native');
    toFirstStatement(timeline);
    timeline.setEventBreakpoints([at('table_read', 1, { hit: { operator: '==', count: 3 } })]);
    assert.equal(move(timeline, 'continue').kind, 'event');
    assert.equal(timeline.eventsOfStep().filter(({ kind }) => kind === 'table_read').length, 3);
    assert.equal(move(timeline, 'continue').kind, 'ended');
  });

  it('on a line of a listing stop before the line runs, with its procedure on top', () => {
    const timeline = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    const lines = timeline.listings.get('shadow-wp.vmm')!.split('\n');
    const line = lines.findIndex((each) => each.includes('perform the store on guest memory')) + 1;
    toFirstStatement(timeline);
    timeline.setListingBreakpoints([{ id: 4, listing: 'shadow-wp.vmm', line }]);
    const found = stops(timeline, 'continue');
    assert.equal(found.length, 2);
    for (const stop of found) assert.match(stop, new RegExp(`shadow-wp\\.vmm:${line} emulate_page_table_write < `));
  });

  it('leave the machine at the event as a run event by event finds it', () => {
    const stopped = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    toFirstStatement(stopped);
    stopped.setEventBreakpoints([at('page_table_write_trapped', 1)]);
    move(stopped, 'continue');
    const walked = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    toFirstStatement(walked);
    while (`${walked.moment().step}/${walked.moment().event}` !== `${stopped.moment().step}/${stopped.moment().event}`) move(walked, 'event');
    assert.equal(fingerprint(walked), fingerprint(stopped));
  });
});

describe('the same breakpoints backward', function () {
  this.timeout(120_000);

  it('stop at the same places in the opposite order, whatever they are', () => {
    const kinds: readonly EventName[] = ['vm_exit', 'table_read', 'tlb_fill', 'listing_line', 'entry_written', 'access_done', 'exception_delivered'];
    const scenarios = ['first-touch', 'page-table-write', 'context-switch'];
    fc.assert(fc.property(
      fc.constantFrom(...scenarios), fc.constantFrom('native', 'shadow-wp', 'ept'),
      fc.subarray([...kinds], { minLength: 1, maxLength: 3 }), fc.array(fc.nat(40), { maxLength: 4 }),
      (scenario, mmu, some, statements) => {
        const program = compiled(scenarioText(scenario));
        const timeline = launched(program, mmu);
        toFirstStatement(timeline);
        timeline.setEventBreakpoints(some.map((kind, i) => at(kind, 100 + i)));
        timeline.setStatementBreakpoints(statements.map((statement, id) => ({ id, statement: statement % program.statements.length })));
        const forward = stops(timeline, 'continue');
        const backward = stops(timeline, 'reverse-continue');
        // The scenario's first statement lies at the start of history: backward it is met, forward it was left from.
        const [start] = backward.slice(forward.length);
        assert.ok(backward.length <= forward.length + 1, start);
        assert.deepEqual(backward.slice(0, forward.length).reverse(), forward);
      },
    ), { numRuns: 10, seed: 7 });
  });
});

describe('a guest without a handler for its fault', () => {
  it('comes to a triple fault, at which one can stop before the run ends of it', () => {
    const timeline = launched(compiled('machine { paging 4-level, ram 16M }\ncpu 0 {\n  cr4.PAE = 0\n}\n'), 'shadow-wp');
    timeline.setEventBreakpoints([{ id: 7, kinds: [KIND.triple_fault], matches: () => true }]);
    const stop = move(timeline, 'continue');
    assert.ok(stop.kind === 'event');
    assert.deepEqual([stop.ids, stop.event.kind, stop.event.fields['vector']], [[7], 'triple_fault', 13n]);
    assert.equal(move(timeline, 'continue').kind, 'died');
  });
});
