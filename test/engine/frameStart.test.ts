import { strict as assert } from 'node:assert';
import type { Frame, Motion } from '../../src/engine/debuggee';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, fingerprint, launched, move, standing, statementOf, toFirstStatement } from './onMachine';

const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x604000 rw user lazy }
procedure inner(n) -> number {
  m = n + 1
  user [0x600000 + n * 4096] = m
  return m
}
procedure outer(n) -> number {
  first = inner(n)
  second = inner(n + 1) + inner(n + 2)
  return first + second
}
cpu 0 {
  switch(p)
  a = outer(0)
  b = 1
}
`;

function stoppedAt(line: string, mmu: string): Timeline {
  const program = compiled(text);
  const timeline = launched(program, mmu);
  toFirstStatement(timeline);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, line) }]);
  return timeline;
}

function begin(frame: Frame): Motion {
  return { kind: 'frame-start', frame: 'opened' in frame ? { opened: frame.opened } : { depth: frame.depth } };
}

describe('back to where a frame began', () => {
  it('finds the first statement of each procedure on the stack, whichever call of it this is', () => {
    const timeline = stoppedAt('return m', 'shadow-wp');
    for (const turn of [1, 2, 3]) {
      assert.equal(move(timeline, 'continue').kind, 'breakpoint');
      const { step, event } = timeline.moment();
      const [inner, outer] = timeline.frames(0);
      assert.equal(move(timeline, begin(inner!)).kind, 'step');
      assert.match(standing(timeline), /^inner:4 < outer:(9|10) < cpu 0:15$/);
      const value = timeline.variables(0, 2).find(({ name }) => name === 'n')?.value;
      assert.equal(value, BigInt(turn - 1));
      assert.equal(move(timeline, begin(timeline.frames(0)[0]!)).kind, 'stayed');
      assert.equal(move(timeline, begin(outer!)).kind, 'step');
      assert.equal(standing(timeline), 'outer:9 < cpu 0:15');
      assert.equal(move(timeline, begin(timeline.frames(0)[1]!)).kind, 'start-of-history');
      move(timeline, { kind: 'seek', moment: { step, event } });
      assert.deepEqual(timeline.moment(), { step, event });
    }
    assert.equal(timeline.edits, 0);
  });

  it('finds the handler that a fault has called, and within a step the event that opened a frame', () => {
    const timeline = stoppedAt('user [0x600000', 'shadow-wp');
    move(timeline, 'continue');
    move(timeline, 'in');
    while (timeline.frames(0)[0]!.kind !== 'procedure' || timeline.frames(0)[1]!.kind !== 'handler') move(timeline, 'in');
    const handler = timeline.frames(0)[1]!;
    assert.equal(move(timeline, begin(handler)).kind, 'step');
    assert.equal(timeline.frames(0)[0]!.kind, 'handler');
    const opened = (): readonly Extract<Frame, { opened: number }>[] => timeline.frames(0).filter((frame): frame is Extract<Frame, { opened: number }> => 'opened' in frame);
    while (opened().length < 3) move(timeline, 'event');
    move(timeline, 'event');
    const frames = opened();
    const here = timeline.moment();
    const states = new Map<number, string>();
    for (const frame of frames) {
      move(timeline, begin(frame));
      assert.deepEqual(timeline.moment(), { step: here.step, event: frame.opened });
      const top = timeline.frames(0)[0]!;
      assert.equal(top.key, frame.key, 'the frame is on top, and has done nothing yet');
      states.set(frame.opened, fingerprint(timeline));
      move(timeline, { kind: 'seek', moment: here });
    }
    assert.equal(states.size, frames.length);
  });
});
