import { strict as assert } from 'node:assert';
import type { MotionName } from '../../src/engine/debuggee';
import { KIND } from '../../src/hardware/events/eventTable';
import { compiled, launched, move, scenarioText, standing, statementOf, toFirstStatement } from './onMachine';

/** Where each motion leads, from the line of the scenario that holds `from`: one line of the transcript a motion. */
function transcript(text: string, mmu: string, from: string, motions: readonly MotionName[]): string[] {
  const timeline = launched(compiled(text), mmu);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, from) }]);
  move(timeline, 'continue');
  timeline.setStatementBreakpoints([]);
  return motions.map((motion) => {
    const { kind } = move(timeline, motion);
    return `${motion}: ${kind === 'step' ? '' : `${kind} `}${withoutLibraryLines(standing(timeline))}`;
  });
}

/** Lines of the scenario stay; those of the library's procedures move as it grows. */
function withoutLibraryLines(text: string): string {
  return text.replace(/(pte_at|page_fault):\d+/g, '$1');
}

describe('stepping', () => {
  it('over goes from statement to statement, calls and handlers left out', () => {
    assert.deepEqual(transcript(scenarioText('first-touch'), 'shadow-wp', 'switch(p)', ['over', 'over', 'over', 'over', 'over']), [
      'over: cpu 0:11', 'over: cpu 0:12', 'over: cpu 0:14', 'over: cpu 0:15', 'over: cpu 0:16',
    ]);
  });

  it('in goes into the procedure, out of it behind the call, and back over the call', () => {
    assert.deepEqual(transcript(scenarioText('page-table-write'), 'ept', 'slot = pte_at', ['in', 'over', 'over', 'out', 'over', 'over-back', 'over-back']), [
      'in: pte_at < cpu 0:13', 'over: pte_at < cpu 0:13', 'over: pte_at < cpu 0:13', 'out: cpu 0:14', 'over: cpu 0:15',
      'over-back: cpu 0:14', 'over-back: cpu 0:13',
    ]);
  });

  it('in goes into the handler of a fault; its end is behind the access that ran again', () => {
    assert.deepEqual(transcript(scenarioText('first-touch'), 'native', 'user [0x601000] = 3', ['in', 'out']), [
      'in: page_fault < cpu 0:25', 'out: cpu 0:26',
    ]);
  });

  it('in goes into the walk of an access without a handler, reference by reference, and out to the next', () => {
    assert.deepEqual(transcript(scenarioText('first-touch'), 'native', 'user [0x600000] = 1', ['in', 'over', 'over', 'over', 'over', 'over']), [
      'in: walk: guest tables < user store [0x600000] < cpu 0:14',
      'over: walk: PML4E < user store [0x600000] < cpu 0:14',
      'over: walk: PDPTE < user store [0x600000] < cpu 0:14',
      'over: walk: PDE < user store [0x600000] < cpu 0:14',
      'over: walk: PTE < user store [0x600000] < cpu 0:14',
      'over: user store [0x600000] < cpu 0:14',
    ]);
  });

  it('goes through a nested walk, the EPT references told from the guest\'s', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'ept');
    toFirstStatement(timeline);
    timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'user [0x601000] = 3') }]);
    move(timeline, 'continue');
    const walks: string[] = [];
    for (let i = 0; i < 40; i++) {
      move(timeline, 'event');
      const [top] = standing(timeline).split(' < ');
      if (top!.startsWith('walk: ') && walks[walks.length - 1] !== top) walks.push(top!);
    }
    const nested = (entry: string): string[] => [
      'EPT tables', 'EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE',
    ].map((name) => `walk: ${name} for ${entry}`);
    const guest = (name: string): string => `walk: ${name}`;
    assert.deepEqual(walks.slice(0, 14), [
      guest('guest tables'), ...nested('PML4E'), guest('guest tables'), guest('PML4E'), ...nested('PDPTE'), guest('PML4E'),
    ]);
  });

  it('in a listing goes line by line, into what a line calls, and out behind the line that called', () => {
    const timeline = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    const text = timeline.listings.get('shadow-wp.vmm')!.split('\n');
    toFirstStatement(timeline);
    timeline.setEventBreakpoints([{ id: 1, kinds: [KIND.page_table_write_trapped], matches: () => true }]);
    move(timeline, 'continue');
    timeline.setEventBreakpoints([]);
    const place = (): string => {
      const top = timeline.frames(0)[0]!;
      return top.kind === 'listing' ? `${top.procedure}: ${text[top.line - 1]!.trim()}` : standing(timeline).split(' < ')[0]!;
    };
    const after = (motion: MotionName): string => {
      move(timeline, motion);
      return place();
    };
    assert.equal(place(), 'emulate_page_table_write: trapped write to the page table at gpa');
    assert.equal(after('over'), 'emulate_page_table_write: perform the store on guest memory, at hpa');
    assert.equal(after('over'), 'emulate_page_table_write: if dirty pages are logged {');
    assert.equal(after('over'), 'emulate_page_table_write: track_write(gpa, bytes)');
    assert.equal(after('in'), 'track_write: while sp = next shadow page of this frame {');
    assert.equal(after('over'), 'track_write: while index = next SPTE of sp whose guest entry the store has changed {');
    assert.equal(after('out'), 'emulate_page_table_write: if it wrote a shadowed page table in the other page {');
    assert.equal(after('over-back'), 'emulate_page_table_write: track_write(gpa, bytes)');
    assert.equal(after('over'), 'emulate_page_table_write: if it wrote a shadowed page table in the other page {');
    move(timeline, 'out');
    assert.match(standing(timeline), /cpu 0:(18|19)$/);
  });

  it('out of a walk ends with the walk, out of an access with the access', () => {
    assert.deepEqual(transcript(scenarioText('page-table-write'), 'native', 'user [0x600000] = 1 ', ['in', 'out', 'out']), [
      'in: walk: guest tables < user store [0x600000] < cpu 0:11', 'out: user store [0x600000] < cpu 0:11', 'out: cpu 0:13',
    ]);
  });
});

describe('a scenario that runs for ever', () => {
  const ENDLESS = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  n = 0\n  while true {\n    n += 1\n  }\n}\n';

  it('is paused within a slice, goes on, and goes back', () => {
    const timeline = launched(compiled(ENDLESS), 'shadow-wp');
    timeline.start('continue', 0);
    for (let slice = 0; slice < 100; slice++) assert.equal(timeline.slice(() => true), undefined);
    timeline.pause();
    let slices = 0;
    let stop;
    do stop = timeline.slice(() => true);
    while (stop === undefined && ++slices < 3);
    assert.deepEqual(stop, { kind: 'pause' });
    const { step } = timeline.moment();
    move(timeline, 'over');
    assert.ok(timeline.moment().step > step);
    assert.deepEqual(move(timeline, 'reverse-continue'), { kind: 'start-of-history' });
    assert.equal(timeline.result().ok, false, 'it has not come to its end');
  });

  it('keeps checkpoints few: a long way back is found as a short one', () => {
    const timeline = launched(compiled(ENDLESS), 'native');
    timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'n += 1'), hit: { operator: '==', count: 200_000 } }]);
    move(timeline, 'continue');
    const n = (): bigint | undefined => timeline.variables(0, 0).find(({ name }) => name === 'n')?.value;
    assert.equal(n(), 199_999n);
    timeline.setStatementBreakpoints([]);
    for (let i = 0; i < 4; i++) move(timeline, 'over-back');
    assert.equal(n(), 199_997n);
  });
});
