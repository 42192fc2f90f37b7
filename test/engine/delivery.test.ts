import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

function outcomeOf(text: string, mmu: string): { readonly said: readonly string[]; readonly message: string | undefined; readonly failed: number; readonly passed: number } {
  const said: string[] = [];
  const report = run(compiled(text), mmu, { say: ({ text: line }) => said.push(line) });
  if ('error' in report) assert.fail(report.error);
  const { message, failed, passed } = report.outcome;
  return { said, message, failed, passed };
}

const combinations = [
  ['32-bit', 'native'], ['32-bit', 'ept'], ['pae', 'native'], ['pae', 'ept'], ['4-level', 'native'], ['4-level', 'ept'],
  ['32-bit', 'deprivileged'], ['pae', 'deprivileged'], ['4-level', 'deprivileged'], ['5-level', 'deprivileged'],
  ['4-level', 'shadow-wp'], ['32-bit', 'shadow-wp'], ['pae', 'shadow-wp'], ['5-level', 'shadow-wp'], ['5-level', 'native'], ['5-level', 'ept'],
] as const;

const events = (paging: string, delivery: string): string => `machine { paging ${paging}, ram 16M, delivery ${delivery} }
process p {
  0x600000 .. 0x604000 rw user
  0x700000 .. 0x702000 rw user lazy
}
global taken = 0
on interrupt 0x80 {
  taken += 1
  [direct(gpa:0x90000)] = 1
}
on interrupt 0x40 {
  taken += 1
  wrmsr(0x80b, 0)
}
on general_protection(code) { refuse }
cpu 0 {
  switch(p)
  user {
    [0x600000] = 1
    int(0x80)
    [0x700000] = 5
    x = [0x700000]
  }
  expect x == 5
  barrier both
  ipi(1, 0x40)
  while taken == 1 { y = 1 }
  user outb(0x80, 1)
  expect general_protection
  expect refused
  user int(0x41)
  expect general_protection
  expect refused
  user [0x900000] = 1
  expect page_fault(user, write) at 0x900000
  expect refused
  user z = [0x600000]
  expect z == 1
  expect rflags.IF == 1
}
cpu 1 { barrier both }`;

describe('delivery of events', () => {
  for (const [paging, mmu] of combinations) {
    for (const delivery of ['direct', 'memory']) {
      it(`${delivery}, ${paging} under ${mmu}: faults, INT n and IPIs come to their handlers, and back from them`, () => {
        assert.deepEqual(outcomeOf(events(paging, delivery), mmu), { said: [], message: undefined, failed: 0, passed: 9 });
      });
    }
  }

  it('through memory pushes a frame that the guest can read, on the stack that the TSS names', () => {
    const text = `machine { paging 4-level, ram 16M, delivery memory }
process p { 0x600000 .. 0x601000 rw user }
on interrupt 0x80 {
  at = gva:rsp
  expect [at + 8] == 0x2b and [at + 32] == 0x23
  expect cs == 0x10 and ss == 0
  expect rflags.IF == 0
}
cpu 0 {
  switch(p)
  user int(0x80)
  expect cs == 0x10
}`;
    for (const mmu of ['native', 'ept', 'shadow-wp']) assert.deepEqual(outcomeOf(text, mmu), { said: [], message: undefined, failed: 0, passed: 4 });
  });

  it('in real-address mode goes through the interrupt vector table, which the guest may change', () => {
    const text = `machine { paging none, ram 16M, kernel none, delivery memory }
on interrupt 0x15 { rax = 1 }
cpu 0 {
  ss = 0
  expect word [0x54] == 0x150
  int(0x15)
  expect rax == 1
  expect rsp == 0x7000 and word [0x6ffe] != 0
}`;
    for (const mmu of ['native', 'ept']) assert.deepEqual(outcomeOf(text, mmu), { said: [], message: undefined, failed: 0, passed: 3 });
  });

  it('on a kernel stack that is not mapped goes from fault to double fault to the end, whoever tells them apart', () => {
    const text = (handler: string): string => `machine { paging 4-level, ram 16M, delivery memory }
process p { 0x700000 .. 0x701000 rw user lazy }
${handler}
cpu 0 {
  switch(p)
  rsp = 0x900000
  [0x700000] = 1
  expect stopped(triple_fault)
}`;
    for (const handler of ['', 'on double_fault(code) { print "double fault" }']) {
      for (const mmu of ['native', 'ept', 'shadow-wp']) {
        assert.deepEqual(outcomeOf(text(handler), mmu), { said: [], message: undefined, failed: 0, passed: 1 }, `${mmu} ${handler}`);
      }
    }
  });

  it('without a gate ends in a triple fault, by the processor or by VM exit', () => {
    const text = (claim: string): string => `machine { paging 4-level, ram 16M, delivery memory }
cpu 0 {
  int(0x77)
  ${claim}
}`;
    for (const mmu of ['native', 'ept', 'shadow-wp']) {
      assert.match(outcomeOf(text('x = 1'), mmu).message ?? '', /^test\.guest:3:3: triple fault( at VM exit \w+)?: /);
      assert.deepEqual(outcomeOf(text('expect stopped(triple_fault)'), mmu), { said: [], message: undefined, failed: 0, passed: 1 });
      assert.equal(outcomeOf(text('expect stopped(internal_error)'), mmu).passed, 0);
    }
  });
});
