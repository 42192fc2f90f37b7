import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run/run';
import { compiled } from '../../engine/onMachine';
import { expectationsHold, inEveryMode, inMode } from './onEveryMachine';

describe('several CPUs, as the library serves them', () => {
  inEveryMode('a shootdown reaches every CPU, wherever it waits', `
process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  barrier ready
  entry [pte_at(p, 0x600000)] = 0
  shootdown(p, 0x600000)
  expect not tlb.holds(0x600000)
  barrier gone
}
cpu 1 {
  switch(p)
  user x = [0x600000]
  barrier ready
  barrier gone
  expect not tlb.holds(0x600000)
}
cpu 2 {
  switch(p)
  user x = [0x600000]
  barrier ready
  for i in 0 .. 2000 { user y = [0x601000] }
  barrier gone
  expect not tlb.holds(0x600000)
}`);

  it('two that shoot at each other both come through', () => expectationsHold('4-level', compiled(inMode('4-level', `schedule every 1
process p { 0x600000 .. 0x602000 rw user }
cpu 0 { switch(p); repeat 3 { shootdown(p, 0x600000) }; expect shot_answers == 0 }
cpu 1 { switch(p); repeat 3 { shootdown(p, 0x601000) }; expect shot_answers == 0 }`))));

  it('a process that ends leaves nothing of it in the TLB of any CPU, by its PCID either', () => expectationsHold('4-level', compiled(inMode('4-level', `
process p { 0x600000 .. 0x601000 rw user }
process q { 0x600000 .. 0x601000 rw user }
process child { }
cpu 0 {
  use_pcids()
  switch(p)
  user [0x600000] = 5
  fork(p, child)
  barrier forked
  barrier looked
  exit(child)
  switch(q)
  user [0x600000] = 9
  fork(q, child)
  barrier again
}
cpu 1 {
  barrier forked
  switch(child)
  user x = [0x600000]
  expect x == 5
  switch(p)
  barrier looked
  barrier again
  switch(child)
  user y = [0x600000]
  expect y == 9
}`))));

  it('a CPU that runs a process which another one ends goes on with the loader\'s tables', () => expectationsHold('4-level', compiled(inMode('4-level', `
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  barrier runs
  exit(p)
  barrier over
}
cpu 1 {
  switch(p)
  user [0x600000] = 5
  barrier runs
  barrier over
  expect cr3 == loader_root
  user x = [0x600000]
  expect page_fault(user) at 0x600000
  expect refused
}`))));

  it('use_pcids reaches every CPU, and processes that run already', () => expectationsHold('4-level', compiled(inMode('4-level', `
process p { 0x600000 .. 0x602000 rw user }
process q { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user { [0x600000] = 5; [0x601000] = 6 }
  barrier runs
  use_pcids()
  expect cr3 == p.root + 1
  barrier used
  protect(p, 0x600000, ro)
  protect(p, 0x601000, ro)
  user [0x600000] = 6
  expect refused
  barrier protected
}
cpu 1 {
  switch(p)
  user [0x601000] = 7
  barrier runs
  barrier used
  expect cr3 == p.root + 1 and cr4.PCIDE
  barrier protected
  user [0x601000] = 8
  expect refused
  switch(q)
  user x = [0x600000]
  expect x == 0
}`))));

  it('a lock leaves RFLAGS.IF as it was', () => expectationsHold('4-level', compiled(inMode('4-level', `
cpu 0 {
  lock(frame_lock)
  expect rflags.IF == 1
  unlock(frame_lock)
  cli()
  lock(frame_lock)
  expect rflags.IF == 0
  unlock(frame_lock)
}
cpu 1 { }`))));

  for (const seed of [1, 2, 3, 4]) {
    it(`what one CPU forks, another cannot write on with what its TLB holds (schedule random ${seed})`, () => {
      expectationsHold('4-level', compiled(inMode('4-level', `schedule random ${seed}
process parent { 0x600000 .. 0x601000 rw user }
process child { }
cpu 0 {
  switch(parent)
  repeat 20 { user [0x600008] += 1 }
  fork(parent, child)
  switch(child)
  user x = [0x600000]
  barrier written
  user y = [0x600000]
  expect x == y and [0x600008] == 20
}
cpu 1 {
  switch(parent)
  repeat 400 { user [0x600000] += 1 }
  barrier written
  user x = [0x600000]
  expect x == 400
}`)));
    });
    it(`two CPUs that write a forked page at once copy it once (schedule random ${seed})`, () => {
      expectationsHold('4-level', compiled(inMode('4-level', `schedule random ${seed}
process parent { 0x600000 .. 0x601000 rw user }
process child { }
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  fork(parent, child)
  barrier forked
  user [0x600000] = 2
  barrier done
  user y = [0x600008]
  expect y == 3
  switch(child)
  user x = [0x600000]
  expect x == 1 and [0x600008] == 0
}
cpu 1 {
  switch(parent)
  barrier forked
  user [0x600008] = 3
  barrier done
  user x = [0x600000]
  expect x == 2
}`)));
    });
    it(`what one CPU swaps out, another finds again (schedule random ${seed})`, () => {
      expectationsHold('4-level', compiled(inMode('4-level', `schedule random ${seed}
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  repeat 5 { page_out(p, 0x600000) }
  barrier written
  user x = [0x600000]
  expect x == 2000
}
cpu 1 {
  switch(p)
  repeat 2000 { user [0x600000] += 1 }
  barrier written
  user x = [0x600000]
  expect x == 2000
}`)));
    });
  }

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`pages that several CPUs touch first at once come once (schedule random ${seed})`, () => {
      const work = (n: number): string => `cpu ${n} {
  switch(p)
  user { [0x600000] |= ${1 << n}; [0x601000 + ${8 * n}] = ${n + 1}; [0x40000000] += 1; [0x600000] |= ${16 << n} }
  barrier done
  user { a = [0x600000]; b = [0x601000]; c = [0x601008]; d = [0x601010] }
  expect a == 0x77 and b == 1 and c == 2 and d == 3
  expect [0x40000000] == 3 and next_frame == gpa:1M + 40K
}`;
      // Frames from 1M on: root, PDPT, PD, PT and the page of boot; then three pages, a PD and a PT for the far one.

      const program = compiled(inMode('4-level', `schedule random ${seed}
process p { 0x600000 .. 0x602000 rw user lazy, 0x40000000 .. 0x40001000 rw user lazy, 0x700000 .. 0x701000 rw user }
${work(0)}
${work(1)}
${work(2)}`));
      for (const technique of ['native', 'ept', 'shadow-wp']) {
        const said: string[] = [];
        const report = run(program, technique, { say: ({ line, text }) => said.push(`${line}: ${text}`) });
        if ('error' in report) assert.fail(report.error);
        assert.deepEqual({ said, message: report.outcome.message }, { said: [], message: undefined }, technique);
      }
    });
  }
});
