import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled, scenarioText } from '../engine/onMachine';

/** Scenarios about shadow tables: what each says must hold under every technique it names. */
const scenarios = ['self-map', 'two-levels', 'large-over-small', 'wp0', 'unsync', 'n-procs', 'quadrants', 'cr3-ping-pong', 'demand-by-hand'] as const;
const techniques = ['native', 'shadow-wp', 'shadow-wp:update=zap', 'shadow-unsync', 'shadow-rebuild', 'shadow-vtlb', 'ept'] as const;

describe('scenarios of the shadow MMU', () => {
  for (const name of scenarios) {
    it(`${name} holds under ${techniques.join(', ')}`, () => {
      const program = compiled(scenarioText(name), name);
      for (const mmu of techniques) {
        const said: string[] = [];
        const report = run(program, mmu, { say: ({ text, line }) => said.push(`line ${line}: ${text}`) });
        if ('error' in report) assert.fail(report.error);
        assert.deepEqual({ said, ok: report.outcome.ok }, { said: [], ok: true }, mmu);
        assert.ok(report.outcome.passed > 0);
      }
    });
  }
});

/** Kernel and user mode have a shadow each, and lines in the TLB under a PCID each. */
const TWO_LEVELS = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  stac()
  repeat 2 { user x = [0x600000]; x = [0x600000] }
  measure { user x = [0x600000]; x = [0x600000] }
  expect tlb.misses == 0
  invlpg(0x600000)
  user x = [0x600000]
  expect tlb.misses == 1
  x = [0x600000]
  expect tlb.misses == 1
}`;

describe('INVLPG of a deprivileged guest', () => {
  it('drops the lines of both its levels', () => {
    const said: string[] = [];
    const report = run(compiled(TWO_LEVELS), 'deprivileged', { say: ({ text, line }) => said.push(`line ${line}: ${text}`) });
    if ('error' in report) assert.fail(report.error);
    assert.deepEqual({ said, passed: report.outcome.passed }, { said: [], passed: 3 });
  });
});
