import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run';
import { compileScenario } from '../../../src/language/compile';
import { catalog } from '../../../src/engine/catalog';
import { formatText } from '../../../src/language/format/formatText';
import { kernelText } from '../../../src/language/library/kernelText';
import { scenarios } from '../samples';

/** Scenarios that not every technique runs: shadow tables are of 4-level guests. */
const techniquesOf: Readonly<Record<string, readonly string[]>> = {
  'demand-by-hand.guest': ['native', 'ept'],
  'memory-map.guest': ['native', 'ept'],
};

describe('the scenarios that are shipped', () => {
  for (const [name, text] of scenarios) {
    it(`${name} compiles without a warning, and every expectation holds`, () => {
      const { program, diagnostics } = compileScenario({ path: name, text, catalog, readImport: () => undefined });
      assert.deepEqual(diagnostics.map(({ message }) => message), []);
      assert.ok(program);
      assert.notEqual(program.documentation, '', 'a scenario says in its first line what it is about');
      for (const technique of techniquesOf[name] ?? ['native', 'shadow-wp', 'shadow-wp:update=zap', 'ept']) {
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
