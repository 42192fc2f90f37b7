import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Motion, Stop, Who } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, fingerprint, launched, statementOf } from './onMachine';

const HEAD = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\nglobal turns = 0\n';
const race = (schedule: string): string => `${schedule}
${HEAD}cpu 0 {
  switch(p)
  user [0x600000] = 1
  barrier ready
  turns += 1
  a = turns
  protect(p, 0x600000, ro)
  barrier over
}
cpu 1 {
  switch(p)
  barrier ready
  user x = [0x600000]
  turns += 1
  b = turns
  user [0x600000] = 5
  expect x == 1
  barrier over
}`;

function move(timeline: Timeline, motion: Motion, cpu: number, who: Who = 'alone'): Stop {
  timeline.start(motion, cpu, who);
  for (;;) {
    const stop = timeline.slice(() => true);
    if (stop !== undefined) return stop;
  }
}

function textOf(stop: Stop): string {
  return 'text' in stop ? stop.text ?? '' : stop.kind;
}

/** Stands with all threads where the scenario begins. */
function begun(text: string, mmu = 'native'): Timeline {
  const timeline = launched(compiled(text), mmu);
  const { program } = timeline;
  const first = program.statements.findIndex((each) => each.procedure === program.cpus[0] && each.entry > program.procedures[each.procedure]!.entry);
  timeline.setStatementBreakpoints([{ id: 1, statement: first }]);
  move(timeline, 'continue', 0, 'all');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

/** The line at which a thread stands, as its block has it. */
function lineOf(timeline: Timeline, cpu: number): number {
  const frame = timeline.frames(cpu).at(-1);
  assert.ok(frame?.kind === 'cpu');
  return timeline.program.statements[frame.statement]!.range.line + 1;
}

describe('one CPU that runs alone', () => {
  it('moves by its own statements while the others stand, and says for whom it waits', () => {
    const timeline = begun(race(''));
    const other = lineOf(timeline, 0);
    assert.equal(move(timeline, 'over', 1).kind, 'step');
    const stop = move(timeline, 'over', 1);
    assert.equal(textOf(stop), `cpu 1 waits at barrier ready for cpu 0 (line ${lineOf(timeline, 1)}): let the others run.`);
    assert.equal(stop.kind, 'waits');
    assert.equal(lineOf(timeline, 0), other);
    assert.equal(move(timeline, 'over', 1).kind, 'waits', 'and so it does when it is asked again');
    while (lineOf(timeline, 0) < statementLine(timeline, 'a = turns')) move(timeline, 'over', 0);
    assert.deepEqual(timeline.variables(1, 0), []);
    assert.equal(timeline.machine.interpreter.scheduler.alone, -1, 'between motions all may run');
  });

  it('decides who comes first: the other order gives the other result, again and again on the way back and forth', () => {
    for (const [first, wanted] of [[0, ['2', '1']], [1, ['1', '2']]] as const) {
      const timeline = begun(race(''));
      assert.equal(move(timeline, 'continue', first).kind, 'waits');
      assert.equal(move(timeline, 'continue', 1 - first).kind, 'waits');
      const order = (): string[] => [0, 1].map((cpu) => timeline.variables(cpu, 0).find(({ name }) => name === (cpu === 0 ? 'a' : 'b'))?.value.toString() ?? '-');
      const here = timeline.moment();
      move(timeline, 'over', 1 - first, 'all');
      move(timeline, 'over', 1 - first, 'all');
      move(timeline, 'to-start', 0, 'all');
      move(timeline, { kind: 'seek', moment: here }, 0, 'all');
      move(timeline, 'to-end', 0, 'all');
      timeline.setStatementBreakpoints([{ id: 2, statement: statementOf(timeline.program, first === 0 ? 'user [0x600000] = 5' : 'protect(') }]);
      move(timeline, 'continue', 0, 'all');
      assert.deepEqual(order(), wanted);
    }
  });

  for (const mmu of ['native', 'shadow-wp', 'ept']) {
    it(`is part of the run: any walk with it finds at a moment what was there (${mmu})`, function () {
      this.timeout(60_000);
      const step = fc.tuple(
        fc.constantFrom<Motion>('over', 'over', 'in', 'out', 'event', 'over-back', 'event-back', 'to-start', 'to-end', 'reverse-continue'),
        fc.constantFrom(0, 1), fc.constantFrom<Who>('all', 'alone', 'alone'),
      );
      fc.assert(fc.property(fc.array(step, { minLength: 6, maxLength: 24 }), fc.constantFrom('', 'schedule every 1', 'schedule random 3'), (walk, schedule) => {
        const timeline = begun(race(schedule), mmu);
        const seen = new Map<string, string>();
        for (const [motion, cpu, who] of walk) {
          const { step: from, event } = timeline.moment();
          move(timeline, motion, cpu, who);
          // The choice may fork: what had been seen behind where it was made is another run's then.
          if (who === 'alone') {
            for (const key of seen.keys()) {
              const [at, inside] = key.split('/').map(Number) as [number, number];
              if (at > from || (at === from && inside >= event)) seen.delete(key);
            }
          }
          const key = `${timeline.moment().step}/${timeline.moment().event}`;
          const now = fingerprint(timeline);
          assert.equal(seen.get(key) ?? now, now, `${key} is not what it was after ${JSON.stringify(motion)}`);
          seen.set(key, now);
        }
      }), { numRuns: 5, seed: 2026 });
    });
  }

  it('tells a loop that only another could end from one that goes on', () => {
    const text = `${HEAD}cpu 0 {\n  while turns < 2 { turns = turns }\n  x = 1\n}\ncpu 1 {\n  n = 0\n  while n < 5000 { n += 1 }\n  turns = 2\n}\n`;
    const timeline = begun(text);
    const stop = move(timeline, 'continue', 0);
    assert.match(textOf(stop), /^cpu 0 goes round a loop in which nothing changes \(line 5\): what it waits for another thread has to do\. Let the others run\.$/);
    assert.match(textOf(move(timeline, 'continue', 1)), /^cpu 1 has come to the end of its block: let the others run\.$/);
    assert.match(textOf(move(timeline, 'continue', 0)), /^cpu 0 has come to the end of its block/);
    assert.equal(move(timeline, 'continue', 0).kind, 'ended');
  });

  it('waits for the answer to its shootdown', () => {
    const timeline = begun(race(''));
    move(timeline, 'continue', 1);
    assert.equal(textOf(move(timeline, 'continue', 0)),
      'cpu 0 goes round a loop in which nothing changes, in `ask_others` (line 11): what it waits for another thread has to do. Let the others run.');
  });

  it('does not begin while another is in the middle of an instruction', () => {
    const timeline = begun(race(''));
    move(timeline, 'over', 0);
    move(timeline, 'in', 0, 'all');
    assert.ok(timeline.moment().event > 0);
    assert.match(textOf(move(timeline, 'over', 1)), /^cpu 0 is in the middle of an instruction, which has to be over first: .* step cpu 1 alone\.$/);
  });

  it('forks the future when it runs alone in the past, and says so', () => {
    const timeline = begun(race(''));
    for (let i = 0; i < 4; i++) move(timeline, 'over', 0, 'all');
    for (let i = 0; i < 3; i++) move(timeline, 'over-back', 0, 'all');
    assert.equal(timeline.isInThePast(), true);
    assert.match(textOf(move(timeline, 'over', 1)), /^What had run behind this moment, \d+ steps, is no more: cpu 1 has run alone here\.$/);
    assert.equal(timeline.isInThePast(), false);
  });
});

function statementLine(timeline: Timeline, text: string): number {
  return timeline.program.statements[statementOf(timeline.program, text)]!.range.line + 1;
}
