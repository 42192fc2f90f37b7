import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { configure } from '../../src/engine/settings/configuration';
import type { Outcome, OutputLine } from '../../src/engine/debuggee';
import { NumberTables } from '../../src/engine/interpreter/numberTable';
import { run } from '../../src/engine/run/run';
import { Registry } from '../../src/hardware/state/registry';
import { compiled } from './onMachine';

const MACHINE = 'machine { paging 4-level, ram 16M }\n';
const PROCESS = `${MACHINE}process p { 0x600000 .. 0x601000 rw user }\n`;

interface Ran {
  readonly outcome: Outcome;
  readonly said: readonly OutputLine[];
}

function ran(text: string, mmu = 'native'): Ran {
  const said: OutputLine[] = [];
  const report = run(compiled(text), mmu, { say: (line) => said.push(line) });
  if ('error' in report) assert.fail(report.error);
  return { outcome: report.outcome, said };
}

function printed(text: string): string[] {
  const { outcome, said } = ran(text);
  assert.equal(outcome.message, undefined);
  return said.map((line) => line.text);
}

describe('tables of a scenario', () => {
  it('hold any key, read 0 where nothing was put, and keep what was put through growing', () => {
    const key = fc.bigInt(0n, (1n << 64n) - 1n);
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(3), fc.oneof(key, fc.bigInt(0n, 300n)), key), { maxLength: 600, size: 'max' }), (entries) => {
      const tables = new NumberTables(new Registry());
      const model = new Map<string, bigint>();
      const half = (value: bigint, at: bigint): number => Number(BigInt.asIntN(32, value >> at));
      for (const [table, at, value] of entries) {
        tables.set(table, half(at, 0n), half(at, 32n), half(value, 0n), half(value, 32n));
        model.set(`${table} ${at}`, value);
      }
      for (const [table, at] of entries) {
        for (const asked of [table, (table + 1) % 4]) {
          tables.get(asked, half(at, 0n), half(at, 32n));
          const found = (BigInt(tables.valueHi >>> 0) << 32n) | BigInt(tables.valueLo >>> 0);
          assert.equal(found, model.get(`${asked} ${at}`) ?? 0n);
        }
      }
    }), { numRuns: 30, seed: 11 });
  });

  it('take one key or two, and are the same for every procedure', () => {
    assert.deepEqual(printed(`${MACHINE}table seen\nprocedure note(n) { seen[n] = n * 2; seen[n, 1] = n }\ncpu 0 {\n  note(7)\n  print seen[7], seen[7, 1], seen[7, 2], seen[8]\n}`),
      ['0xe 0x7 0x0 0x0']);
  });
});

describe('calls', () => {
  it('give each call its own variables, and the result to its caller', () => {
    assert.deepEqual(printed(`${MACHINE}procedure factorial(n) {
      if n == 0 { return 1 }
      below = factorial(n - 1)
      return n * below
    }
    cpu 0 {
      n = 100
      f = factorial(20)
      print f, n
    }`), [`0x${(2432902008176640000n).toString(16)} 0x64`]);
  });

  it('nested 199 deep come back; deeper they end the scenario with the place', () => {
    const text = (depth: number): string => `${MACHINE}procedure down(n) {\n  if n == 0 { return 0 }\n  return down(n - 1)\n}\ncpu 0 {\n  x = down(${depth})\n}`;
    assert.equal(ran(text(198)).outcome.ok, true);
    assert.equal(ran(text(300)).outcome.message,
      'test.guest:4:3: calls are nested too deep; look for a procedure that calls itself without end');
  });
});

describe('a handler that faults itself', () => {
  it('ends the scenario with the fault, the handler and the place in it', () => {
    const handler = 'on page_fault(gva a, code) {\n  look(a)\n}\nprocedure look(gva a) { x = [a + 8] }\n';
    assert.equal(ran(`${PROCESS}${handler}cpu 0 {\n  switch(p)\n  user [0x700000] = 1\n}`).outcome.message,
      'test.guest:6:25: calls are nested too deep: page_fault() at gva:0x700320 came inside `on page_fault`, which is under way 100 times over and '
      + 'faults as it handles a fault; have it touch only what is mapped, or `refuse` there');
  });

  it('and where it is a call of it that is too deep, with the fault that it handles there', () => {
    const handler = 'on page_fault(gva a, code) {\n  first()\n  look(a)\n}\nprocedure first() { x = 1; second() }\nprocedure second() { x = 2 }\nprocedure look(gva a) { x = [a + 8] }\n';
    assert.match(ran(`${PROCESS}${handler}cpu 0 {\n  switch(p)\n  user [0x700000] = 1\n}`).outcome.message ?? '',
      /^test\.guest:[78]:\d+: calls are nested too deep: page_fault\(\) at gva:0x700318 came inside `on page_fault`, which is under way 100 times over/);
  });

  it('and calls that are too deep when a fault comes, or as it is handled, with that fault', () => {
    const text = (depth: number): string => (
      `${PROCESS}procedure down(n) {\n  if n == 0 { user [0x700000] = 1 } else { down(n - 1) }\n}\ncpu 0 {\n  switch(p)\n  down(${depth})\n}`
    );
    assert.match(ran(text(199)).outcome.message ?? '', /^test\.guest:4:15: calls are nested too deep for the handler of page_fault\(write, user\) at gva:0x700000; look for a procedure/);
    assert.match(ran(text(198)).outcome.message ?? '', /^kernel\.guest:\d+:3: calls are nested too deep as `on page_fault` handles page_fault\(write, user\) at gva:0x700000; look for/);
  });
});

describe('refuse', () => {
  const BODY = `${PROCESS}procedure inner() {\n  x = 5\n  user [0x700000] = 1\n  x = 6\n}\n`;

  it('leaves every procedure that the statement had called; variables keep their values, and CPL is the block\'s', () => {
    assert.deepEqual(printed(`${BODY}cpu 0 {
      switch(p)
      n = 1
      inner()
      expect refused
      expect page_fault(user, write) at 0x700000
      n += 1
      y = cr3
      print n, y == p.root
    }`), ['0x2 true']);
  });

  it('inside a loop leaves the statement of the turn, and not the loop', () => {
    assert.deepEqual(printed(`${PROCESS}cpu 0 {
      switch(p)
      turns = 0
      for a in 0x700000 .. 0x703000 step 4K {
        turns += 1
        user [a] = 1
        expect refused
      }
      print turns
    }`), ['0x3']);
  });

  it('in a handler of a handler gives the first access up', () => {
    assert.deepEqual(printed(`${PROCESS}on page_fault(gva address, code) {
      if address == 0x700000 { x = [gva:0x710000] }
      refuse
    }
    cpu 0 {
      switch(p)
      user y = [0x700000]
      expect refused
      z = [p.root + 0xffff888000000000]
      expect no page_fault
      print "on"
    }`.replace('[p.root + 0xffff888000000000]', '[gva:0xffff888000100000]')), ['on']);
  });
});

describe('expectations', () => {
  it('that fail are said with what was found, and counted; the run goes on', () => {
    const { outcome, said } = ran(`${PROCESS}cpu 0 {
      switch(p)
      user [0x600000] = 7
      expect [0x600000] == 8
      expect page_fault
      expect exits are cr_access
      expect refused
      expect [0x700000] == 1
    }`);
    assert.deepEqual(said.map(({ category, line, text }) => `${category} ${line}: ${text}`), [
      'failure 6: expect [0x600000] == 8 fails: [0x600000] is 0x7, 8 is 0x8',
      'failure 7: expect page_fault fails: no page fault was delivered to the guest',
      'failure 8: expect exits are cr_access fails: there was no VM exit',
      'failure 9: expect refused fails: no access was refused',
      'failure 10: expect [0x700000] == 1 fails: gva:0x700000 is not mapped: the walk ends at the PTE',
    ]);
    assert.deepEqual(outcome, { ok: false, passed: 0, failed: 5 });
  });
});

describe('what ends a scenario', () => {
  const endings: readonly (readonly [name: string, text: string, message: string | RegExp, mmu?: string])[] = [
    ['an access that the kernel refuses', `${PROCESS}cpu 0 {\n  switch(p)\n  user [0x700000] = 1\n}`,
      'test.guest:5:3: the guest kernel refused the access (page_fault(write, user) at gva:0x700000); write `expect refused` below it if that is meant'],
    ['a division by zero', `${MACHINE}cpu 0 {\n  x = 0\n  y = 5 / x\n}`, 'test.guest:4:3: division by zero; guard the divisor with `if`'],
    ['a handler that repairs nothing', `${PROCESS}on page_fault(gva address, code) {\n  n = 1\n}\ncpu 0 {\n  switch(p)\n  user x = [0x700000]\n}`,
      /the handler returns without repairing anything: page_fault\(user\) at gva:0x700000 came 1000 times in a row; make it map the page or `refuse`$/],
    ['a vector without a handler', `${MACHINE}cpu 0 {\n  cr4.PAE = 0\n}`,
      'test.guest:3:3: triple fault: cr4 cannot take the value: PAE off in long mode, and the guest has no handler for #GP; write `on general_protection(code)`, or change the statement'],
    ['an address that is not canonical', `${MACHINE}cpu 0 {\n  x = [gva:0x8000000000000000]\n}`,
      'test.guest:3:3: triple fault: gva:0x8000000000000000 is not canonical, and the guest has no handler for #GP; write `on general_protection(code)`, or change the statement'],
    ['a privileged instruction in user mode', `${MACHINE}cpu 0 {\n  user stac()\n}`,
      'test.guest:3:3: triple fault: the instruction is privileged, and the CPL is 3, and the guest has no handler for #UD; change the statement'],
    ['a hypervisor that gives up', `${MACHINE}cpu 0 {\n  cr3 = gpa:64M\n}`,
      'test.guest:3:3: the hypervisor stopped the VM at VM exit cr_access: CR3 names a guest frame outside every memory slot; load it with a table that lies in RAM', 'shadow-wp'],
    ['a guest that leads its own tables astray', `${PROCESS}cpu 0 {\n  switch(p)\n  entry [direct(p.root)] = pml4e(gpa:64M, rwx, user)\n  user x = [0x600000]\n}`,
      /:6:3: the hypervisor stopped the VM at VM exit ept_violation \(the PML4E at gpa:0x100000 is 0x4000007\): a paging structure of the guest lies outside every memory slot; let CR3 and the entries above it name frames of RAM$/, 'ept'],
    ['one whose CR3 leads there', `${MACHINE}cpu 0 {\n  cr3 = gpa:64M\n  x = [gva:0xffff888000000000]\n}`,
      /:4:3: the hypervisor stopped the VM at VM exit ept_violation \(CR3 is gpa:0x4000000\): a paging structure of the guest lies outside every memory slot; let CR3 and the entries above it name frames of RAM$/, 'ept'],
    ['a host without memory', `platform { ram 16M }\n${PROCESS}cpu 0 {\n  switch(p)\n  for a in gva:0xffff888000100000 .. gva:0xffff888001000000 step 4K { [a] = 1 }\n}`,
      /the hypervisor stopped the VM at VM exit ept_violation: no free host frame is left; give the platform more RAM$/, 'ept'],
  ];
  for (const [name, text, message, mmu] of endings) {
    it(`${name}: one sentence with the place`, () => {
      const { outcome } = ran(text, mmu);
      assert.equal(outcome.ok, false);
      if (typeof message === 'string') assert.equal(outcome.message, message);
      else assert.match(outcome.message ?? '', message);
    });
  }
});

describe('a configuration that does not fit', () => {
  const errors: readonly (readonly [settings: string, mmu: string | undefined, message: string | RegExp])[] = [
    ['', 'shadowy', 'there is no technique shadowy; choose one of native, interpret, deprivileged, shadow-rebuild, shadow-vtlb, shadow-wp, shadow-unsync, ept, npt, nested'],
    ['', 'ept:update=zap', 'technique ept has no setting update; it has shadow_pages, dirty_log, unrestricted_guest, ept_violation_ve'],
    ['', 'shadow-wp:prefetch=8', 'technique shadow-wp has no setting prefetch; it has update, shadow_pages, dirty_log'],
    ['', 'shadow-wp:update=later', /^update=later is no value of that setting: /],
    ['', 'shadow-wp:shadow_pages=3', /^shadow_pages=3 is no value of that setting: /],
    ['platform { vendor amd }', 'ept', /^ept needs a processor with VMX, and the platform says vendor amd; /],
    ['platform { vendor intel }', 'npt', /^npt needs a processor with SVM, and the platform says vendor intel; write vendor amd or run it under native$/],
    ['', 'nested:update=zap', 'technique nested has no setting update; it has dirty_log'],
    ['platform { ram 8M }', 'shadow-wp', /^the guest has more RAM \(16777216 bytes\) than the platform \(8388608 bytes\); /],
  ];
  for (const [settings, mmu, message] of errors) {
    it(`${settings} ${mmu ?? ''}: is told in a sentence`, () => {
      const result = configure(compiled(`${settings}\n${MACHINE}cpu 0 {\n  x = 1\n}`), mmu);
      assert.ok('error' in result);
      if (typeof message === 'string') assert.equal(result.error, message);
      else assert.match(result.error, message);
    });
  }

  it('is a machine of more memory slots than a VM has room for', () => {
    const machineOf = (slots: number): string =>
      `machine { mmu ept, ${Array.from({ length: slots }, (_, i) => `slot s${i} ${16 * i}M .. ${16 * (i + 1)}M ram`).join(', ')} }\ncpu 0 {\n  x = 1\n}`;
    assert.ok(!('error' in configure(compiled(machineOf(31)), undefined)));
    const result = configure(compiled(machineOf(32)), undefined);
    assert.ok('error' in result);
    assert.equal(result.error, 'a VM has at most 31 memory slots, and this one has 32; join some');
  });

  it('takes settings in this order: the command\'s, the scenario\'s, the default', () => {
    const program = compiled('machine { paging 4-level, ram 16M, mmu shadow-wp, update zap, shadow_pages 32 }\ncpu 0 {\n  x = 1\n}');
    const settingsOf = (mmu: string | undefined): unknown => {
      const configuration = configure(program, mmu);
      return 'error' in configuration ? configuration.error : configuration.vms.map(({ technique, settings: { update, shadowPages } }) => [technique.name, { update, shadowPages }]).flat();
    };
    assert.deepEqual(settingsOf(undefined), ['shadow-wp', { update: 'zap', shadowPages: 32 }]);
    assert.deepEqual(settingsOf('shadow'), ['shadow-wp', { update: 'zap', shadowPages: 32 }]);
    assert.deepEqual(settingsOf('shadow-wp:shadow_pages=64'), ['shadow-wp', { update: 'zap', shadowPages: 64 }]);
    assert.deepEqual(settingsOf('ept'), ['ept', { update: 'zap', shadowPages: 32 }]);
  });
});

describe('the guest log', () => {
  it('has what an access of its size read and wrote, and no bit more', () => {
    const lines: unknown[] = [];
    const program = compiled(`${PROCESS}cpu 0 {
      switch(p)
      n = 0x1ff
      user byte [0x600000] = n
      user byte [0x600000] += 1
      user word [0x600000] -= 1
      user x = dword [0x600000]
    }`);
    run(program, 'ept', { guestLog: (line) => lines.push('op' in line ? [line['op'], line['size'], line['value']] : line) });
    assert.deepEqual(lines.filter(Array.isArray), [
      ['store', 1, '0xff'], ['load', 1, '0xff'], ['store', 1, '0x0'], ['load', 2, '0x0'], ['store', 2, '0xffff'], ['load', 4, '0xffff'],
    ]);
  });
});
