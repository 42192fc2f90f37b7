import { strict as assert } from 'node:assert';
import { bindException, bindFunction, type Bound } from '../../src/adapter/breakpoints/binding';
import type { BreakpointTarget } from '../../src/adapter/breakpoints/breakpointStore';
import { writtenFunction } from '../../src/adapter/breakpoints/functionBreakpoint';
import { exceptionFilters } from '../../src/adapter/breakpoints/exceptionFilters';
import { Client } from '../../src/adapter/client';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { SourceCatalog } from '../../src/adapter/sourceCatalog';
import type { EventBreakpoint, Stop } from '../../src/engine/debuggee';
import { move, scenarioText } from '../engine/onMachine';

const SPURIOUS = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  barrier ready
  await window
  user [0x600000] = 5
  release window
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before vm_exit
  user [0x600000] = 6
}
`;
const TRIPLE = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  cr4.PAE = 0\n}\n';
const INVPCID = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  invpcid(2, 0, 0x600000)\n  invpcid(0, 0, 0x601000)\n}\n';

/** One row for each filter: a scenario that stops there so often, and a condition that keeps it from some or all of these stops. */
const rows: readonly (readonly [filter: string, scenario: string, mmu: string, stops: number, condition: string, stopsWithCondition: number])[] = [
  ['vm-exit', 'page-table-write', 'shadow-wp', 8, 'event.reason == exception_nmi and event.qualification == 0x600000', 2],
  ['cr3-write', 'first-touch', 'native', 1, 'event.value == 0', 0],
  ['ept-violation', 'first-touch', 'ept', 2, 'event.address >= 0x102000', 1],
  ['ept-misconfiguration', 'slot-move', 'ept', 1, 'event.address == 0', 0],
  ['npf', 'first-touch', 'npt', 2, 'event.address >= 0x102000', 1],
  ['page-table-write', 'page-table-write', 'ept', 2, 'event.level == 2', 0],
  ['page-table-write-trapped', 'page-table-write', 'shadow-wp', 2, 'event.value & 1 == 0', 0],
  ['guest-page-fault', 'page-table-write', 'ept', 1, 'event.gva == 0x1000', 0],
  ['hidden-fault', 'first-touch', 'shadow-wp', 3, 'event.gva == 0x601000', 1],
  ['spurious-fault', SPURIOUS, 'shadow-wp', 1, 'event.gva == 0x601000', 0],
  ['shadow-page-created', 'first-touch', 'shadow-wp', 4, 'event.level == 1', 1],
  ['shadow-page-zapped', 'page-table-write', 'shadow-rebuild', 4, 'event.level == 1', 1],
  ['shadow-page-unsynced', 'invlpg-needed', 'shadow-unsync', 1, 'event.level == 2', 0],
  ['shadow-page-synced', 'unsync', 'shadow-unsync', 1, 'event.level == 2', 0],
  ['memslot-change', 'slot-move', 'ept', 4, 'event.gpa == 1', 0],
  ['host-reclaim', 'host-swap', 'ept', 2, 'event.hva == 0', 0],
  ['invlpg', 'page-table-write', 'ept', 2, 'event.gva == 0x1000', 0],
  ['invpcid', INVPCID, 'native', 2, 'event.gva == 0x601000', 1],
  ['invept', 'ksm-share', 'ept', 2, 'total.exits.total > 1000000', 0],
  ['invvpid', 'first-touch', 'shadow-wp', 2, 'event.gva == 0x600000', 0],
  ['tlb-flush', 'page-table-write', 'npt', 3, 'event.gva == 0x1000', 0],
  ['remote-flush', 'shootdown-race', 'shadow-wp', 3, 'event.gva == 0x1000', 0],
  ['stale-tlb-hit', 'invlpg-needed', 'native', 2, 'event.gva == 0x1000', 0],
  ['triple-fault', TRIPLE, 'shadow-wp', 1, 'event.vector == 14', 0],
  ['expectation', TRIPLE.replace('cr4.PAE = 0', 'expect 1 == 2'), 'native', 1, 'cr3 == 0', 0],
];

function target(scenario: string, mmu: string): BreakpointTarget {
  const text = scenario.includes('\n') ? scenario : scenarioText(scenario);
  const compiled = simulator.compile('/lab/test.guest', text, () => undefined).scenario;
  assert.ok(compiled);
  const launched = simulator.launch(compiled, mmu);
  if ('error' in launched) assert.fail(launched.error);
  const sources = new SourceCatalog(compiled.program, launched.debuggee.listings, new Set());
  return { scenario: compiled, ...launched, sources, client: new Client(), whenStill: (change) => { change(); } };
}

/** Every stop of a run with this breakpoint. */
function stops(of: BreakpointTarget, bound: Bound): Extract<Stop, { kind: 'event' }>[] {
  if (bound.kind !== 'bound') assert.fail(bound.message);
  const events = bound.stops.flatMap((armed): EventBreakpoint[] => (armed.kind === 'event' ? [{ id: 7, ...armed.breakpoint }] : []));
  of.debuggee.setEventBreakpoints(events);
  const found: Extract<Stop, { kind: 'event' }>[] = [];
  for (let stop = move(of.debuggee, 'continue'); stop.kind === 'event'; stop = move(of.debuggee, 'continue')) found.push(stop);
  return found;
}

function stopsOf(scenario: string, mmu: string, filterId: string, more: { readonly condition?: string; readonly mode?: string } = {}): ReturnType<typeof stops> {
  const of = target(scenario, mmu);
  return stops(of, bindException(of, { filterId, ...more }));
}

describe('an exception filter', function () {
  this.timeout(60_000);

  for (const [id, scenario, mmu, count, condition, less] of rows) {
    it(`${id} stops at its events, as its condition says, before them and after`, () => {
      const before = stopsOf(scenario, mmu, id);
      const met = stopsOf(scenario, mmu, id, { condition });
      assert.deepEqual([before.length, met.length], [count, less]);
      assert.ok(before.every(({ isOver }) => isOver === undefined));
      const filter = exceptionFilters.find((each) => each.id === id)!;
      if (filter.after.kind === 'never') return;
      const after = stopsOf(scenario, mmu, id, { mode: 'after' });
      if (filter.after.kind === 'until') assert.ok(after.every(({ isOver }) => isOver === true));
      assert.ok(after.length > 0 && after.length <= count, `${after.length} after`);
    });
  }

  it('of every kind is in that table', () => {
    assert.deepEqual(rows.map(([id]) => id).sort(), exceptionFilters.map(({ id }) => id).sort());
  });

  it('has an example of a condition that can be used', () => {
    const of = target('first-touch', 'nested');
    for (const { id, example, neverUnder } of exceptionFilters) {
      const bound = bindException(of, { filterId: id, condition: example });
      if (!neverUnder.includes('nested')) assert.equal(bound.kind, 'bound', `${id}: ${bound.message ?? ''}`);
      assert.equal('fragment' in of.scenario.compileExpression(example, { use: 'condition' }), true, id);
    }
  });

  it('says when its event cannot happen, and never says so of one that does', () => {
    const of = target('first-touch', 'native');
    const refused = bindException(of, { filterId: 'vm-exit' });
    assert.deepEqual(refused, { kind: 'unbound', message: '"VM exit" never happens under native: run the scenario under another technique to stop there.' });
    for (const [id, , mmu] of rows) assert.ok(!exceptionFilters.find((each) => each.id === id)!.neverUnder.includes(mmu), id);
  });

  it('refuses a condition on what its events do not carry, which would be 0 for ever', () => {
    const of = target('first-touch', 'shadow-wp');
    const refused = (filterId: string, condition: string): string => bindException(of, { filterId, condition }).message ?? 'bound';
    assert.equal(refused('hidden-fault', 'event.address == 0x600000'), 'The condition cannot be used: hidden_fault has no field `address`; it has kind, gva, gpa, code.');
    assert.equal(refused('page-table-write', 'event.gpa != 0 and event.reason == 0'),
      'The condition cannot be used: page_table_write and page_table_write_trapped have no field `reason`; they have kind, gva, gpa, hpa, address, value, level.');
    assert.equal(refused('page-table-write', 'event.level == 1 and event.kind == page_table_write'), 'bound', 'one of the two carries a level');
  });

  it('refuses modes that there are not', () => {
    const of = target('first-touch', 'ept');
    assert.match(bindException(of, { filterId: 'triple-fault', mode: 'after' }).message ?? '', /^Nothing handles "Triple fault", so there is no moment after that/);
    assert.equal(bindException(of, { filterId: 'vm-exit', mode: 'during' }).message, '"during" is no mode of an exception filter: there are before and after.');
  });

  it("after a guest's page fault stops where its handler returns", () => {
    const [stop] = stopsOf('page-table-write', 'ept', 'guest-page-fault', { mode: 'after' });
    assert.ok(stop?.event.kind === 'iret' || stop?.event.kind === 'access_refused', stop?.event.kind);
    assert.equal(stop.event.fields['gva'], 0x600000n);
  });
});

describe('a function breakpoint on events', () => {
  const named = (scenario: string, mmu: string, name: string, condition?: string): ReturnType<typeof stops> => {
    const of = target(scenario, mmu);
    return stops(of, bindFunction(of, { name, ...(condition === undefined ? {} : { condition }) }));
  };

  it('names an exit by its reason, with a condition behind it', () => {
    assert.equal(named('first-touch', 'ept', 'exit:ept_violation').length, 2);
    assert.equal(named('first-touch', 'ept', 'exit:48').length, 2, 'by its number');
    assert.equal(named('first-touch', 'ept', 'exit:ept_violation if event.address >= 0x102000').length, 1);
    assert.equal(named('first-touch', 'ept', 'exit:cr_access').length, 0);
  });

  it('names what the filters name, and both conditions hold', () => {
    assert.equal(named('first-touch', 'shadow-wp', 'shadow-page-created if event.level >= 2').length, 3);
    assert.equal(named('first-touch', 'shadow-wp', 'shadow-page-created if event.level >= 2', 'event.level < 4').length, 2);
  });

  it('watches memory, as a data breakpoint does', () => {
    assert.equal(named('first-touch', 'shadow-wp', 'write:gva:0x600000').length, 2);
    assert.equal(named('first-touch', 'ept', 'access:gva:0x600000 if event.value == 1').length, 1);
  });

  it('stops after the handling where that is asked for', () => {
    const [stop] = named('first-touch', 'shadow-wp', 'after hidden-fault if event.gva == 0x601000');
    assert.deepEqual([stop?.isOver, stop?.event.kind], [true, 'hidden_fault']);
  });

  it('that cannot happen under the technique says so', () => {
    const message = (mmu: string, name: string): string => {
      const of = target('first-touch', mmu);
      return bindFunction(of, { name }).message ?? 'bound';
    };
    assert.match(message('native', 'exit:cr_access'), /^"VM exit" never happens under native/);
    assert.match(message('shadow-wp', 'exit:ept_violation if event.gpa > 0'), /^"EPT violation" never happens under shadow-wp/);
    assert.match(message('ept', 'after npf'), /^"Nested page fault" never happens under ept/);
    assert.equal(message('ept', 'exit:ept_violation'), 'bound');
  });

  it('takes its text apart in no time, whatever is in it', () => {
    const blank = ' '.repeat(100_000);
    assert.deepEqual(writtenFunction(`${blank}after x${blank}if y if z${blank}`), { name: 'x', mode: 'after', condition: 'y if z' });
    assert.deepEqual(writtenFunction(`${blank}x${blank}if`), { name: `x${blank}if`, mode: 'before' });
  });

  it('of which there are none says what is near', () => {
    const of = target('first-touch', 'ept');
    const message = (name: string): string => bindFunction(of, { name }).message ?? '';
    assert.equal(message('exit:ept_violatoin'), '"exit:ept_violatoin" is no event, procedure or entry: did you mean "exit:ept_violation"?');
    assert.equal(message('shadow-page-zaped'), '"shadow-page-zaped" is no event, procedure or entry: did you mean "shadow-page-zapped"?');
    assert.equal(message('cr3_write'), '"cr3_write" is no event, procedure or entry: did you mean "cr_write" or "cr3-write"?');
    assert.equal(message('after switch'), '"after switch": a procedure is left where its caller goes on; set a breakpoint there.');
    assert.match(message('vm_exit if event.ground'), /^The condition cannot be used: /);
  });
});
