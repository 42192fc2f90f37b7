import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { RUN } from '../../src/engine/interpreter/runState';
import { KIND, KIND_AT } from '../../src/hardware/events/eventTable';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from './audit';

const HEAD = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x604000 rw user }
process q { 0x600000 .. 0x604000 rw user }
`;

/** CPU 0 has touched all pages of `p` at the first barrier, and goes on in it behind the second. */
const RUN_ON_P = `
  cpu 0 {
    switch(p)
    for page in 0x600000 .. 0x604000 step 4K { user [page] = 1 }
    barrier one; barrier two
`;

/** CPU 1 runs on the tables of a process, and changes an entry of `p` between the barriers. */
const storeToTableOfP = (running: 'p' | 'q'): string => `cpu 1 {
    barrier one
    cr3 = ${running}.root
    x = [direct(gpa:8M)]
    slot = pte_at(p, 0x600000)
    entry [slot] = pte(gpa:8M, rw, user, accessed, dirty)
    barrier two
  }`;

/** What each of two vCPUs keeps of a composed shadow, by what the other one does. */
const guests: Readonly<Record<string, string>> = {
  'a load of CR3 forgets nothing that another vCPU runs on': `${RUN_ON_P}    measure { for page in 0x600000 .. 0x604000 step 4K { user [page] += 1 } }
    expect exits.total == 0
  }
  cpu 1 {
    barrier one
    cr3 = q.root; cr3 = p.root; cr3 = q.root
    barrier two
  }`,
  'a store to a table is in the shadow of every vCPU whose root leads there, at once, where the one that stores runs on it too': `${RUN_ON_P}    user x = [0x600000]
    expect no exits
    expect x == 0
  }
  ${storeToTableOfP('p')}`,
  'a store to a table of another process takes the SPTE from the vCPU that runs on it, which gets it back with a fault': `${RUN_ON_P}    user x = [0x600000]
    expect exits are exception_nmi
    expect x == 0
    user y = [0x601000]
    expect no exits
    expect y == 1
  }
  ${storeToTableOfP('q')}`,
};

describe('shadow-rebuild on two vCPUs', () => {
  for (const [claim, text] of Object.entries(guests)) {
    it(claim, () => {
      const program = compiled(HEAD + text);
      const said: string[] = [];
      const report = run(program, 'shadow-rebuild', { say: ({ text: each, line }) => said.push(`line ${line}: ${each}`) });
      if ('error' in report) assert.fail(report.error);
      assert.deepEqual({ said, message: report.outcome.message }, { said: [], message: undefined });
      runAudited(machineFor(program, 'shadow-rebuild'));
    });
  }
});

describe('a fault that ends an emulation', () => {
  // Its first page is MMIO, and the SPTE that says so takes the room of others: what the TLB has of these goes too, though the guest
  // maps no second page and gets a fault. Else the host would take pages from under the TLB, whose SPTEs no reverse map has any more.
  const text = `${HEAD.replace('16M', '16M, shadow_pages 20')}on page_fault(gva address, code) { refuse }
cpu 0 {
  switch(p)
  map(p, 0x80000000, gpa:64M, rw)
  for page in gva:0x40000000 .. gva:0x42000000 step 2M { map(p, page, frame(), rw); user [page] = 7 }
  user x = [0x80000ffc]
  expect refused
}`;
  for (const mmu of ['shadow-wp', 'shadow-unsync', 'shadow-rebuild', 'shadow-vtlb']) {
    it(`leaves nothing in the TLB of shadow pages that gave way, under ${mmu}`, () => {
      const machine = machineFor(compiled(text), mmu);
      const { run: state } = machine.interpreter;
      const zapped = { now: 0, entries: 0 };
      machine.bus.listen((record) => {
        switch (record[KIND_AT]) {
          case KIND.tlb_flush: zapped.now = 0; break;
          case KIND.vm_entry: if (zapped.now > 0) zapped.entries++; break;
          default: zapped.now++;
        }
      }, [KIND.shadow_page_zapped, KIND.vtlb_table_zapped, KIND.tlb_flush, KIND.vm_entry]);
      while (state.status === RUN.running) machine.interpreter.step();
      assert.deepEqual({ entries: zapped.entries, failed: state.failed }, { entries: 0, failed: 0 });
    });
  }
});

describe('a fault that the guest sees', () => {
  // SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches": it invalidates what there is of its address.
  const text = `${HEAD}on page_fault(gva address, code) { refuse }
cpu 0 {
  switch(p)
  user x = [0x600000]
  slot = pte_at(p, 0x600000)
  entry [slot] &= ~D
  invlpg(0x600000)
  user x = [0x600000]
  entry [slot] = 0
  user [0x600000] = 1
  expect refused
  user x = [0x600000]
  expect refused
}`;
  for (const mmu of ['native', 'shadow-wp', 'shadow-unsync', 'shadow-rebuild', 'shadow-vtlb', 'ept']) {
    it(`takes what was stale of its address with it, under ${mmu}`, () => {
      const said: string[] = [];
      const report = run(compiled(text), mmu, { say: ({ text: each, line }) => said.push(`line ${line}: ${each}`) });
      if ('error' in report) assert.fail(report.error);
      assert.deepEqual({ said, message: report.outcome.message }, { said: [], message: undefined });
    });
  }
});
