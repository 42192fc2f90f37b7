import { strict as assert } from 'node:assert';
import { namesInLines } from '../../src/extension/namesInLines';

const names = new Set(['x', 'slot']);

/** `LINE:COLUMN NAME` of each, lines counted from 0. */
function places(text: string, stoppedAt: number): readonly string[] {
  return namesInLines(text.split('\n'), stoppedAt, names).map(({ line, from, name }) => `${line}:${from} ${name}`).sort();
}

describe('where values stand beside the lines', () => {
  it('is in the block that is stopped in, down to the line stopped at', () => {
    const text = 'cpu 0 {\n  x = 1\n}\ncpu 1 {\n  slot = pte_at(p, x)\n  entry [slot] = x + slot\n  x = 2\n}';
    assert.deepEqual(places(text, 5), ['4:19 x', '4:2 slot', '5:17 x', '5:9 slot']);
  });

  it('is behind the head of a procedure and in it', () => {
    assert.deepEqual(places('x = 0\nvm alice {\n  procedure f(x) {\n    x = x + 1', 3), ['2:14 x', '3:4 x']);
  });

  it('is in the procedure of a listing', () => {
    assert.deepEqual(places('fetch(slot) {\n  return x\n}\n\nwalk(x) {\n  slot = x', 5), ['4:5 x', '5:2 slot', '5:9 x']);
  });

  it('is never in a comment, a text or a part of a name', () => {
    assert.deepEqual(places('cpu 0 {\n  print "x", slots, x_y // slot', 1), []);
  });
});
