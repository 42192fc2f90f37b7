import { strict as assert } from 'node:assert';
import { configure } from '../../src/engine/settings/configuration';
import { run } from '../../src/engine/run/run';
import { catalog } from '../../src/engine/settings/catalog';
import { COUNTER } from '../../src/hardware/state/counters';
import { compileScenario } from '../../src/language/compile';
import { compiled, fingerprint, launched, move, scenarioText, toFirstStatement } from './onMachine';

const scenarios = ['first-touch', 'page-table-write', 'context-switch'] as const;
const techniques = ['native', 'shadow-wp', 'shadow-wp:update=zap', 'ept'] as const;
const PLATFORMS = {
  'as it is': '',
  'with paging-structure caches': 'walk_caches on',
  'with a second level of TLB': 'tlb 4 entries 2 ways, tlb_l2 64 entries 4 ways',
  'with both, and 4-KByte lines': 'tlb 4 entries 2 ways, tlb_l2 64 entries 4 ways, tlb_pages 4K, walk_caches on',
} as const;

function on(scenario: string, platform: string): string {
  return platform === '' ? scenarioText(scenario) : `platform { ${platform} }\n${scenarioText(scenario)}`;
}

interface Seen { readonly log: readonly string[]; readonly references: number; readonly ok: boolean }

function ran(scenario: string, platform: string, mmu: string): Seen {
  const log: string[] = [];
  const report = run(compiled(on(scenario, platform)), mmu, { guestLog: (line) => log.push(JSON.stringify(line)) });
  if ('error' in report) assert.fail(report.error);
  return { log, references: report.counters[COUNTER.walk_references]!, ok: report.outcome.ok };
}

describe('what the platform caches', () => {
  for (const scenario of scenarios) {
    for (const mmu of techniques) {
      it(`changes nothing that the guest of ${scenario} can see under ${mmu}, and walks read no more than before`, () => {
        const plain = ran(scenario, PLATFORMS['as it is'], mmu);
        for (const platform of Object.values(PLATFORMS)) {
          const seen = ran(scenario, platform, mmu);
          assert.ok(seen.ok, platform);
          assert.deepEqual(seen.log, plain.log, platform);
        }
        // The other scenarios move to CR3 before each new page, which drops what walks could use.
        const { references } = ran(scenario, 'walk_caches on', mmu);
        const isSpared = mmu === 'ept' || scenario === 'first-touch';
        assert.ok(isSpared ? references < plain.references : references <= plain.references);
      });
    }
  }

  it('is part of what a checkpoint holds', () => {
    const program = compiled(on('context-switch', PLATFORMS['with both, and 4-KByte lines']));
    const timeline = launched(program, 'ept');
    toFirstStatement(timeline);
    const seen: string[] = [];
    for (let i = 0; i < 8; i++) {
      seen.push(fingerprint(timeline));
      move(timeline, 'over');
    }
    for (let i = 7; i >= 0; i--) {
      move(timeline, 'over-back');
      assert.equal(fingerprint(timeline), seen[i], `statement ${i}`);
    }
  });

  it('is asked by tlb.holds at both levels', () => {
    const text = (platform: string): string => `platform { ${platform} }
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x610000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  user [0x601000] = 1
  user [0x602000] = 1
  expect ${platform.includes('l2') ? '' : 'not '}tlb.holds(0x600000)
}
`;
    for (const platform of ['tlb 2 entries 2 ways', 'tlb 2 entries 2 ways, tlb_l2 64 entries 4 ways']) {
      const report = run(compiled(text(platform)), 'native');
      assert.ok(!('error' in report) && report.outcome.ok, platform);
    }
  });

  it('takes its settings from the platform', () => {
    const configuration = configure(compiled(on('first-touch', PLATFORMS['with both, and 4-KByte lines'])), 'ept');
    if ('error' in configuration) assert.fail(configuration.error);
    const { tlbEntries, tlbWays, tlbL2, tlbPageShifts, walkCaches } = configuration;
    assert.deepEqual(
      { tlbEntries, tlbWays, tlbL2, tlbPageShifts, walkCaches },
      { tlbEntries: 4, tlbWays: 2, tlbL2: { entries: 64, ways: 4 }, tlbPageShifts: [12], walkCaches: 'on' },
    );
  });

  for (const [setting, complaint] of [
    ['tlb_l2 10 entries 3 ways', /10 entries and 3 ways/],
    ['tlb_l2 64', /write it as 64 entries 4 ways/],
    ['tlb_pages 2M', /write 4K/],
    ['tlb_pages 4K 8K', /write 4K/],
    ['walk_caches perhaps', /write on or off/],
  ] as const) {
    it(`refuses ${setting}`, () => {
      const { diagnostics } = compileScenario({
        path: 'test.guest', text: `platform { ${setting} }\ncpu 0 { x = 1 }\n`, readImport: () => undefined, catalog,
      });
      assert.ok(diagnostics.some(({ severity, message }) => severity === 'error' && complaint.test(message)), JSON.stringify(diagnostics));
    });
  }
});
