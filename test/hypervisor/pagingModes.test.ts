import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from './audit';
import { assertAgreement, seenByGuest } from './programs/agreement';
import { modeGuests, togglingGuests } from './programs/modeGuests';

const shadows = ['deprivileged', 'deprivileged:shadow_pages=16', 'shadow-wp', 'shadow-wp:update=zap', 'shadow-wp:shadow_pages=16', 'shadow-unsync', 'shadow-unsync:prefetch=0,early_unshadow=on', 'shadow-rebuild', 'shadow-vtlb'] as const;

/** 32-bit paging, whose entries have no XD, and a user page of 4 MBytes that may not be written. */
const withoutXd = (statements: string): string => `machine { paging 32-bit, ram 16M, kernel none }
on page_fault(gva address, code) { refuse }
cpu 0 {
  entry [0x1000] = legacy.pde(gpa:0, rw, large)
  entry [0x1004] = legacy.pde(gpa:4M, ro, user, large)
  cr4.PSE = 1; cr3 = gpa:0x1000; cr0.PG = 1
  ${statements}
}
`;

describe('shadow tables of guests in every paging mode', function () {
  this.timeout(240_000);

  // SMAP is about data: "Determination of Access Rights". Taken for a read, the fetch would be refused.
  it('tell a fetch from a read where the guest has no XD: SMAP lets the supervisor fetch from a user page', () => {
    const program = compiled(withoutXd(`cr4.SMAP = 1
  fetch(0x400000)
  expect no page_fault
  x = [0x400000]
  expect page_fault(present) at 0x400000
  expect refused`));
    assert.deepEqual(seenByGuest(program, 'native').at(-1), '3 passed, 0 failed');
    assertAgreement(program);
  });

  it('keep a supervisor that writes with WP = 0 from fetching the page under SMEP, where the guest has no XD', () => {
    const program = compiled(withoutXd(`cr4.SMEP = 1; cr0.WP = 0
  [0x400000] = 1
  expect no page_fault
  fetch(0x400000)
  expect page_fault(fetch, present) at 0x400000
  expect refused
  user x = [0x400000]
  expect no page_fault`));
    assert.deepEqual(seenByGuest(program, 'native').at(-1), '4 passed, 0 failed');
    assertAgreement(program);
  });

  it('keep the user mode from what the kernel has just touched, each time that the one comes behind the other', () => {
    for (const paging of ['32-bit', 'pae']) {
      const program = compiled(`machine { paging ${paging}, ram 16M }
process p { 0x600000 .. 0x602000 rw user; 0x608000 .. 0x609000 rw kernel }
on page_fault(gva address, code) { refuse }
cpu 0 {
  switch(p)
  for i in 0 .. 2 { [0x608000] = i; user [0x600000] = i }
  [0x608000] = 7
  user x = [0x608000]
  expect page_fault(user, present) at 0x608000
  expect refused
  y = [0x608000]; user z = [0x600000]
  expect y == 7 and z == 1
  user [0x608000] = 8
  expect page_fault(user, write, present) at 0x608000
  expect refused
}
`);
      assert.equal(seenByGuest(program, 'native').at(-1), '5 passed, 0 failed');
      assertAgreement(program);
    }
  });

  it('read bit 7 of a PDE of 32-bit paging as CR4.PSE has it at the time', () => {
    const program = compiled(`machine { paging 32-bit, ram 16M, kernel none }
cpu 0 {
  for i in 0 .. 16 { dword [0x2000 + i * 4] = i * 4096 + 3 }
  dword [0x1000] = 0x2003; dword [0x1008] = 0x400083; dword [0x8000] = 5
  cr4.PSE = 1; cr3 = gpa:0x1000; cr0.PG = 1
  for i in 0 .. 2 {
    dword [0x800000] = 0x8003
    cr4.PSE = 0; cr3 = gpa:0x1000
    x = dword [0x800000]
    expect x == 5
    cr4.PSE = 1; cr3 = gpa:0x1000
    x = dword [0x800000]
    expect x & 0xffffff9f == 0x8003
  }
}
`);
    assert.equal(seenByGuest(program, 'native').at(-1), '4 passed, 0 failed');
    assertAgreement(program);
  });

  it('take a vCPU into long mode on tables that another one has filled, whose first entry would be no PDPTE', () => {
    const program = compiled(`machine { paging 4-level, ram 16M, kernel none }
cpu 0 {
  entry [0x1000] = pml4e(gpa:0x2000, rwx, user); entry [0x2000] = pdpte(gpa:0, rwx, user, large)
  [0x3000] = 5
  cr3 = gpa:0x1000; cr0.PG = 1
  x = [0x3000]; user y = [0x3000]
  barrier filled
}
cpu 1 {
  barrier filled
  cr3 = gpa:0x1000; cr0.PG = 1
  x = [0x3000]; user y = [0x3000]
  expect x == 5 and y == 5
}
`);
    assert.equal(seenByGuest(program, 'native').at(-1), '1 passed, 0 failed');
    assertAgreement(program);
    runAudited(machineFor(program, 'deprivileged'));
  });

  it('show the guest what it sees natively, whatever it does', () => {
    fc.assert(fc.property(modeGuests, (text) => { assertAgreement(compiled(text)); }), { numRuns: 16, seed: 20261121 });
  });

  it('show it the same while it turns paging off and on, with 32-bit and PAE tables', () => {
    fc.assert(fc.property(togglingGuests, (text) => { assertAgreement(compiled(text)); }), { numRuns: 20, seed: 20261121 });
  });

  it('hold what they promise after every instruction', () => {
    fc.assert(fc.property(fc.oneof(modeGuests, togglingGuests), fc.constantFrom(...shadows), (text, mmu) => {
      runAudited(machineFor(compiled(text), mmu));
    }), { numRuns: 20, seed: 20261121 });
  });
});
