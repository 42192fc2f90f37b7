import { strict as assert } from 'node:assert';
import { configure, refusalText } from '../../src/engine/settings/configuration';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

function outcomeOf(text: string, mmu: string): { readonly message: string | undefined; readonly failed: number; readonly passed: number } {
  const said: string[] = [];
  const report = run(compiled(text), mmu, { say: ({ text: line }) => said.push(line) });
  if ('error' in report) assert.fail(report.error);
  assert.deepEqual(said, []);
  const { message, failed, passed } = report.outcome;
  return { message, failed, passed };
}

/** What the guest could see under a technique, one line a thing. */
function guestLog(text: string, mmu: string): string {
  const lines: string[] = [];
  const report = run(compiled(text), mmu, { guestLog: (line) => { if (line['spurious'] !== true) lines.push(JSON.stringify(line)); } });
  assert.ok(!('error' in report));
  return lines.join('\n');
}

const modes = [
  { paging: '32-bit', references: 2, large: '4M', names: ['pte', 'pde'] },
  { paging: 'pae', references: 2, large: '2M', names: ['pte', 'pde'] },
  { paging: '4-level', references: 4, large: '2M', names: ['pte', 'pde', 'pdpte', 'pml4e'] },
  { paging: '5-level', references: 5, large: '2M', names: ['pte', 'pde', 'pdpte', 'pml4e', 'pml5e'] },
] as const;

const usual = (paging: string, references: number, large: string, names: readonly string[]): string => `machine { paging ${paging}, ram 16M }
process p {
  0x600000 .. 0x610000 rw user
  0x700000 .. 0x701000 rw user lazy
}
cpu 0 {
  switch(p)
  user [0x600000] = 42
  user [0x700000] = 3
  expect page_fault(user, write) at 0x700000
  user x = [0x600000]
  expect x == 42
  expect [0x600000] == 42
  expect walk(0x600000).size == 4K and walk(0x600000).references == ${references}
  expect ${names.map((name) => `walk(0x600000).${name} & P`).join(' and ')}
  at_zero = direct(gpa:0)
  expect walk(at_zero).size == ${large}
  entry [pte_at(p, 0x600000)] &= ~RW
  invlpg(0x600000)
  user [0x600000] = 4
  expect page_fault(user, write, present) at 0x600000
  expect refused
}`;

describe('paging modes', () => {
  for (const { paging, references, large, names } of modes) {
    const text = usual(paging, references, large, names);
    for (const mmu of ['native', 'ept', 'shadow-wp', 'shadow-wp:update=zap']) {
      it(`${paging} under ${mmu}: maps, faults, repairs, and answers in the mode's format`, () => {
        assert.deepEqual(outcomeOf(text, mmu), { message: undefined, failed: 0, passed: 8 });
      });
    }
    it(`${paging}: the guest sees the same under every technique, tables included`, () => {
      const log = guestLog(text, 'native');
      assert.ok(log.includes('"table"'));
      for (const mmu of ['ept', 'shadow-wp', 'shadow-wp:update=zap']) assert.equal(guestLog(text, mmu), log, mmu);
    });
  }

  it('kernel none begins with paging off, and turns it on by hand', () => {
    const text = `machine { paging 32-bit, ram 16M, kernel none }
on page_fault(gva address, code) {
  if code & P { refuse }
  entry [gva:0x2000 + (address >> 12 & 0x3ff) * 4] = pte(gpa:1M, rw, user)
}
cpu 0 {
  entry [0x1000] = pde(gpa:0, rw, large)
  entry [0x1004] = pde(gpa:0x2000, rw, user)
  cr4.PSE = 1
  cr3 = gpa:0x1000
  cr0.PG = 1
  user [0x400000] = 42
  expect page_fault(user, write) at 0x400000
  expect [0x400000] == 42
  user x = [0x1000]
  expect page_fault(user, present) at 0x1000
  expect refused
}`;
    for (const mmu of ['native', 'ept', 'shadow-wp']) assert.deepEqual(outcomeOf(text, mmu), { message: undefined, failed: 0, passed: 4 });
  });

  it('paging none is real-address mode: segments, and INT n by the handler', () => {
    const text = `machine { paging none, ram 16M, kernel none }
on interrupt 0x20 { rax = 0x1234 }
cpu 0 {
  ds = 0x500
  [ds:0x10] = 0x55aa
  x = [0x5010]
  expect x == 0x55aa
  int(0x20)
  expect rax == 0x1234
}`;
    for (const mmu of ['native', 'ept']) assert.deepEqual(outcomeOf(text, mmu), { message: undefined, failed: 0, passed: 2 });
  });

  it('what no slot covers is a hole: loads find ones, stores go nowhere; ROM keeps what it has', () => {
    const text = (rom: string): string => `machine {
  paging 4-level
  slot low 0 .. 16M ram
  slot bios 20M .. 21M ${rom}
  slot high 32M .. 40M ram
}
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  map(p, 0x700000, gpa:32M, rw)
  map(p, 0x701000, gpa:18M, rw)
  map(p, 0x702000, gpa:20M, rw)
  user [0x700000] = 5
  user x = [0x700000]
  expect x == 5
  user [0x701000] = 5
  user x = [0x701000]
  expect x == 0xffff_ffff_ffff_ffff
  user [0x702000] = 5
  user x = [0x702000]
  expect x == ${rom === 'ram' ? 5 : 0}
}`;
    for (const mmu of ['native', 'ept', 'shadow-wp']) assert.deepEqual(outcomeOf(text('ram'), mmu), { message: undefined, failed: 0, passed: 3 });
    assert.deepEqual(outcomeOf(text('rom'), 'native'), { message: undefined, failed: 0, passed: 3 });
  });
});

describe('features by technique', () => {
  const refused: readonly (readonly [text: string, mmu: string, sentence: string])[] = [
    ['vm a {\n machine { paging 4-level, ram 16M, mmu ept }\n vm b { machine { paging none, ram 64K, kernel none }\ncpu 0 { x = 1 } }\ncpu 0 { x = vmlaunch(b) } }', 'shadow-wp',
      'a vm inside a vm does not run under shadow-wp; run it under ept: L0 emulates VMX for its guest by EPT'],
  ];
  for (const [text, mmu, sentence] of refused) {
    it(sentence, () => {
      const configuration = configure(compiled(text), mmu);
      assert.equal('error' in configuration ? refusalText(configuration) : undefined, sentence);
    });
  }
});

describe('instructions', () => {
  const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
on general_protection(code) { refuse }
cpu 0 {
  switch(p)
  a = cpuid(0)
  expect rbx == 0x756e6547 and rdx == 0x49656e69 and rcx == 0x6c65746e
  outb(0x80, 1)
  x = inw(0x80)
  expect x == 0xffff
  x = rdmsr(0xc0000080)
  expect x == efer
  wrmsr(0xc0000082, 0x1234_5678_9abc)
  x = rdmsr(0xc0000082)
  expect x == 0x1234_5678_9abc
  user [0x600000] = 0x1_0000_0005
  user x = xchg(0x600000, 7)
  expect x == 0x1_0000_0005 and [0x600000] == 7
  user x = cmpxchg(0x600000, 6, 9)
  expect x == 7 and [0x600000] == 7
  user x = cmpxchg(0x600000, 7, 9)
  expect x == 7 and [0x600000] == 9
  user y = inb(0x80)
  expect general_protection
  expect refused
  x = random(10)
  expect x < 10
  invpcid(2, 0, 0)
  expect tlb.flushes == 1
}`;
  for (const mmu of ['native', 'ept', 'shadow-wp']) {
    it(`give the same under ${mmu}`, () => {
      assert.deepEqual(outcomeOf(text, mmu), { message: undefined, failed: 0, passed: 11 });
    });
  }

  it('exit by the manual\'s rules: CPUID, HLT, ports and hypercalls always here, MSRs by their bitmap', () => {
    const exits = `machine { paging 4-level, ram 16M }
cpu 0 {
  x = cpuid(0)
  expect exits are cpuid
  outl(0x80, 1)
  expect exits are io_instruction
  x = rdmsr(0xc0000082)
  expect exits are rdmsr
  x = rdmsr(0xc0000101)
  expect no exits
  x = vmcall(1)
  expect exits are vmcall
  expect x == 0 - 1000
  hlt()
}`;
    for (const mmu of ['ept', 'shadow-wp']) assert.deepEqual(outcomeOf(exits, mmu), { message: undefined, failed: 0, passed: 6 });
  });

  it('a VM that cannot go on is what `expect stopped` wants', () => {
    const stopped = `machine { paging 4-level, ram 16M }
on general_protection(code) { refuse }
cpu 0 {
  x = 1
  int(0x77)
  expect refused
  cr3 = gpa:1G
  expect under shadow-wp: stopped(internal_error)
}`;
    assert.deepEqual(outcomeOf(stopped, 'shadow-wp'), { message: undefined, failed: 0, passed: 2 });
  });
});
