import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { MessageFrames, framed } from '../../src/adapter/messageFrames';

/** What comes out of bytes that arrive in these pieces: messages as JSON, problems as their sentences. */
function read(...pieces: readonly (string | Uint8Array)[]): string[] {
  const out: string[] = [];
  const frames = new MessageFrames({ message: (value) => out.push(JSON.stringify(value)), problem: (sentence) => out.push(sentence) });
  for (const piece of pieces) frames.take(Buffer.from(piece as Uint8Array));
  frames.end();
  return out;
}

const good = framed({ seq: 2 });

describe('messages on a byte stream', () => {
  it('come out whole, wherever the bytes are cut', () => {
    fc.assert(fc.property(fc.array(fc.object(), { maxLength: 4 }), fc.array(fc.nat(400), { maxLength: 6 }), (messages, cuts) => {
      const bytes = Buffer.from(messages.map((message) => framed(message)).join(''));
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
      assert.deepEqual(read(...pieces), messages.map((message) => JSON.stringify(JSON.parse(JSON.stringify(message)))));
    }), { numRuns: 200 });
  });

  it('may have further header lines', () => {
    assert.deepEqual(read('Content-Type: application/json\r\nContent-Length: 7\r\nX-Other: 1\r\n\r\n{"a":1}'), ['{"a":1}']);
  });

  for (const [what, bytes, sentence] of [
    ['is no JSON', 'Content-Length: 5\r\n\r\n{"a":', 'A message of 5 bytes is no JSON: it was left out. It begins with "{\\"a\\":".'],
    ['has no length', 'Content-Type: x\r\n\r\n', '19 bytes between two messages belong to none: they were left out. A message begins with Content-Length.'],
    ['has words for a length', 'Content-Length: many\r\n\r\n', 'A message came with the Content-Length "many", which is no number of bytes from 0 to 67108864: it was left out.'],
    ['is too long for any memory', 'Content-Length: 99999999999\r\n\r\n', 'A message came with the Content-Length "99999999999", which is no number of bytes from 0 to 67108864: it was left out.'],
    ['has a length below zero', 'Content-Length: -4\r\n\r\n', 'A message came with the Content-Length "-4", which is no number of bytes from 0 to 67108864: it was left out.'],
  ] as const) {
    it(`that ${what} is told of, and the next one is read`, () => {
      assert.deepEqual(read(bytes, good), [sentence, '{"seq":2}']);
    });
  }

  it('that is longer than its length says loses its end, and the next one is read', () => {
    assert.deepEqual(read('Content-Length: 2\r\n\r\n{}garbage', good), ['{}', '7 bytes between two messages belong to none: they were left out. A message begins with Content-Length.', '{"seq":2}']);
  });

  it('that is cut in the middle by the end of the stream is told of', () => {
    assert.deepEqual(read(good, 'Content-Length: 10\r\n\r\n{"a"'), ['{"seq":2}', 'The stream ended 6 bytes before the end of a message of 10 bytes: the message was left out.']);
  });

  it('are found again after any amount of noise, which is not kept', () => {
    const noise = 'x'.repeat(100_000);
    assert.deepEqual(read(noise, noise, good), ['200000 bytes between two messages belong to none: they were left out. A message begins with Content-Length.', '{"seq":2}']);
  });
});
