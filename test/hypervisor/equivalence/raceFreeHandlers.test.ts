import { assertEqual } from './judgePrograms';
import { oneCpusWork, userLoad } from './oneCpusWork';
import type { Access, Edit, Operation } from './raceFreeProgram';

const intoNextPage: Access = { ...userLoad, what: '+=', offset: 0xffe };
/** Gives user mode and writes the first page that CPU 1 may edit in its own table, and leaves what a TLB has of it. */
const raise: Edit = { slot: 2, how: 'raise', through: 'direct', bits: 3, frame: 0, forget: 'invlpg', look: { when: 'no', by: 'user', what: ['load'], slot: 0 } };
const work: readonly Operation[] = [{ kind: 'access', access: userLoad }, { kind: 'edit', edit: raise }, { kind: 'access', access: intoNextPage }];

/** Of its own table CPU 1 has a page that only may be read, and one that is not present. */
const staleThenAbsent = oneCpusWork(work);

describe('handlers of the random programs', () => {
  it('do the same about an operand\'s second page, whether or not a TLB lets its first one fault as well', () => {
    assertEqual(staleThenAbsent, { breadth: 'all' }, undefined);
  });
});
