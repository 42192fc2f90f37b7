import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run/run';
import { compiled } from '../../engine/onMachine';
import { expectationsHold, inEveryMode, inMode, modes } from './onEveryMachine';

describe('system calls, as the library takes them', () => {
  inEveryMode('come by INT 0x80 from user mode, and go back there with a result', `
process p { 0x600000 .. 0x601000 rw user }
process q { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(q)
  user who = syscall(20, 0, 0, 0)
  expect who == 2
  user at = syscall(90, 0x900000, 8K, 7)
  expect at == 0x900000
  user fetch(0x900000)
  expect page_fault at 0x900000
  expect walk(0x900000).writable and walk(0x900000).user
  user again = syscall(90, 0x901000, 4K, 1)
  expect again == -12 or again == 0xfffffff4
  user done = syscall(91, 0x900000, 8K, 0)
  expect done == 0 and walk(0x900000).fault
  switch(p)
  user who = syscall(20, 0, 0, 0)
  expect who == 1
}`);

  inEveryMode("are the scenario's own when it says so", `
process p { 0x600000 .. 0x601000 rw user }
override procedure system_call(call, a, b, c) {
  if call == 1000 { return a + b + c }
  return original(call, a, b, c)
}
cpu 0 {
  switch(p)
  user x = syscall(1000, 1, 2, 3)
  expect x == 6
  user x = syscall(20, 0, 0, 0)
  expect x == 1
}`);
});

describe('with IDT, TSS and stacks in guest memory', () => {
  for (const mode of modes) {
    it(`faults, system calls and shootdowns come through the guest's tables (${mode})`, () => expectationsHold(mode, compiled(`
machine { paging ${mode}, ram 16M, delivery memory }
process p { 0x600000 .. 0x601000 rw user, 0x700000 .. 0x702000 rw user lazy }
process child { }
cpu 0 {
  switch(p)
  user [0x700000] = 1
  expect page_fault(user, write) at 0x700000
  user who = syscall(20, 0, 0, 0)
  expect who == 1
  fork(p, child)
  user [0x700000] = 2
  expect page_fault(user, write, present) at 0x700000
  page_out(p, 0x700000)
  user x = [0x700000]
  expect x == 2
  user x = [0x900000]
  expect refused
  barrier ready
  shootdown(p, 0x600000)
  barrier gone
  exit(p)                                   // the kernel's own part goes on with the loader's tables
  user x = [0x600000]
  expect refused
}
cpu 1 {
  switch(p)
  user x = [0x600000]
  barrier ready
  barrier gone
  expect not tlb.holds(0x600000)
}`)));
  }
});

describe('PCIDs, as the library uses them', () => {
  for (const mode of ['4-level', '5-level'] as const) {
    it(`let the TLB keep what a process left, and no more (${mode})`, () => expectationsHold(mode, compiled(inMode(mode, `
process p { 0x600000 .. 0x602000 rw user }
process q { 0x600000 .. 0x602000 rw user }
process r { }
cpu 0 {
  use_pcids()
  switch(p)
  user [0x600000] = 1
  switch(q)
  user [0x600000] = 2
  switch(p)
  user x = [0x600000]
  expect x == 1
  expect under native: tlb.misses == 0      // the TLB had kept it
  switch(q)
  protect(p, 0x600000, ro)                  // of a process that does not run: INVPCID names it
  switch(p)
  user [0x600000] = 3
  expect page_fault(user, write, present) at 0x600000
  expect refused
  switch(q)
  exit(p)
  fork(q, r)
  switch(r)
  user y = [0x600000]
  expect y == 2
}`))));
  }
});

describe('the memory map of real mode, as the library gives it', () => {
  const map = (machine: string): string[] => {
    const program = compiled(`machine { paging none, ${machine} }
cpu 0 {
  entries = e820(0x7000)
  for i in 0 .. entries {
    at = 0x7000 + i * 20
    print dword [at], " ", dword [at + 8], " ", dword [at + 16]
  }
}`);
    const said: string[] = [];
    const report = run(program, 'native', { say: ({ text }) => said.push(text.replace(/\s+/g, ' ')) });
    if ('error' in report) assert.fail(report.error);
    assert.equal(report.outcome.message, undefined);
    return said;
  };
  it('has RAM below 640K, the BIOS, and RAM from 1M on', () => {
    assert.deepEqual(map('ram 16M'), ['0x0 0xa0000 0x1', '0xf0000 0x10000 0x2', '0x100000 0xf00000 0x1']);
  });
  it('ends where RAM does, when there is little of it', () => {
    assert.deepEqual(map('ram 64K'), ['0x0 0x10000 0x1', '0xf0000 0x10000 0x2']);
  });
  it('has every slot, and leaves holes out', () => {
    assert.deepEqual(map('slot high 32M .. 64M ram, slot low 0 .. 8M ram'), [
      '0x0 0xa0000 0x1', '0xf0000 0x10000 0x2', '0x100000 0x700000 0x1', '0x2000000 0x2000000 0x1',
    ]);
  });
});
