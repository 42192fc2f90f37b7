import { assertEqual } from './judgePrograms';
import type { Access, Edit, Operation, RaceFreeProgram } from './raceFreeProgram';

const load: Access = { by: 'user', what: 'load', size: 8, slot: 0, isLarge: false, offset: 8, value: 0 };
const intoNextPage: Access = { ...load, what: '+=', offset: 0xffe };
/** Gives user mode and writes the first page that CPU 1 may edit in its own table, and leaves what a TLB has of it. */
const raise: Edit = { slot: 2, how: 'raise', through: 'direct', bits: 3, frame: 0, forget: 'invlpg', look: { when: 'no', by: 'user', what: ['load'], slot: 0 } };
const work: readonly Operation[] = [{ kind: 'access', access: load }, { kind: 'edit', edit: raise }, { kind: 'access', access: intoNextPage }];

/** CPU 1 has the second group for itself: of its own table a page that only may be read, and one that is not present. */
const staleThenAbsent: RaceFreeProgram = {
  mode: '4-level', cpus: 2, seed: 0, isRich: false, hasGlobals: false, hasPcids: false, settings: 0, hold: undefined,
  platform: { tlb: '64 entries 4 ways', walkCaches: 'off', rewalk: 'off', tags: 'on', backing: '4K' },
  phases: [{ solo: undefined, owners: [0, 1, 0], work: [[], work, []], forget: ['invlpg', 'invlpg', 'invlpg'] }],
};

describe('handlers of the random programs', () => {
  it('do the same about an operand\'s second page, whether or not a TLB lets its first one fault as well', () => {
    assertEqual(staleThenAbsent, { breadth: 'all' }, undefined);
  });
});
