import { strict as assert } from 'node:assert';
import { TableChanges } from '../../src/inspect/changes';
import { ACCESS } from '../../src/hardware/paging/accessKinds';
import { addressWalk } from '../../src/inspect/addressWalk';
import { linesOver } from '../../src/inspect/cachedLineRows';
import { decodedNumber } from '../../src/inspect/decodedNumber';
import { eventStory } from '../../src/inspect/eventStory';
import { machineScopes } from '../../src/inspect/machineScopes';
import { mappers } from '../../src/inspect/mappers';
import { readMemory } from '../../src/inspect/memory';
import { tableCounts } from '../../src/inspect/tableCounts';
import { translation } from '../../src/inspect/translation';
import { walkPicture } from '../../src/inspect/walkPicture';
import type { Timeline } from '../../src/engine/time/timeline';
import { rowsText } from './rowsText';
import { launched, move, oneTouch, runTo, stateOf, touchedSince, wholeTree } from './stoppedScenario';

const ACCESSES = [ACCESS.read, ACCESS.write, ACCESS.user | ACCESS.write, ACCESS.fetch];

const inspections: Readonly<Record<string, (timeline: Timeline, changes: TableChanges) => unknown>> = {
  'the guest tables': (timeline, changes) => wholeTree(timeline, 'guest', changes),
  'the shadow tables': (timeline, changes) => wholeTree(timeline, 'shadow', changes),
  'the EPT': (timeline, changes) => wholeTree(timeline, 'ept', changes),
  'the host table': (timeline, changes) => wholeTree(timeline, 'host', changes),
  'the walk': (timeline) => walkPicture(timeline, { threadId: 1 }),
  'the scopes of the machine, unfolded': (timeline) => machineScopes(timeline, 0).map(({ name, rows }) => `${name}\n${rowsText(rows)}`),
  'a translation': (timeline) => translation(timeline, 0, 0x600000n),
  'what the console asks': (timeline) => [
    ACCESSES.map((access) => addressWalk(timeline, { cpu: 0, space: 'gva', address: 0x600000n, access })),
    addressWalk(timeline, { cpu: 0, space: 'gpa', address: 0x3000n, access: ACCESS.write }),
    timeline.eventsOfStep().slice(-1).map((event) => eventStory(timeline, event, 0)),
    [mappers(timeline, 'hpa', 0x108000n), mappers(timeline, 'gpa', 0x101000n)],
    (['guest', 'shadow', 'ept', 'host'] as const).map((space) => tableCounts(timeline, space)),
    linesOver(timeline.machine.processors[0]!, 0x600000, 0),
    decodedNumber(timeline, 0, 0x101067n, 'pte'),
  ],
  'linear memory': (timeline) => readMemory(timeline, 0, 'gva', 0x600000n, 16),
  'guest-physical memory': (timeline) => readMemory(timeline, 0, 'gpa', 0x3ff000n, 16),
  'host-virtual memory': (timeline) => readMemory(timeline, 0, 'hva', 0x7f00003ff000n, 16),
};

describe('looking at the machine changes no word of its state', () => {
  for (const mmu of ['native', 'shadow-wp', 'ept'] as const) {
    it(`under ${mmu}, between statements and at every event of a first touch`, () => {
      const timeline = launched(oneTouch, mmu);
      const changes = new TableChanges();
      runTo(timeline, '[0x600000] = 1');
      const stops = { count: 0 };
      for (let isInside = true; isInside; stops.count++) {
        const before = stateOf(timeline);
        for (const [what, look] of Object.entries(inspections)) {
          const seen = look(timeline, changes);
          assert.deepEqual(touchedSince(timeline, before), [], `${what} at event ${timeline.moment().event}`);
          assert.deepEqual(look(timeline, changes), seen, `${what} is the same at the second look`);
        }
        move(timeline, 'event');
        isInside = timeline.moment().event > 0 || stops.count === 0;
      }
      assert.ok(stops.count > 10);
    });
  }
});
