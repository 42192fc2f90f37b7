import { strict as assert } from 'node:assert';
import { fuzzRequests } from '../fuzz/requests/judgeRequests';
import { ProtocolOrder } from '../fuzz/requests/protocolOrder';

/** `npm run fuzz -- requests` plays as many as one likes. */
const SAMPLE = 1500;

describe('random requests to several sessions at once', () => {
  it('are each answered once, in sentences, in the protocol\'s order, and as if each session were alone', async function () {
    this.timeout(60_000);
    const { requests, failure } = await fuzzRequests(SAMPLE, 20_261_121, () => undefined);
    assert.equal(failure, undefined, failure);
    assert.ok(requests >= SAMPLE);
  });
});

describe('the judge of a session', () => {
  const response = { seq: 0, type: 'response', request_seq: 1, command: 'next', success: true } as const;
  const event = (name: string, body: object = {}): { seq: number; type: 'event'; event: string; body: object } => ({ seq: 0, type: 'event', event: name, body });

  for (const [what, play, fault] of [
    ['an answer twice', (order: ProtocolOrder) => { order.response(response); order.response(response); }, 'an answer to "next", which was not asked or is answered already'],
    ['a stop without a motion', (order: ProtocolOrder) => { order.event(event('stopped')); }, '"stopped" comes though nothing was asked to move'],
    ['two stops of one motion', (order: ProtocolOrder) => { order.response(response); order.event(event('stopped')); order.event(event('stopped')); }, '"stopped" comes though nothing was asked to move'],
    ['a stop after the end', (order: ProtocolOrder) => { order.response(response); order.event(event('terminated')); order.event(event('stopped')); }, '"stopped" comes after "terminated"'],
    ['two ends', (order: ProtocolOrder) => { order.event(event('terminated')); order.event(event('terminated')); }, '"terminated" comes 2 times'],
    ['a refusal without a sentence', (order: ProtocolOrder) => { order.response({ ...response, success: false, message: 'notStopped', body: { error: { id: 7, format: '' } } }); }, '"next" is refused with "notStopped", which is no sentence'],
    ['words of a lost program', (order: ProtocolOrder) => { order.event(event('output', { output: 'Frame undefined is none.\n' })); }, '"output" says "Frame undefined is none.\\n"'],
    ['a mistake of ours', (order: ProtocolOrder) => { order.response({ ...response, success: false, message: 'It failed.', body: { error: { id: 1000, format: '' } } }); }, '"next" fails by a mistake of ours'],
  ] as const) {
    it(`sees ${what}`, () => {
      const order = new ProtocolOrder();
      order.asked(1, 'next');
      play(order);
      assert.ok(order.faults.includes(fault), order.faults.join('\n'));
    });
  }

  it('sees a frame that is answered for behind a motion, and takes one that was given since', () => {
    const order = new ProtocolOrder();
    const ask = (seq: number, command: string, args: object, body: object): void => {
      order.asked(seq, command, args);
      order.response({ ...response, request_seq: seq, command, body });
    };
    const stack = (id: number): object => ({ stackFrames: [{ id }] });
    ask(1, 'stackTrace', { threadId: 1 }, stack(1000));
    ask(2, 'scopes', { frameId: 1000 }, { scopes: [{ variablesReference: 1 }] });
    ask(3, 'restart', {}, {});
    ask(4, 'stackTrace', { threadId: 1 }, stack(1001));
    ask(5, 'scopes', { frameId: 1001 }, { scopes: [] });
    assert.deepEqual(order.faults, []);
    ask(6, 'variables', { variablesReference: 1 }, { variables: [] });
    ask(7, 'scopes', { frameId: 1000 }, { scopes: [] });
    assert.deepEqual(order.faults, ['"variables" answers for variables 1, which was given before the last motion', '"scopes" answers for frame 1000, which was given before the last motion']);
  });

  it('sees a request without an answer', () => {
    const order = new ProtocolOrder();
    order.asked(1, 'next');
    assert.deepEqual(order.unanswered, ['next']);
  });
});
