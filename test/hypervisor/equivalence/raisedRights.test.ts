import { assertEqual } from './judgePrograms';
import type { Access, Edit, Look, Operation, RaceFreeProgram } from './raceFreeProgram';

const no: Look = { when: 'no', by: 'user', what: ['load'], slot: 0 };
const load: Access = { by: 'user', what: 'load', size: 8, slot: 0, isLarge: false, offset: 8, value: 0 };
/** U/S: taken with an INVLPG, then given without one, of the first page that CPU 1 may edit in its own table. */
const toggle: Edit = { slot: 2, how: 'flip', through: 'direct', bits: 4, frame: 0, forget: 'invlpg', look: no };
const raise: Edit = { ...toggle, how: 'raise', bits: 2 };
/** CR4.SMEP = 1. */
const smep: Operation = { kind: 'control', which: 1, value: 1, look: no };

const work: readonly Operation[] = [
  smep, { kind: 'access', access: load }, { kind: 'edit', edit: toggle }, { kind: 'access', access: load }, { kind: 'edit', edit: raise },
  { kind: 'access', access: { ...load, by: 'kernel', what: 'fetch' } },
];

const userAgain: RaceFreeProgram = {
  mode: '4-level', cpus: 2, seed: 0, isRich: true, hasGlobals: false, hasPcids: false, settings: 0, hold: undefined,
  platform: { tlb: '64 entries 4 ways', walkCaches: 'off', rewalk: 'off', tags: 'on', backing: '4K' },
  phases: [{ solo: undefined, owners: [0, 1, 0], work: [[], work, []], forget: ['invlpg', 'invlpg', 'invlpg'] }],
};

describe('rights that are raised', () => {
  it('take the supervisor\'s fetches where the page becomes one of user mode under SMEP, so that it is invalidated', () => {
    assertEqual(userAgain, { breadth: 'all' }, undefined);
  });
});
