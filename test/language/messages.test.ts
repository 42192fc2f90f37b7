import { strict as assert } from 'node:assert';
import { compileScenario } from '../../src/language/compile';
import { compileExpression } from '../../src/language/expression';
import { exampleOf, messages, severityOf, type MessageCode } from '../../src/language/messages/messages';
import type { Diagnostic } from '../../src/language/program';
import { catalog, compile } from './scenarioCheck';

const codes = Object.keys(messages) as MessageCode[];

function said(code: MessageCode, text: string): readonly Diagnostic[] {
  const { imports, globals } = messages[code];
  return compileScenario({
    path: 'example.guest', text, catalog,
    readImport: (path) => {
      const found = imports?.[path];
      return found === undefined ? undefined : { path, text: found };
    },
    ...(globals === undefined ? {} : { globals }),
  }).diagnostics;
}

describe('the table of messages', () => {
  it('has an example for every row', () => {
    assert.deepEqual(codes.filter((code) => exampleOf(code) === undefined && messages[code].condition === undefined), []);
  });
  it('has sentences that end, and say what to do', () => {
    const bad = codes.filter((code) => {
      const { sentence } = messages[code];
      return !/[.>]\.?$/.test(sentence) || !/[;,:<]| or |no name/.test(sentence);
    });
    assert.deepEqual(bad, []);
  });
  for (const code of codes) {
    const { condition } = messages[code];
    it(`${code} is said of its example, and nothing else is`, () => {
      if (condition !== undefined) {
        const { program, symbols } = compile('cpu 0 { x = 1 }');
        assert.ok(program && symbols);
        const result = compileExpression({ program, symbols }, condition, { use: 'condition' });
        assert.ok('error' in result);
        const [first = ''] = messages[code].sentence.split('<');
        assert.ok(result.error.startsWith(first), result.error);
        return;
      }
      const all = said(code, exampleOf(code) ?? '');
      const found = all.slice(messages[code].among ?? 0);
      assert.deepEqual(found.map((each) => [each.code, each.severity]), [[code, severityOf(code)]], all.map(({ message }) => message).join('\n'));
      assert.doesNotMatch(found[0]?.message ?? '', /<\w+>/);
    });
  }
});
