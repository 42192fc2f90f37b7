import { assertEqual } from './judgePrograms';
import { oneCpusWork, userLoad } from './oneCpusWork';
import type { Edit, Look, Operation } from './raceFreeProgram';

const no: Look = { when: 'no', by: 'user', what: ['load'], slot: 0 };
/** U/S: taken with an INVLPG, then given without one, of the first page that CPU 1 may edit in its own table. */
const toggle: Edit = { slot: 2, how: 'flip', through: 'direct', bits: 4, frame: 0, forget: 'invlpg', look: no };
const raise: Edit = { ...toggle, how: 'raise', bits: 2 };
/** CR4.SMEP = 1. */
const smep: Operation = { kind: 'control', which: 1, value: 1, look: no };

const work: readonly Operation[] = [
  smep, { kind: 'access', access: userLoad }, { kind: 'edit', edit: toggle }, { kind: 'access', access: userLoad }, { kind: 'edit', edit: raise },
  { kind: 'access', access: { ...userLoad, by: 'kernel', what: 'fetch' } },
];

describe('rights that are raised', () => {
  it('take the supervisor\'s fetches where the page becomes one of user mode under SMEP, so that it is invalidated', () => {
    assertEqual(oneCpusWork(work, 'rich'), { breadth: 'all' }, undefined);
  });
});
