import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { INITIAL, Registry, type IOnigLib } from 'vscode-textmate';
import { OnigScanner, OnigString, loadWASM } from 'vscode-oniguruma';
import { keywordsOfGrammar, textMateGrammarText } from '../../src/language/syntax/textMateGrammar';

const root = path.join(__dirname, '../..');
const committed = (name: string): string => readFileSync(path.join(root, name), 'utf8');

describe('generated files', () => {
  it('of Langium are those of the grammar (npx langium generate -f src/language/langium-config.json)', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'guest-grammar-'));
    try {
      writeFileSync(path.join(folder, 'guest.langium'), committed('src/language/guest.langium'));
      writeFileSync(path.join(folder, 'langium-config.json'), committed('src/language/langium-config.json'));
      writeFileSync(path.join(folder, 'package.json'), '{ "name": "guest" }');
      const langium = path.join(root, 'node_modules/langium-cli/bin/langium.js');
      execFileSync(process.execPath, [langium, 'generate', '-f', path.join(folder, 'langium-config.json')], { cwd: folder, stdio: 'pipe' });
      for (const name of readdirSync(path.join(folder, 'generated'))) {
        assert.equal(committed(`src/language/generated/${name}`), readFileSync(path.join(folder, 'generated', name), 'utf8'), name);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('of TextMate colour what the language has (UPDATE_GENERATED=1 writes it)', () => {
    const file = path.join(root, 'syntaxes/guest.tmLanguage.json');
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, textMateGrammarText());
    assert.equal(readFileSync(file, 'utf8'), textMateGrammarText());
  });
});

describe('colours', () => {
  /** Scope of each word of a line: the innermost one, without `.guest`. */
  async function colours(line: string): Promise<string[]> {
    const wasm = readFileSync(path.join(root, 'node_modules/vscode-oniguruma/release/onig.wasm'));
    await loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
    const onigLib: IOnigLib = { createOnigScanner: (patterns) => new OnigScanner(patterns), createOnigString: (text) => new OnigString(text) };
    const registry = new Registry({
      onigLib: Promise.resolve(onigLib),
      loadGrammar: () => Promise.resolve(JSON.parse(committed('syntaxes/guest.tmLanguage.json'))),
    });
    const grammar = await registry.loadGrammar('source.guest');
    assert.ok(grammar);
    return grammar.tokenizeLine(line, INITIAL).tokens
      .filter(({ startIndex, endIndex }) => line.slice(startIndex, endIndex).trim() !== '')
      .map(({ startIndex, endIndex, scopes }) => `${line.slice(startIndex, endIndex).trim()} ${scopes[scopes.length - 1]?.replace('.guest', '')}`);
  }

  it('tell keywords, sizes, registers, rights, calls, numbers and comments apart', async () => {
    assert.deepEqual(await colours('user entry [a] = pte(gpa:0x1_000, rw) // why'), [
      'user storage.modifier', 'entry storage.type', '[a] source', '= keyword.operator', 'pte support.function', '( source',
      'gpa storage.type', ': source', '0x1_000 constant.numeric', ', source', 'rw constant.language', ') source',
      '// why comment.line.double-slash',
    ]);
    assert.deepEqual(await colours('override procedure map(process p)'), [
      'override keyword.declaration', 'procedure keyword.declaration', 'map entity.name.function', '( source',
      'process keyword.declaration', 'p) source',
    ]);
    assert.deepEqual(await colours('expect under shadow-wp: cr0.WP == 1 and not frame(3)'), [
      'expect keyword.other.expect', 'under keyword.other.expect', 'shadow-wp constant.other.technique', ': source',
      'cr0 variable.language.register', '.WP source', '== keyword.operator', '1 constant.numeric', 'and keyword.operator.word',
      'not keyword.operator.word', 'frame entity.name.function.call', '( source', '3 constant.numeric', ') source',
    ]);
  });
  it('know every keyword of the grammar', async () => {
    for (const word of keywordsOfGrammar()) {
      const [colour] = await colours(word);
      assert.notEqual(colour, `${word} source`, word);
    }
  });
});
