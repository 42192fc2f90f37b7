import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { MmuNotifier } from '../../src/hypervisor/host/mmuNotifier';
import { machineFor, runAudited } from '../hypervisor/audit';
import { compiled, scenarioText } from './onMachine';

const hosted = ['shadow-wp', 'shadow-wp:update=zap', 'shadow-unsync', 'ept'];
const failuresOf = (text: string, mmu: string): readonly string[] => {
  const failures: string[] = [];
  const report = run(compiled(text), mmu, { say: ({ category, text: said }) => category === 'failure' && failures.push(said) });
  if ('error' in report) assert.fail(report.error);
  return report.outcome.message === undefined ? failures : [...failures, report.outcome.message];
};

/** Both CPUs fault on one page; the one that is held before mmu_lock finds it filled. */
const BOTH_FILL = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  barrier ready
  await window
  user [0x600000] = 5
  release window
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before mmu_lock
  user x = [0x600000]
  expect x == 5
  user [0x600000] = 6
  expect [0x600000] == 6
}
`;

describe('a vCPU that is held between get_user_pages and mmu_lock', function () {
  this.timeout(60_000);

  for (const mmu of hosted) {
    it(`under ${mmu} asks again when the host has changed the page, and would fill a stale entry if it did not look`, () => {
      const text = scenarioText('stale-fill');
      assert.deepEqual(failuresOf(text, mmu), []);
      const { mustRetry } = MmuNotifier.prototype;
      try {
        MmuNotifier.prototype.mustRetry = () => false;
        const failures = failuresOf(text, mmu);
        assert.match(failures.join('\n'), /\[0x600000\] == 8 fails/);
        assert.match(failures.join('\n'), /exits are/);
      } finally {
        MmuNotifier.prototype.mustRetry = mustRetry;
      }
    });

    it(`under ${mmu} goes on with the entry that another vCPU has filled meanwhile`, () => assert.deepEqual(failuresOf(BOTH_FILL, mmu), []));
  }

  // Its exits while L1 maps the page in its host's table would show the other vCPU a page that has its frame, and no entry yet.
  for (const event of ['mmu_lock', 'vm_exit 2', 'vm_entry 2']) {
    it(`under nested is held before ${event} where L1's tables are whole`, () => {
      const text = BOTH_FILL.replace('before mmu_lock', `before ${event}`);
      assert.deepEqual(failuresOf(text, 'nested'), []);
      runAudited(machineFor(compiled(text), 'nested'));
    });
  }
});

/** The host moves the page while a CPU is inside a store to it. */
const movedWithin = (event: string): string => `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 5
  barrier ready
  await window
  host migrate_frame(0x600000)
  release window
  barrier over
  expect [0x600000] == 6
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before ${event}
  user [0x600000] = 6
  barrier over
}
`;

describe('a vCPU that is held inside a walk', () => {
  for (const event of ['table_read 3', 'walk_done', 'tlb_fill']) {
    for (const mmu of ['shadow-wp', 'shadow-vtlb', 'ept', 'npt', 'nested']) {
      it(`before ${event} under ${mmu} makes its access anew when the host has moved the page, and leaves the frame alone that the page had`, () => {
        assert.deepEqual(failuresOf(movedWithin(event), mmu), []);
      });
    }
  }
});
