import { strict as assert } from 'node:assert';
import { notStopped, staleFrame, staleReference, badArgument, type Failure } from '../../src/adapter/failures';
import { withoutLateRefusals } from '../../src/extension/lateAnswers';

function refusal(command: string, failure: Failure): Record<string, unknown> {
  const body = { error: { id: failure.id, format: failure.text } };
  return { type: 'response', command, seq: 7, request_seq: 5, success: false, message: failure.text, body };
}

describe('an answer that a step has overtaken', () => {
  it('is an empty one in the Variables view, not a red row', () => {
    const scopes = withoutLateRefusals(refusal('scopes', staleFrame(1026))) as Record<string, unknown>;
    assert.equal(scopes['success'], true);
    assert.equal(scopes['request_seq'], 5);
    assert.deepEqual(scopes['body'], { scopes: [] });
    const variables = withoutLateRefusals(refusal('variables', staleReference(3))) as Record<string, unknown>;
    assert.deepEqual(variables['body'], { variables: [] });
    const running = withoutLateRefusals(refusal('variables', notStopped('variables'))) as Record<string, unknown>;
    assert.equal(running['success'], true);
  });

  it('stays a refusal where the question itself is wrong, or another view asks', () => {
    const wrong = refusal('scopes', badArgument('scopes', 'frameId', 'a number'));
    assert.equal(withoutLateRefusals(wrong), wrong);
    const memory = refusal('readMemory', notStopped('readMemory'));
    assert.equal(withoutLateRefusals(memory), memory);
  });

  it('passes events and good answers through', () => {
    const stopped = { type: 'event', event: 'stopped', body: { reason: 'step' } };
    assert.equal(withoutLateRefusals(stopped), stopped);
    const good = { type: 'response', command: 'scopes', success: true, body: { scopes: [{ name: 'Locals' }] } };
    assert.equal(withoutLateRefusals(good), good);
  });
});
