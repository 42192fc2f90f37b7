import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { runningTechniques } from '../../src/engine/settings/techniques';
import { COUNTER } from '../../src/hardware/state/counters';
import { compiled } from '../engine/onMachine';

/** Turns of a loop of two accesses, before which everything was touched, and behind which 10,000 accesses are. */
const FEW = 200;
const MANY = FEW + 5000;

interface Loop {
  readonly what: string;
  readonly platform: string;
  /** Of `i`, the turn. */
  readonly body: readonly string[];
}

/**
 * What the TLB holds says nothing of the tables behind it: where it has fewer lines than there are pages, each access is walked
 * anew, so that an entry which was taken back, or never gave what it should, costs its exit in every turn.
 */
const loops: readonly Loop[] = [
  {
    what: 'loads and stores of four pages, which the TLB holds', platform: '',
    body: ['user [0x600000 + (i & 3) * 4K] = i', 'user x = [0x600000 + (i + 1 & 3) * 4K]'],
  },
  {
    what: 'loads and stores of 64 pages, for which the TLB has no room', platform: 'platform { tlb 8 entries 2 ways, walk_caches off }',
    body: ['user [0x600000 + (i & 63) * 4K] = i', 'user x = [0x600000 + (i + 33 & 63) * 4K]'],
  },
  {
    what: 'additions by the kernel and fetches by the user, for which the TLB has no room', platform: 'platform { tlb 8 entries 2 ways, walk_caches on }',
    body: ['[0x600000 + (i & 63) * 4K] += i', 'user fetch(0x640000 + (i + 33 & 63) * 4K)'],
  },
];

const text = ({ platform, body }: Loop, turns: number): string => `machine { paging 4-level, ram 16M }
${platform}
process p { 0x600000 .. 0x640000 rw user
  0x640000 .. 0x680000 rx user }
cpu 0 {
  switch(p)
  for i in 0 .. 64 { user [0x600000 + i * 4K] = i; user fetch(0x640000 + i * 4K) }
  for i in 0 .. ${turns} {
    ${body.join('\n    ')}
  }
}
`;

/** Counters of a whole run; undefined when the technique does not fit. */
function countersOf(mmu: string, loop: Loop, turns: number): Float64Array | undefined {
  const report = run(compiled(text(loop, turns)), mmu);
  if ('error' in report) return undefined;
  assert.equal(report.outcome.message, undefined, mmu);
  return report.counters;
}

// Popek and Goldberg's second condition: what does not touch the machine's resources runs without the hypervisor.
describe('efficiency', () => {
  for (const loop of loops) {
    it(`10,000 ${loop.what}, have no exit once all pages were touched, under any technique but interpret`, () => {
      for (const { name } of runningTechniques) {
        const [few, many] = [countersOf(name, loop, FEW), countersOf(name, loop, MANY)];
        assert.ok(few !== undefined && many !== undefined, name);
        const behind = (counter: keyof typeof COUNTER): number => many[COUNTER[counter]]! - few[COUNTER[counter]]!;
        assert.ok(behind('accesses') >= 10_000, name);
        if (name === 'interpret') assert.ok(behind('exits.total') >= 10_000, name);
        else assert.equal(behind('exits.total'), 0, name);
      }
    });
  }
});
