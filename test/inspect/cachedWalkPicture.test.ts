import { strict as assert } from 'node:assert';
import { walkPicture } from '../../src/inspect/walkPicture';
import type { WalkPicture } from '../../src/protocol/requests';
import type { Timeline } from '../../src/engine/time/timeline';
import { launched, runTo, toEvent } from './stoppedScenario';

const SCENARIO = `
platform { walk_caches on }
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x604000  rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  user [0x601000] = 2
  user [0x602000] = 3
  done = 1
}
`;

function lastWalk(timeline: Timeline): WalkPicture {
  const { walks } = walkPicture(timeline, { threadId: 1 });
  const last = walks[walks.length - 1];
  assert.ok(last);
  return last;
}

/** The walk of the scenario's third store, from its first hit on. */
function atThirdStore(mmu: string): Timeline {
  const timeline = launched(SCENARIO, mmu);
  runTo(timeline, '= 3');
  toEvent(timeline, 'walk');
  return timeline;
}

describe('the picture of a walk that caches shorten', () => {
  it('leaves out what a paging-structure cache knows as soon as it has answered', () => {
    const timeline = atThirdStore('native');
    assert.deepEqual(lastWalk(timeline).references.map(({ name }) => name), ['PML4E', 'PDPTE', 'PDE', 'PTE']);
    toEvent(timeline, 'structure_cache_hit');
    const { title, guestLevels, references } = lastWalk(timeline);
    assert.deepEqual([title, guestLevels, references.map(({ name, number }) => `${number} ${name}`)], ['guest tables', 4, ['1 PTE']]);
    toEvent(timeline, 'walk_done');
    assert.deepEqual(lastWalk(timeline).references.map(({ name, read }) => [name, read !== undefined]), [['PTE', true]]);
  });

  it('shows both dimensions behind EPT, with the references that are left', () => {
    const timeline = atThirdStore('ept');
    toEvent(timeline, 'structure_cache_hit');
    assert.equal(lastWalk(timeline).references[0]?.name, 'PTE');
    toEvent(timeline, 'walk_done');
    const { title, guestLevels, nestedLevels, references } = lastWalk(timeline);
    assert.deepEqual([title, guestLevels, nestedLevels], ['guest tables through EPT', 4, 4]);
    assert.deepEqual(references.map(({ name, guestLevel }) => `${name} ${guestLevel}`), ['PTE 1', 'EPT PTE 0']);
  });
});
