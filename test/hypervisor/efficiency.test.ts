import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run';
import { runningTechniques } from '../../src/engine/techniques';
import { COUNTER } from '../../src/hardware/state/counters';
import { compiled } from '../engine/onMachine';

/** Loads and stores of four pages, which are touched once before. */
const looping = (turns: number): string => `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x604000 rw user }
cpu 0 {
  switch(p)
  for i in 0 .. ${turns} {
    user [0x600000 + (i & 3) * 4K] = i
    user x = [0x600000 + (i + 1 & 3) * 4K]
  }
}
`;

/** VM exits of a whole run; undefined when the technique does not fit. */
function exitsOf(mmu: string, turns: number): number | undefined {
  const report = run(compiled(looping(turns)), mmu);
  return 'error' in report ? undefined : report.counters[COUNTER['exits.total']]!;
}

// Popek and Goldberg's second condition: what does not touch the machine's resources runs without the hypervisor.
describe('efficiency', () => {
  it('a loop of 10,000 accesses has no exit after its first turns under any technique but interpret', () => {
    for (const { name } of runningTechniques) {
      const [few, many] = [exitsOf(name, 100), exitsOf(name, 5100)];
      if (few === undefined || many === undefined) continue;
      if (name === 'interpret') assert.ok(many - few >= 10_000, name);
      else assert.equal(many - few, 0, name);
    }
  });
});
