import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { RUN } from '../../src/engine/runState';
import { StraightLine } from '../../src/engine/straightLine';
import type { Program } from '../../src/language/program';
import { guestText, sampleBody } from '../../bench/language/sampleBody';
import { compiled, fingerprint, launched, scenarioText } from './onMachine';

const scenarios = readdirSync(path.join(__dirname, '../../scenarios')).filter((name) => name.endsWith('.guest')).map((name) => name.slice(0, -'.guest'.length));

const everyOperation = `global g = 3
table t
process p { 0x600000 .. 0x602000 rw user lazy }
cpu 0 {
  switch(p)
  a = 0xffff_ffff_ffff_fff0
  for i in 0 .. 40 {
    user [0x600000 + (i & 7) * 8] = a
    user b = [0x600000 + (i & 3) * 8]
    user [0x600ff8] += i
    a += b * i ^ (a >> 3 | b << i)
    c = not (a == b)
    if a < b and b != c or a <= g { g = ~a - b } else { g = a % 77 }
    t[i & 3] = g / 3 + t[(i + 1) & 3]
    d = -(a == b) + (c >= d0(i))
    if i == 20 { continue }
    repeat 2 { g += d }
  }
  expect t[1] != 1
  print a, g
}
procedure d0(n) { return n ^ 5 }`;

/** Runs the program both ways, in strides of changing lengths, and compares the machines at each stop. */
function compare(program: Program, mmu: string): void {
  const fast = launched(program, mmu);
  const slow = launched(program, mmu);
  const straight = new StraightLine(fast.machine);
  const [ahead, behind] = [fast.machine.interpreter, slow.machine.interpreter];
  const isRunning = (): boolean => ahead.run.status === RUN.running;
  for (let stride = 1; isRunning(); stride = stride * 7 % 1009) {
    straight.run(stride);
    while (behind.run.step < ahead.run.step) behind.step();
    assert.equal(behind.run.step, ahead.run.step);
    if (stride % 5 === 0 || !isRunning()) assert.equal(fingerprint(fast), fingerprint(slow), `at step ${ahead.run.step}`);
  }
}

describe('the straight line', () => {
  for (const mmu of ['native', 'shadow-wp']) {
    it(`leaves the machine as single steps do, under ${mmu}: every operation, faults and their handlers`, () => {
      compare(compiled(everyOperation), mmu);
    });
    it(`the same in a body of loads and stores, under ${mmu}`, () => {
      compare(compiled(guestText(sampleBody(), 20)), mmu);
    });
  }
  for (const name of scenarios) {
    it(`the same in ${name}`, () => {
      compare(compiled(scenarioText(name)), 'native');
    });
  }
});
