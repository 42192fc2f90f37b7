import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { RUN } from '../../src/engine/interpreter/runState';
import { ATTENTION_TO } from '../../src/engine/schedule/scheduler';
import { MOST_BEYOND, StraightLine } from '../../src/engine/straight/straightLine';
import type { Timeline } from '../../src/engine/time/timeline';
import type { Program } from '../../src/language/program';
import { guestText, sampleBody } from '../../bench/language/sampleBody';
import { configure } from '../../src/engine/settings/configuration';
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
    e = (a << i) - (a >> (i * 2)) ^ (b << 40 | a >> 33 | 7 << 32)
    if (a & 0xff) < (b & 0x3f) or (e & 0xffff_ffff) > a or not (e - 1 < e) { e = ~e * d }
    repeat 2 { g += d }
  }
  expect t[1] != 1
  print a, g
}
procedure d0(n) { return n ^ 5 }`;

/** From how often a unit is come to on it is JavaScript: at once, so that all of it is; in the middle of a run; never. */
const warmths: Readonly<Record<string, number>> = { 'as JavaScript': 1, 'as JavaScript from some turns on': 7, 'by entries': Infinity };

/** Runs the program both ways, in strides of changing lengths, and compares the machines at each stop. */
function compare(program: Program, mmu: string | undefined, warm: number, prepare: (timeline: Timeline) => void = () => undefined): StraightLine {
  const fast = launched(program, mmu);
  const slow = launched(program, mmu);
  prepare(fast);
  prepare(slow);
  const straight = new StraightLine(fast.machine, warm);
  const [ahead, behind] = [fast.machine.interpreter, slow.machine.interpreter];
  const isRunning = (): boolean => ahead.run.status === RUN.running;
  let stops = 0;
  for (let stride = 1; isRunning(); stride = stride * 7 % 1009) {
    assert.ok(straight.run(stride) < stride + MOST_BEYOND);
    while (behind.run.step < ahead.run.step) behind.step();
    assert.equal(behind.run.step, ahead.run.step);
    // A machine takes milliseconds to read: all of it seldom, once a run has become long.
    if (stride % (++stops < 500 ? 5 : 101) === 0 || !isRunning()) assert.equal(fingerprint(fast), fingerprint(slow), `at step ${ahead.run.step}`);
  }
  return straight;
}

describe('the straight line', () => {
  for (const [way, warm] of Object.entries(warmths)) {
    for (const mmu of ['native', 'shadow-wp']) {
      it(`leaves the machine as single steps do, ${way}, under ${mmu}: every operation, faults and their handlers`, () => {
        const { hotUnits } = compare(compiled(everyOperation), mmu, warm);
        assert.equal(hotUnits > 0, warm < Infinity);
      });
      it(`the same in a body of loads and stores, ${way}, under ${mmu}`, () => {
        compare(compiled(guestText(sampleBody(), 20)), mmu, warm);
      });
    }
  }
  for (const name of scenarios) {
    const program = compiled(scenarioText(name));
    // Of several actors each takes single steps in any case: one scenario of them is enough.
    if (program.actors.length > 1 && name !== 'shootdown-race') continue;
    it(`the same in ${name}`, function () {
      this.timeout(120_000);
      // Some need a hypervisor: then the scenario's own.
      const mmu = 'error' in configure(program, 'native') ? undefined : 'native';
      if (program.actors.length === 1) compare(program, mmu, Infinity);
      compare(program, mmu, 1);
    });
  }

  it('stops calls that are too deep as single steps do', () => {
    compare(compiled('cpu 0 {\n  down(1)\n}\nprocedure down(n) {\n  down(n + 1)\n}'), 'native', 1);
  });

  for (const [way, warm] of Object.entries(warmths)) {
    it(`stops where the processor shuts down in a procedure, ${way}, as single steps do`, () => {
      const text = 'process p { 0x600000 .. 0x601000 rw kernel }\ncpu 0 {\n  switch(p)\n  a = far(1)\n  expect stopped(triple_fault)\n}\nprocedure far(n) {\n  n += 1\n  [0x8000_0000_0000] = n\n  return n\n}';
      compare(compiled(text), 'native', warm);
    });

    it(`looks after what an access asks for, ${way}`, () => {
      // From then on the program stands where it is at each instruction, as it does in single steps.
      const heard: number[][] = [];
      compare(compiled(guestText(sampleBody(), 5)), 'native', warm, ({ machine: { processors, interpreter: { scheduler, run } } }) => {
        const processor = processors[0]!;
        const steps: number[] = [];
        heard.push(steps);
        let loads = 0;
        const load = processor.load.bind(processor);
        processor.load = (lo, hi, size) => {
          if (scheduler.attention[0] !== 0) steps.push(run.step);
          if (run.isCounting && ++loads === 3) scheduler.attention[0]! |= ATTENTION_TO.interrupts;
          return load(lo, hi, size);
        };
      });
      const [ahead, behind] = heard;
      assert.ok(ahead!.length > 0);
      assert.deepEqual(ahead, behind);
    });
  }

  it('makes JavaScript of what has run often, and of nothing else', () => {
    const turns = (count: number): number => compare(compiled(`cpu 0 {\n  a = 0\n  repeat ${count} { a += 1 }\n}`), 'native', 50).hotUnits;
    assert.deepEqual([turns(40), turns(60)], [0, 1]);
  });

  it('runs by entries where the host makes no functions of text', () => {
    const { Function: made } = globalThis;
    globalThis.Function = function refuse() { throw new EvalError('unsafe-eval is not allowed'); } as unknown as FunctionConstructor;
    try {
      assert.equal(compare(compiled(guestText(sampleBody(), 20)), 'native', 1).hotUnits, 0);
    } finally {
      globalThis.Function = made;
    }
  });
});
