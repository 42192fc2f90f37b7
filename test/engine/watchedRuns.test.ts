import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { EventBreakpoint, LogPoint, MotionName, StatementBreakpoint, Stop } from '../../src/engine/debuggee';
import { launch } from '../../src/engine/time/launch';
import type { Timeline } from '../../src/engine/time/timeline';
import { KIND, field, type EventName } from '../../src/hardware/events/eventTable';
import type { Fragment, Program } from '../../src/language/program';
import { compiled, condition, fingerprint, move, toFirstStatement } from './onMachine';

/** A unit becomes JavaScript in the middle of each of these runs. */
const WARM = 8;

/** Statements of the loop: accesses that hit, miss, fault and are repaired, flags and tables that are written, calls, other levels. */
const bodies = [
  'user [0x600000 + (i & 7) * 4096 + (i & 63) * 8] = counted', 'user x = [0x600000 + (i & 3) * 8] + i', 'user [0x600ff8] += i', 'work(i)',
  'if i & 3 == 1 { counted += 1 }', 'y = x * i ^ (counted << 3)', 'invlpg(0x601000)', 'repeat 2 { work(x) }', 'switch(p)',
  'if i == 9 { expect counted == 99 }', 'if i == 11 { print "at", i, counted }', '[0x608000 + (i & 1) * 8] = x',
  'user [0x601005 + (i & 3)] = x', 'user [0x600ffd] = i',
] as const;

const kinds: readonly EventName[] = [
  'access', 'access_done', 'tlb_miss', 'tlb_fill', 'tlb_flush', 'tlb_hit', 'walk', 'table_read', 'ad_update', 'page_fault', 'exception_delivered', 'iret',
  'cr_write', 'invlpg', 'page_table_write', 'vm_exit', 'vm_entry', 'entry_written', 'hidden_fault', 'frame_allocated', 'expectation_failed', 'triple_fault',
];
const untils: readonly (readonly EventName[] | undefined)[] = [undefined, undefined, [], ['vm_entry'], ['access_done']];
/** What a condition is told of must be as single steps leave it: counts, globals, the machine's registers, the event itself. */
const conditions = ['', '', '', 'counted & 1 == 1', 'total.statements & 3 == 2', 'total.tlb.misses & 1 == 0', 'cr2 & 8 == 0'] as const;

const hits = fc.option(fc.record({ operator: fc.constantFrom('==', '>=', '%'), count: fc.integer({ min: 1, max: 6 }) }), { nil: undefined, freq: 2 });
/** Places are shares of what there is, in thousandths. */
const place = fc.noBias(fc.nat(999));
const restriction = { where: fc.constantFrom(...conditions), hit: hits };
const armed = fc.oneof(
  { weight: 3, arbitrary: fc.record({ at: fc.constant('statement'), place, inside: fc.boolean(), ...restriction }) },
  { weight: 3, arbitrary: fc.record({ at: fc.constant('event'), kind: fc.constantFrom(...kinds), until: fc.constantFrom(...untils), ...restriction }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant('event within'), kind: fc.constantFrom(...kinds), place, nth: fc.integer({ min: 1, max: 3 }), ...restriction }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant('said statement'), place, ...restriction }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant('said event'), kind: fc.constantFrom(...kinds), until: fc.constantFrom(...untils), ...restriction }) },
  { weight: 2, arbitrary: fc.record({ at: fc.constant('data'), place, length: fc.integer({ min: 1, max: 24 }), isLinear: fc.boolean(), ...restriction }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constant('listing'), place, ...restriction }) },
);
type Armed = typeof armed extends fc.Arbitrary<infer One> ? One : never;

const runs = fc.record({
  body: fc.array(fc.constantFrom(...bodies), { minLength: 2, maxLength: 6 }),
  rounds: fc.integer({ min: 20, max: 60 }),
  mmu: fc.constantFrom('native', 'shadow-wp', 'ept', 'deprivileged'),
  points: fc.array(armed, { minLength: 2, maxLength: 4 }),
  later: fc.array(armed, { minLength: 1, maxLength: 2 }),
  walk: fc.array(fc.constantFrom<MotionName>('continue', 'continue', 'continue', 'reverse-continue', 'over', 'out', 'event', 'over-back', 'exit', 'to-end'), { minLength: 2, maxLength: 7 }),
});

function textOf(body: readonly string[], rounds: number): string {
  return `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x608000 rw user lazy, 0x608000 .. 0x609000 rw kernel }
global counted = 0
procedure work(n) {
  z = n + 1
  if z & 1 == 0 { user [0x600010] = z }
}
cpu 0 {
  switch(p)
  x = 1
  y = 0
  for i in 0 .. ${rounds} {
${body.map((line) => `    ${line}\n`).join('')}  }
  last = 1
}
`;
}

interface Session {
  readonly timeline: Timeline;
  readonly program: Program;
  readonly compiledCondition: (text: string) => Fragment;
}

function begun(program: Program, text: string, mmu: string): Session {
  const result = launch(program, mmu, WARM);
  if ('error' in result) assert.fail(result.error);
  const { timeline } = result;
  toFirstStatement(timeline);
  return { timeline, program, compiledCondition: (expression) => condition(text, expression) };
}

/** Statements of the scenario's own file. */
function own({ statements }: Program): readonly number[] {
  return statements.flatMap(({ range }, number) => (range.file === 0 ? [number] : []));
}

/** A data breakpoint: by linear address, or by the place in whatever page. */
function watched(address: number, length: number, isLinear: boolean): Pick<EventBreakpoint, 'matches' | 'bytes'> {
  return {
    bytes: { address: BigInt(address), length: BigInt(length), isLinear },
    matches: (record) => {
      const from = isLinear ? record[field.gva.at]! : address - address % 4096 + record[field.gva.at]! % 4096;
      const isNear = !isLinear || record[field.gva.at + 1] === 0;
      return isNear && from < address + length && address < from + record[field.size.at]!;
    },
  };
}

function arm({ timeline, program, compiledCondition }: Session, points: readonly Armed[]): void {
  const statements: StatementBreakpoint[] = [];
  const events: EventBreakpoint[] = [];
  const logPoints: LogPoint[] = [];
  const listings: Parameters<Timeline['setListingBreakpoints']>[0][number][] = [];
  const mine = own(program);
  points.forEach((point, number) => {
    const common = {
      id: number + 1, ...(point.where === '' ? {} : { condition: compiledCondition(point.where) }), ...(point.hit === undefined ? {} : { hit: point.hit as NonNullable<StatementBreakpoint['hit']> }),
    };
    const message = ['said ', compiledCondition('counted'), ' ', compiledCondition('total.statements')];
    if ('nth' in point) {
      const { entry, end } = program.statements[mine[Math.floor(point.place * mine.length / 1000)]!]!;
      events.push({ ...common, kinds: [KIND[point.kind]], matches: () => true, within: { instruction: entry + point.place % (end - entry), nth: point.nth } });
      return;
    }
    if ('kind' in point) {
      // Every other event of its kind is meant, told by the record alone.
      const matches = (record: Int32Array): boolean => (record[field.gva.at]! & 8) === 0;
      const wanted = { kinds: [KIND[point.kind]], matches, ...(point.until === undefined ? {} : { until: point.until.map((kind) => KIND[kind]) }) };
      if (point.at === 'event') events.push({ ...common, ...wanted });
      else logPoints.push({ ...common, at: { kind: 'event', ...wanted }, message });
      return;
    }
    if ('length' in point) {
      const address = 0x600000 + point.place * 13 % 0x3000;
      events.push({ ...common, kinds: [KIND.access_done, KIND.implicit_access], ...watched(address, point.length, point.isLinear) });
      return;
    }
    const statement = mine[Math.floor(point.place * mine.length / 1000)]!;
    if (point.at === 'said statement') logPoints.push({ ...common, at: { kind: 'statement', statement }, message });
    else if (point.at === 'listing') {
      const [listing] = timeline.machine.listings;
      if (listing !== undefined) listings.push({ ...common, listing: listing.name, line: 1 + Math.floor(point.place * listing.lines.length / 1000) });
    } else {
      const { entry, end } = program.statements[statement]!;
      const isInside = 'inside' in point && point.inside && end - entry > 2;
      statements.push({ ...common, statement, ...(isInside ? { instruction: entry + 1 + point.place % (end - entry - 1) } : {}) });
    }
  });
  timeline.setStatementBreakpoints(statements);
  timeline.setEventBreakpoints(events);
  timeline.setListingBreakpoints(listings);
  timeline.setLogPoints(logPoints);
}

/** A value that is watched, and never another one: every step has to be looked at for its sake. */
function takeSingleSteps({ timeline, compiledCondition }: Session): void {
  timeline.setChangeBreakpoints([{ id: 99, text: 'one', cpu: 0, of: { kind: 'expression', fragment: compiledCondition('1') } }]);
}

describe('a run past armed breakpoints', function () {
  this.timeout(600_000);

  it('goes straight to where single steps take it: the same stops, hits, words and bytes, forward and back', () => {
    let stops = 0;
    fc.assert(fc.property(runs, ({ body, rounds, mmu, points, later, walk }) => {
      const text = textOf(body, rounds);
      const program = compiled(text);
      const straight = begun(program, text, mmu);
      const slow = begun(program, text, mmu);
      takeSingleSteps(slow);
      const both = [straight, slow];
      for (const session of both) arm(session, points);
      let last: Stop = { kind: 'entry' };
      for (const [i, motion] of (['continue', 'continue', ...walk, 'reverse-continue', 'continue', 'reverse-continue'] as const).entries()) {
        if (i === 4) for (const session of both) arm(session, later);
        const [first, second] = both.map(({ timeline }) => move(timeline, motion));
        const what: string = `${i}: ${motion} after ${JSON.stringify(last, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`;
        assert.deepEqual(first, second, what);
        assert.deepEqual(straight.timeline.moment(), slow.timeline.moment(), what);
        assert.deepEqual(straight.timeline.takeOutput(), slow.timeline.takeOutput(), what);
        assert.equal(fingerprint(straight.timeline), fingerprint(slow.timeline), what);
        last = first!;
        if ('ids' in last) stops++;
      }
    }), { numRuns: Number(process.env['RUNS'] ?? 8), seed: Number(process.env['SEED'] ?? 2026), endOnFailure: true });
    assert.ok(stops > 15, `${stops} stops`);
  });
});
