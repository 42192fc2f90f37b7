import { strict as assert } from 'node:assert';
import { TableChanges } from '../../src/inspect/changes';
import { launched, move, nodesOf, runTo, wholeTree } from './stoppedScenario';
import type { Timeline } from '../../src/engine/time/timeline';
import type { Space } from '../../src/protocol/requests';

const SCENARIO = `
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x602000  rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  slot = pte_at(p, 0x601000)
  entry [slot] = 0
  done = 1
}
`;

function marked(timeline: Timeline, space: Space, changes: TableChanges): readonly string[] {
  return wholeTree(timeline, space, changes).filter(({ changed }) => changed).map(({ label }) => label);
}

describe('marks of what changed since the stop before', () => {
  it('are on the entries a step wrote and on all above them, and on nothing at the first stop', () => {
    const timeline = launched(SCENARIO, 'ept');
    const changes = new TableChanges();
    runTo(timeline, '[0x600000] = 1');
    assert.deepEqual(marked(timeline, 'guest', changes), []);
    move(timeline, 'over');
    assert.deepEqual(marked(timeline, 'guest', changes), ['CR3 gpa:0x100000 (process p)', 'PML4E 0', 'PDPTE 0', 'PDE 3', 'PTE 0']);
    assert.deepEqual(marked(timeline, 'guest', changes), ['CR3 gpa:0x100000 (process p)', 'PML4E 0', 'PDPTE 0', 'PDE 3', 'PTE 0'], 'asking again changes nothing');
  });

  it('mark the parents of an entry that is gone', () => {
    const timeline = launched(SCENARIO, 'native');
    const changes = new TableChanges();
    runTo(timeline, 'entry [slot] = 0');
    marked(timeline, 'guest', changes);
    move(timeline, 'over');
    assert.deepEqual(marked(timeline, 'guest', changes), ['CR3 gpa:0x100000 (process p)', 'PML4E 0', 'PDPTE 0', 'PDE 3']);
  });

  it('go by stops, so a step back marks what it undid', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    const changes = new TableChanges();
    runTo(timeline, '[0x600000] = 1');
    const there = new Set(wholeTree(timeline, 'shadow', changes).map(({ id }) => id));
    move(timeline, 'over');
    const forward = wholeTree(timeline, 'shadow', changes).filter(({ changed }) => changed).map(({ id }) => id);
    const appeared = forward.filter((id) => !there.has(id));
    assert.equal(appeared.length, 4, 'a PML4E, PDPTE, PDE and PTE were made');
    move(timeline, 'over-back');
    const back = wholeTree(timeline, 'shadow', changes).filter(({ changed }) => changed).map(({ id }) => id);
    assert.deepEqual(back, forward.filter((id) => there.has(id)), 'what was made is gone again; the rest went back');
    changes.noteStop(timeline.moment());
    assert.equal(marked(timeline, 'shadow', changes).length, back.length, 'a stop told twice is one stop');
  });

  it('are on the listed tables alone when the trees are too large to be collected', () => {
    const timeline = launched(SCENARIO, 'native');
    const changes = new TableChanges(3);
    runTo(timeline, '[0x600000] = 1');
    const root = nodesOf(timeline, 'guest', undefined, undefined, changes)[0]!.root;
    const leaves = (): readonly boolean[] => nodesOf(timeline, 'guest', root, [0, 0, 3], changes).map(({ changed }) => changed);
    const directories = (): readonly boolean[] => nodesOf(timeline, 'guest', root, [0, 0], changes).map(({ changed }) => changed);
    assert.deepEqual(leaves(), [false, false]);
    move(timeline, 'over');
    assert.deepEqual(leaves(), [true, false], 'listed at both stops');
    assert.deepEqual(directories(), [false], 'listed for the first time');
  });

  it('are absent when the stop before was not looked at', () => {
    const timeline = launched(SCENARIO, 'ept');
    const changes = new TableChanges();
    runTo(timeline, '[0x600000] = 1');
    marked(timeline, 'ept', changes);
    move(timeline, 'over');
    changes.noteStop(timeline.moment());
    move(timeline, 'over');
    assert.deepEqual(marked(timeline, 'ept', changes), []);
  });
});
