import { strict as assert } from 'node:assert';
import { hostActionNames } from '../../../src/hardware/events/hostEventNames';
import { hostActionRows } from '../../../src/language/hostActions';

describe('names of host actions in events', () => {
  it('are those of the language, in its order', () => {
    assert.deepEqual([...hostActionNames], hostActionRows.map(({ name }) => name));
  });
});
