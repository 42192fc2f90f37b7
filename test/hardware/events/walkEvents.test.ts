import { strict as assert } from 'node:assert';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { ACTOR, type EventName, eventKinds, KIND, KIND_AT, SPACE } from '../../../src/hardware/events/eventTable';
import {
  reportFlagUpdate, reportNestedTlb, reportStructureCache, reportTableRead, reportWalk, reportWalkDone,
} from '../../../src/hardware/events/walkEvents';
import type { TranslationSpace } from '../../../src/hardware/paging/translationSpace';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { type Fields, type Pair, wholeRecord } from './wholeRecord';

const CPU = 2;
/** What a walk may tell of, each value another. */
const SERVED: Pair = [0x1111_1000, 0x11];
const WALKED: Pair = [0x2222_2000, 0x22];
const GPA: Pair = [0x3333_3000, 0x33];
const HPA: Pair = [0x4444_4000, 0x44];
const ROOT: Pair = [0x5555_5000, 0x55];
const ENTRY: Pair = [0x6666_6007, 0x66];
const ENTRY_AT: Pair = [0x7777_7010, 0x77];
const ENTRY_HPA: Pair = [0x0888_8010, 0x88];
const LEVEL = 2;
const [QUALIFICATION, ERROR_CODE] = [0x181, 7];

function space(bus: EventBus, isNested: 0 | 1, outcome: number): TranslationSpace {
  const at = (value: number): number[] => [0, 0, value, 0, 0];
  const { 0: addressLo, 1: addressHi } = WALKED;
  return {
    bus, actor: ACTOR.walker, cpu: CPU, tableSpace: SPACE.ept, isNested, servedLo: SERVED[0], servedHi: SERVED[1], servedLevel: 3,
    rootLo: ROOT[0], rootHi: ROOT[1],
    result: {
      addressLo, addressHi, outcome, level: LEVEL, gpaLo: GPA[0], gpaHi: GPA[1], hpaLo: HPA[0], hpaHi: HPA[1],
      qualification: QUALIFICATION, errorCode: ERROR_CODE,
      entryLo: at(ENTRY[0]), entryHi: at(ENTRY[1]), entryAddressLo: at(ENTRY_AT[0]), entryAddressHi: at(ENTRY_AT[1]),
      entryHpaLo: at(ENTRY_HPA[0]), entryHpaHi: at(ENTRY_HPA[1]),
    },
  } as unknown as TranslationSpace;
}

interface Case {
  readonly about: string;
  readonly kind: EventName;
  readonly outcome?: number;
  readonly act: (space: TranslationSpace) => void;
  /** Beside the linear address and whose tables they are; of a nested walk also what it serves, and what it translates. */
  readonly own: Fields;
  readonly nested?: Fields;
}

const entry = { level: LEVEL, address: ENTRY_AT, hpa: ENTRY_HPA } as const;
const cases: readonly Case[] = [
  // Its address is not in the result yet.
  { about: 'the beginning', kind: 'walk', act: (of) => reportWalk(of, ...GPA, 5), own: { address: ROOT, what: 5 }, nested: { address: ROOT, what: 5, gpa: GPA } },
  { about: 'an entry read', kind: 'table_read', act: (of) => reportTableRead(of, LEVEL, 9), own: { ...entry, index: 9, value: ENTRY } },
  { about: 'a flag set', kind: 'ad_update', act: (of) => reportFlagUpdate(of, LEVEL, 0x123, 0x163), own: { ...entry, value: [0x163, ENTRY[1]], old: [0x123, ENTRY[1]] } },
  {
    about: 'an end at a page', kind: 'walk_done', outcome: WALK.mapped, act: reportWalkDone,
    own: { what: WALK.mapped, level: LEVEL, gpa: GPA, hpa: HPA, code: ERROR_CODE },
    nested: { what: WALK.mapped, level: LEVEL, gpa: WALKED, hpa: HPA, code: ERROR_CODE },
  },
  {
    about: 'an end in a page fault', kind: 'walk_done', outcome: WALK.pageFault, act: reportWalkDone,
    own: { what: WALK.pageFault, level: LEVEL, code: ERROR_CODE },
  },
  {
    about: 'an end in an EPT violation', kind: 'walk_done', outcome: WALK.eptViolation, act: reportWalkDone,
    own: { what: WALK.eptViolation, level: LEVEL, gpa: GPA, code: QUALIFICATION },
    nested: { what: WALK.eptViolation, level: LEVEL, gpa: GPA, code: QUALIFICATION },
  },
  {
    about: 'an end in a misconfiguration', kind: 'walk_done', outcome: WALK.eptMisconfiguration, act: reportWalkDone,
    own: { what: WALK.eptMisconfiguration, level: LEVEL, gpa: GPA, code: ERROR_CODE },
    nested: { what: WALK.eptMisconfiguration, level: LEVEL, gpa: GPA, code: ERROR_CODE },
  },
  {
    about: 'a hit in a paging-structure cache', kind: 'structure_cache_hit', own: { level: 3, index: 4, address: GPA },
    act: (of) => reportStructureCache(of, KIND.structure_cache_hit, 3, 4, ...GPA),
  },
  { about: 'a line of the nested TLB', kind: 'nested_tlb_fill', act: (of) => reportNestedTlb(of, KIND.nested_tlb_fill, 6), own: { index: 6, hpa: HPA } },
];

describe('what a walk tells', () => {
  for (const { about, kind, outcome = WALK.mapped, act, own, nested = own } of cases) {
    for (const isNested of [0, 1] as const) {
      it(`of ${about} has its fields and no others, in a walk ${isNested === 0 ? 'of its own' : 'for another'}`, () => {
        const bus = new EventBus();
        const heard: number[][] = [];
        bus.listen((record) => heard.push([...record]), 'all');
        // Twice, each time after one of the other: where a record is used again, nothing of the last one stays.
        for (const is of [isNested, isNested === 0 ? 1 : 0, isNested] as const) act(space(bus, is, outcome));
        const expected = wholeRecord(kind, 'walker', CPU, {
          gva: SERVED, space: SPACE.ept, ...isNested === 0 ? own : { gpa: WALKED, guestLevel: 3, ...nested },
        });
        assert.deepEqual([heard.length, heard[0], heard[2]], [3, expected, expected]);
      });
    }

    it(`of ${about} is told nobody who did not ask for its kind`, () => {
      const bus = new EventBus();
      bus.listen((record) => assert.fail(`kind ${record[KIND_AT]}`), eventKinds.map((_, number) => number).filter((number) => number !== KIND[kind]));
      act(space(bus, 1, outcome));
    });
  }
});
