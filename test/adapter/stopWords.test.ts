import { strict as assert } from 'node:assert';
import { exceptionFilters } from '../../src/adapter/breakpoints/exceptionFilters';
import { motionRows } from '../../src/adapter/motionRows';
import { worded } from '../../src/adapter/stopWords';

/** Letters that leave room for a CPU's name in the narrowest side bar that VS Code opens by itself. */
const ROOM = 16;

describe('the words of a stop', () => {
  const briefs = [...Object.values(motionRows).map(({ arrival, brief = arrival }) => brief), ...exceptionFilters.map(({ label, brief = label }) => brief)];
  it('are few in `description`, beside which the name of the CPU stands', () => {
    assert.deepEqual(briefs.filter((brief) => brief.length > ROOM), []);
  });

  it('are all in `text`, with the moment and what there is to be told', () => {
    assert.deepEqual(worded({ brief: 'At a write', whole: 'Went back to the last write', more: 'by the guest' }, 'step 12, in the past'), {
      description: 'At a write', text: 'Went back to the last write (step 12, in the past): by the guest', where: 'step 12, in the past', news: 'by the guest',
    });
    assert.equal(worded({ brief: 'Stepped' }, 'step 1').text, 'Stepped (step 1)');
  });
});
