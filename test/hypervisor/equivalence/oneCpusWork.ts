import type { Access, Operation, RaceFreeProgram } from './raceFreeProgram';

/** A user's load of what CPU 1 may look at first. */
export const userLoad: Access = { by: 'user', what: 'load', size: 8, slot: 0, isLarge: false, offset: 8, value: 0 };

/** A program of one phase in which CPU 1 works, with the second group for itself; nothing drops a TLB line but what it does. 'rich': SMEP, SMAP and keys. */
export function oneCpusWork(work: readonly Operation[], features: 'plain' | 'rich' = 'plain'): RaceFreeProgram {
  return {
    mode: '4-level', cpus: 2, seed: 0, isRich: features === 'rich', hasGlobals: false, hasPcids: false, settings: 0, hold: undefined,
    platform: { tlb: '64 entries 4 ways', walkCaches: 'off', rewalk: 'off', tags: 'on', backing: '4K' },
    phases: [{ solo: undefined, owners: [0, 1, 0], work: [[], work, []], forget: ['invlpg', 'invlpg', 'invlpg'] }],
  };
}
