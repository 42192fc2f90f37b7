import { strict as assert } from 'node:assert';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, fingerprint, launched, move, standing, statementOf, toFirstStatement } from './onMachine';

const text = `schedule every 1; machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x604000 rw user }
procedure twice(n) -> number {
  m = n * 2
  return m
}
cpu 0 {
  switch(p)
  a = 1
  if a == 2 {
    b = 20
  }
  for i in 0 .. 3 {
    a = a + i
    c = 7
  }
  user [0x600000] = a
  user {
    x = [0x600000]
    y = x
  }
  d = twice(a)
  expect d == 8
  barrier together
  e = 5
}
cpu 1 {
  barrier together
  z = 1
}
`;

function stoppedAt(line: string, mmu = 'native'): Timeline {
  const program = compiled(text);
  const timeline = launched(program, mmu);
  toFirstStatement(timeline);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, line) }]);
  assert.equal(move(timeline, 'continue').kind, 'breakpoint');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

function jump(timeline: Timeline, line: string, actor = 0): ReturnType<Timeline['edit']> {
  return timeline.edit({ kind: 'jump', actor, statement: statementOf(timeline.program, line) });
}

describe('a jump to a statement', () => {
  it('goes on there: nothing in between is done or undone, back or into a branch or past one', () => {
    const timeline = stoppedAt('user [0x600000] = a');
    assert.deepEqual(jump(timeline, 'b = 20'), {});
    assert.equal(standing(timeline), 'cpu 0:11');
    move(timeline, 'over');
    assert.equal(standing(timeline), 'cpu 0:13');
    const again = fingerprint(timeline);
    move(timeline, 'over-back');
    assert.equal(standing(timeline), 'cpu 0:11', 'the line that was jumped to is the one before');
    move(timeline, 'over');
    assert.equal(fingerprint(timeline), again);
    assert.equal(move(timeline, 'continue').kind, 'ended');
    assert.deepEqual(timeline.result(), { ok: false, passed: 0, failed: 1 }, 'the loop has run twice');
  });

  it('takes the notes of a judged statement on its way', () => {
    const judged = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user lazy }\ncpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  x = 1\n  user [0x600000] = 2\n  expect no page_fault\n  y = 2\n}\n';
    const program = compiled(judged);
    const timeline = launched(program, 'shadow-wp');
    toFirstStatement(timeline);
    while (standing(timeline) !== 'cpu 0:6') move(timeline, 'over');
    const toJudged = { kind: 'jump', actor: 0, statement: statementOf(program, 'user [0x600000] = 2') } as const;
    assert.deepEqual(timeline.edit(toJudged), {});
    assert.deepEqual(timeline.edit(toJudged), {}, 'it stands right before it, and may jump again');
    assert.equal(standing(timeline), 'cpu 0:7');
    move(timeline, 'over');
    assert.equal(standing(timeline), 'cpu 0:8', 'one step further the statement is done');
    move(timeline, 'over-back');
    assert.equal(move(timeline, 'continue').kind, 'ended');
    assert.deepEqual(timeline.result(), { ok: true, passed: 1, failed: 0 }, 'of the fault before the jump the expectation knows nothing');
  });

  it('says why it cannot be made, and changes nothing', () => {
    const cases: readonly (readonly [from: string, to: string, why: RegExp])[] = [
      ['user [0x600000] = a', 'm = n * 2', /^A jump stays within a procedure: cpu 0 is in `?cpu 0`?, the line belongs to `twice`\. Call it, or step there\.$/],
      ['user [0x600000] = a', 'c = 7', /^A jump into a loop would begin it in its middle/],
      ['user [0x600000] = a', 'expect d', /^An `expect` judges the statement above it/],
      ['user [0x600000] = a', 'y = x', /^A jump does not change the CPL/],
      ['y = x', 'd = twice(a)', /^A jump does not change the CPL/],
    ];
    for (const [from, to, why] of cases) {
      const timeline = stoppedAt(from);
      const before = fingerprint(timeline);
      const outcome = jump(timeline, to);
      assert.match('refused' in outcome ? outcome.refused : '', why);
      assert.equal(timeline.whyNoJump(0, statementOf(timeline.program, to)), 'refused' in outcome ? outcome.refused : '');
      assert.equal(fingerprint(timeline), before);
    }
    const waiting = stoppedAt('e = 5');
    const other = jump(stoppedAt('d = twice(a)'), 'z = 1', 1);
    assert.match('refused' in other ? other.refused : '', /^cpu 1 is not running its program now, so it has no place in it to change/);
    assert.deepEqual(jump(waiting, 'a = 1'), {});
    move(waiting, 'in');
    const within = stoppedAt('c = 7');
    assert.deepEqual(jump(within, 'a = a + i'), {}, 'within the loop that it is in');
    assert.deepEqual(jump(within, 'd = twice(a)'), {}, 'and out of it');
  });
});
