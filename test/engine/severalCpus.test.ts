import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

const TECHNIQUES = ['native', 'ept', 'shadow-wp'] as const;
const HEAD = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x604000 rw user }\n';

/** What a scenario prints, by line, with what it came to at the end. */
function outcomeOf(text: string, mmu: string): { readonly said: readonly string[]; readonly message: string | undefined; readonly passed: number } {
  const said: string[] = [];
  const report = run(compiled(text), mmu, { say: ({ text: line }) => said.push(line) });
  if ('error' in report) assert.fail(report.error);
  return { said, message: report.outcome.message, passed: report.outcome.passed };
}

/** One CPU clears an entry while the other is inside its walk; then INVLPG. `stale`: what the second load finds. */
const race = (schedule: string, stale: string): string => `${schedule}
${HEAD}cpu 0 {
  switch(p)
  user [0x600000] = 1
  barrier ready
  await window
  entry [pte_at(p, 0x600000)] = 0
  release window
  barrier stale
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before tlb_fill
  user x = [0x600000]
  expect x == 1
  user y = [0x600000]
  ${stale}
  barrier stale
  invlpg(0x600000)
  user z = [0x600000]
  expect page_fault(user) at 0x600000
  expect refused
}`;

describe('several CPUs', () => {
  for (const schedule of ['', 'schedule every 1', 'schedule random 5', 'schedule random 6']) {
    for (const mmu of ['native', 'ept'] as const) {
      it(`${mmu}, ${schedule || 'schedule every 1000'}: a held walk ends by the entry it had read, and its line stays`, () => {
        assert.deepEqual(outcomeOf(race(schedule, 'expect y == 1'), mmu), { said: [], message: undefined, passed: 4 });
      });
    }
    it(`shadow-wp, ${schedule || 'schedule every 1000'}: the trapped store flushes the other CPU's TLB too`, () => {
      const stale = 'expect page_fault(user) at 0x600000\n  expect refused';
      assert.deepEqual(outcomeOf(race(schedule, stale), 'shadow-wp'), { said: [], message: undefined, passed: 5 });
    });
  }

  it('reads afresh what it had not read when it was held: a hold before a level\'s entry is read finds the new one', () => {
    const text = (count: number): string => `${HEAD}cpu 0 {
  switch(p)
  user [0x600000] = 1
  user [0x601000] = 2
  barrier ready
  await window
  entry [pte_at(p, 0x600000)] = entry [pte_at(p, 0x601000)]
  release window
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before table_read ${count}
  user x = [0x600000]
  print "loaded", x
}`;
    // The event is the read of an entry, done: before the third of four the PTE was not read, before the fourth neither.
    assert.deepEqual(outcomeOf(text(3), 'native').said, ['loaded 0x2']);
    // Held at the fill, it has been.
    assert.deepEqual(outcomeOf(text(1).replace('table_read 1', 'tlb_fill'), 'native').said, ['loaded 0x1']);
  });

  it('shows what a held access has done by then, and no more', () => {
    const text = `${HEAD}cpu 0 {
  switch(p)
  barrier ready
  await window
  print "accessed", walk(0x600000).pte.A, "dirty", walk(0x600000).pte.D, "value", [0x600000]
  release window
  barrier done
  print "value", [0x600000]
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before tlb_fill
  user [0x600000] = 1
  barrier done
}`;
    assert.deepEqual(outcomeOf(text, 'native').said, ['accessed true dirty true value 0x0', 'value 0x1']);
  });

  it('holds before an exception too, though its name is a word of the language', () => {
    const text = `${HEAD.replace('rw user }', 'rw user; 0x800000 .. 0x801000 rw user lazy }')}cpu 0 {
  switch(p)
  await window
  print "mapped", walk(0x800000).fault
  map(p, 0x800000, frame(), rw)
  release window
}
cpu 1 {
  switch(p)
  hold window before page_fault
  user [0x800000] = 7
  expect [0x800000] == 7
}`;
    // The fault was on its way when the other CPU mapped the page: the handler is called, and finds nothing to do.
    for (const mmu of TECHNIQUES) assert.deepEqual(outcomeOf(text, mmu), { said: ['mapped true'], message: undefined, passed: 1 }, mmu);
  });

  it('takes turns by statements, by number', () => {
    const text = (schedule: string): string => `${schedule}
${HEAD}global turns = 0
cpu 0 {
  barrier start
  for i in 0 .. 3 { turns = turns * 16 + 1 }
}
cpu 1 {
  barrier start
  for i in 0 .. 3 { turns = turns * 16 + 2 }
  barrier end
  print turns
}
cpu 2 { barrier end }`;
    assert.deepEqual(outcomeOf(text('schedule every 1000'), 'native').said, ['0x222111']);
    assert.deepEqual(outcomeOf(text('schedule every 1'), 'native').said, ['0x212121']);
  });

  it('under one seed always runs the same way, under others not', () => {
    const text = (seed: number): string => `schedule random ${seed}
${HEAD}cpu 0 { for i in 0 .. 8 { [direct(gpa:0x2000)] = [direct(gpa:0x2000)] * 4 + 1 }
  barrier end
}
cpu 1 { for i in 0 .. 8 { [direct(gpa:0x2000)] = [direct(gpa:0x2000)] * 4 + 2 }
  barrier end
  x = [direct(gpa:0x2000)]
  print x }`;
    const said = [1, 2, 3, 4, 1].map((seed) => outcomeOf(text(seed), 'native').said[0]);
    assert.equal(said[0], said[4]);
    assert.ok(new Set(said).size > 2, `${said.join(' ')}: chance does not choose`);
  });

  it('lets nobody come between a statement and its expectations', () => {
    const text = `schedule every 1
${HEAD}global g = 0
cpu 0 { for i in 0 .. 20 {
  g = 1
  expect g == 1
  expect g == 1
} }
cpu 1 { for i in 0 .. 40 { g = 2 } }`;
    assert.deepEqual(outcomeOf(text, 'native'), { said: [], message: undefined, passed: 40 });
  });

  it('tells of a deadlock who waits where', () => {
    const text = `${HEAD}cpu 0 {
  barrier a
}
cpu 1 {
  await b
  barrier a
}
cpu 2 {
  hold b before vm_exit
  y = 1
  hlt()
  release b
}`;
    const { message } = outcomeOf(text, 'native');
    assert.equal(message, 'test.guest:13:3: deadlock: cpu 0 waits at barrier a (line 4); cpu 1 awaits b (line 7); '
      + 'cpu 2 halts, and no interrupt comes (line 13); the hold of cpu 2 for b ended without its event; write what lets one of them go on');
  });

  it('tells of a CPU that waits with IF = 0, which would answer no shootdown', () => {
    const text = `${HEAD}cpu 0 {
  cli()
  barrier a
  barrier b
}
cpu 1 {
  barrier b
  barrier a
}
`;
    const report = run(compiled(text), undefined);
    assert.ok(!('error' in report));
    assert.match(report.outcome.message ?? '', /cpu 0 waits at barrier a \(line 5\) with IF = 0, so that it takes no interrupt; cpu 1 waits at barrier b \(line 9\); write/);
  });

  describe('a loop that waits for what nobody can do', () => {
    const endOf = (schedule: string, cpu0: string, cpu1: string): string => (
      outcomeOf(`${schedule}\n${HEAD}global done = 0\ncpu 0 {\n  switch(p)\n  barrier a\n  ${cpu0}\n  barrier b\n}\ncpu 1 {\n  cli()\n  barrier a\n  ${cpu1}\n}\n`, 'native').message ?? ''
    );
    for (const schedule of ['', 'schedule every 1', 'schedule random 5']) {
      it(`${schedule || 'schedule every 1000'}: a shootdown that a CPU with IF = 0 never answers is a deadlock`, () => {
        assert.match(endOf(schedule, 'shootdown(p, 0x600000)', 'barrier b'),
          /deadlock: cpu 0 goes round a loop that only another could end, in `ask_others` \(line 8\); cpu 1 waits at barrier b \(line 14\) with IF = 0, so that it takes no interrupt; write/);
      });
      it(`${schedule || 'schedule every 1000'}: so is one of the scenario's own, and that CPU may be at its end`, () => {
        assert.match(endOf(schedule, 'while done == 0 { x = 1 }', 'repeat 2 { y = 1 }\n  barrier b'), /deadlock: cpu 0 goes round a loop that only another could end \(line 8\); cpu 1 waits/);
        assert.match(endOf(schedule, 'shootdown(p, 0x600000)', 'if done { barrier b }'), /in `ask_others` \(line 8\); cpu 1 has come to its end \(line 14\) with IF = 0/);
      });
      it(`${schedule || 'schedule every 1000'}: a loop that comes to its end by itself, or by another CPU, is none`, () => {
        assert.equal(endOf(schedule, 'x = 0\n  while x < 5000 { x += 1 }', 'barrier b'), '');
        assert.equal(endOf(schedule, 'while done == 0 { x = 1 }', 'repeat 3000 { y = 1 }\n  done = 1\n  barrier b'), '');
        assert.equal(endOf(schedule, 'x = 0\n  while x < 5000 { x = x ^ 1\n    done += 1\n    if done > 4000 { x = 6000 } }', 'barrier b'), '');
      });
    }
  });

  for (const mmu of TECHNIQUES) {
    it(`${mmu}: interrupts reach a CPU that runs, waits, halts, or has nothing left to do`, () => {
      const text = `${HEAD}global taken = 0
on interrupt 0x40 {
  taken += 1
  wrmsr(0x80b, 0)
}
cpu 0 {
  barrier both
  ipi(1, 0x40)
  while taken < 1 { x = 1 }
  ipi(2, 0x40)
  while taken < 2 { x = 1 }
  ipi(3, 0x40)
  while taken < 3 { x = 1 }
  ipi(0, 0x40)
  x = 1
  expect taken == 4
  barrier end
}
cpu 1 {
  barrier both
  barrier end
}
cpu 2 {
  hlt()
  expect taken == 2
}
cpu 3 { x = 1 }`;
      assert.deepEqual(outcomeOf(text, mmu), { said: [], message: undefined, passed: 2 });
    });

    it(`${mmu}: an interrupt waits until RFLAGS.IF is 1, and the handler runs with 0`, () => {
      const text = `${HEAD}global taken = 0
on interrupt 0x40 {
  taken += 1
  ipi(0, 0x41)
  x = 1
  expect taken == 1
  expect rflags.IF == 0
  wrmsr(0x80b, 0)
}
on interrupt 0x41 {
  taken += 1
  wrmsr(0x80b, 0)
}
cpu 0 {
  cli()
  ipi(0, 0x40)
  x = 1
  expect taken == 0
  sti()
  x = 1
  expect taken == 0
  x = 2
  expect taken == 2
  expect rflags.IF == 1
  int(0x41)
  expect taken == 3
}`;
      assert.deepEqual(outcomeOf(text, mmu), { said: [], message: undefined, passed: 7 });
    });

    for (const schedule of ['', 'schedule every 1', 'schedule random 3']) {
      it(`${mmu}, ${schedule || 'schedule every 1000'}: no interrupt comes between STI and HLT, so that it wakes the CPU`, () => {
        const text = `${schedule}
${HEAD}global taken = 0
on interrupt 0x40 {
  taken += 1
  wrmsr(0x80b, 0)
}
cpu 0 {
  cli()
  ipi(0, 0x40)
  sti()
  hlt()
  expect taken == 1
  cli()
  ipi(0, 0x40)
  sti(); cli()
  expect taken == 1
  sti(); sti(); x = [direct(gpa:0x2000)]
  expect taken == 2
}`;
        assert.deepEqual(outcomeOf(text, mmu), { said: [], message: undefined, passed: 3 });
      });
    }
  }

  it('logs the tables that the guest sees at each barrier and at the end, the same under native and ept', () => {
    const text = `${HEAD}cpu 0 {
  switch(p)
  barrier a
  user [0x600000] = 1
  barrier b
}
cpu 1 {
  barrier a
  barrier b
}`;
    const logOf = (mmu: string): string[] => {
      const lines: string[] = [];
      assert.ok(!('error' in run(compiled(text), mmu, { guestLog: (line) => lines.push(JSON.stringify(line)) })));
      return lines;
    };
    const log = logOf('native');
    const roots = log.filter((line) => line.includes('"PML4E page"')).length;
    assert.equal(roots % 3, 0, 'two barriers and the end');
    assert.ok(roots >= 3);
    assert.deepEqual(logOf('ept'), log);
  });

  it('counts the exits that an IPI costs: the write of the command register, and the kick', () => {
    const text = `${HEAD}global taken = 0
on interrupt 0x40 { taken += 1; wrmsr(0x80b, 0) }
cpu 0 {
  barrier both
  ipi(1, 0x40)
  expect exits are wrmsr
  while taken == 0 { x = 1 }
  barrier end
}
cpu 1 {
  barrier both
  barrier end
  expect exits are external_interrupt, wrmsr
}`;
    for (const mmu of ['ept', 'shadow-wp']) assert.deepEqual(outcomeOf(text, mmu), { said: [], message: undefined, passed: 2 });
  });
});
