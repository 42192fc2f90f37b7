import { strict as assert } from 'node:assert';
import { NOWHERE, printValue } from '../../src/engine/interpreter/printValue';

describe('a printed value', () => {
  it('names the space of an address, and says when there is none', () => {
    assert.equal(printValue(0x5000n, 'gpa'), 'gpa:0x5000');
    assert.equal(printValue(NOWHERE, 'hpa'), 'hpa:nowhere');
    assert.equal(printValue(NOWHERE, 'number'), '0xffffffffffffffff');
  });

  it('is hex for a number and a word for a truth value', () => {
    assert.equal(printValue(42n, 'number'), '0x2a');
    assert.equal(printValue(1n, 'truth'), 'true');
    assert.equal(printValue(0n, 'truth'), 'false');
  });
});
