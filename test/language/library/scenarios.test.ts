import { strict as assert } from 'node:assert';
import { configure } from '../../../src/engine/settings/configuration';
import { run } from '../../../src/engine/run/run';
import { compileScenario } from '../../../src/language/compile';
import { catalog } from '../../../src/engine/settings/catalog';
import { formatText } from '../../../src/language/format/formatText';
import { kernelText } from '../../../src/language/library/kernelText';
import { scenarios } from '../samples';

const techniques = ['native', 'deprivileged', 'shadow-wp', 'shadow-wp:update=zap', 'shadow-unsync', 'shadow-rebuild', 'shadow-vtlb', 'ept', 'npt', 'nested', 'interpret'];
const SHADOWS = techniques.filter((mmu) => mmu.startsWith('shadow'));
const HYPERVISORS = ['deprivileged', ...SHADOWS, 'ept', 'npt', 'nested', 'interpret'];

/** Where a scenario runs that does not run under all of them: what it needs, others do not have. */
const techniquesOf: Readonly<Record<string, readonly string[]>> = {
  // Without a host below there is nothing to take pages back, and one guest to a machine; its memory map is fixed.
  'balloon.guest': HYPERVISORS, 'isolation-two-vms.guest': HYPERVISORS, 'ksm-share.guest': HYPERVISORS, 'leaky-ept.guest': HYPERVISORS,
  'mmio.guest': HYPERVISORS, 'slot-move.guest': HYPERVISORS,
  // What is held is something that an interpreter never does: filling an entry, filling the TLB.
  'changed-entry.guest': HYPERVISORS.filter((mmu) => mmu !== 'interpret'),
  'stale-fill.guest': HYPERVISORS.filter((mmu) => mmu !== 'interpret'), 'shootdown-race.guest': techniques.filter((mmu) => mmu !== 'interpret'),
  // Under nested L1 has its guest's real mode from the processor.
  'real-mode.guest': techniques.filter((mmu) => mmu !== 'nested' && mmu !== 'deprivileged'),
  // Where the guest's kernel runs at CPL 3 there is no way into real-address mode.
  ...Object.fromEntries(['memory-map', 'realmode-walk', 'reset-vector'].map((name) => [`${name}.guest`, techniques.filter((mmu) => mmu !== 'deprivileged')])),
  // VMX is emulated for a guest by EPT.
  'myths/eptp-is-a-register.guest': ['ept'], 'myths/shadow-is-obsolete.guest': ['ept'],
  've.guest': ['ept'], 'launch-state.guest': ['ept'], 'nested-operand.guest': ['ept'], 'entry-states.guest': ['ept'], 'nested.guest': ['ept'], 'nested-first-touch.guest': ['ept'], 'nested-touches.guest': ['ept'],
  // The guest's CR3 can be loaded raw only where the hypervisor owns it.
  'raw-guest-cr3.guest': ['shadow-wp', 'shadow-wp:update=zap'],
};

describe('the scenarios that are shipped', function () {
  this.timeout(60_000);
  for (const [name, text] of scenarios) {
    it(`${name} compiles without a warning, and every expectation holds wherever it runs`, () => {
      const { program, diagnostics } = compileScenario({ path: name, text, catalog, readImport: () => undefined });
      assert.deepEqual(diagnostics.map(({ message }) => message), []);
      assert.ok(program);
      assert.notEqual(program.documentation, '', 'a scenario says in its first line what it is about');
      const fitting = techniques.filter((technique) => !('error' in configure(program, technique)));
      assert.deepEqual(fitting, techniquesOf[name] ?? techniques);
      for (const technique of fitting) {
        const failures: string[] = [];
        const report = run(program, technique, { say: ({ category, line, text: said }) => category === 'failure' && failures.push(`${line}: ${said}`) });
        if ('error' in report) assert.fail(report.error);
        assert.deepEqual({ failures, message: report.outcome.message, ok: report.outcome.ok }, { failures: [], message: undefined, ok: true }, technique);
        assert.ok(report.outcome.passed > 0);
      }
    });
  }
  it('are laid out as the formatter does it, and so is the library', () => {
    for (const text of [...scenarios.values(), kernelText]) {
      const formatted = formatText(text);
      assert.ok('text' in formatted);
      assert.equal(formatted.text, text);
    }
  });
});
