import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { languagePage } from '../../scripts/languagePage';
import { languageTables } from '../../scripts/languageTables';
import { catalog } from '../../src/engine/settings/catalog';
import { questions, walkFields } from '../../src/language/compile/builtins';
import { entryBits, entryConstructors, entryWords, rightsWords } from '../../src/language/compile/entryFormat';
import { messages } from '../../src/language/messages/messages';
import { eventFieldNames } from '../../src/language/program';

const file = path.join(__dirname, '../../docs/language.md');
const page = readFileSync(file, 'utf8');

describe('docs/language.md, its tables', () => {
  it('are the program\'s own: npm run generate has been run', () => {
    const written = languagePage(page);
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, written);
    else assert.equal(page, written);
    // Every message's example is compiled, among them one of 50,000 lines.
  }).timeout(120_000);

  it('are all there', () => {
    const asked = [...page.matchAll(/<!-- table ([\w ]+) -->/g)].map((match) => match[1]);
    assert.deepEqual(asked.sort(), Object.keys(languageTables).sort());
  });

  it('show every message once, with what is said of its example', () => {
    for (const code of Object.keys(messages)) assert.equal(page.split(`**${code}**`).length, 2, code);
    assert.doesNotMatch(page, /```text\n\n```/, 'every example has something said of it');
  });

  it('and the prose name all words that the language knows', () => {
    const known = [
      ...Object.keys(questions), ...Object.keys(walkFields), ...rightsWords.keys(), ...entryBits.keys(), ...entryWords.keys(),
      ...entryConstructors.keys(), 'epte', 'eptp', ...eventFieldNames, ...catalog.techniqueNames,
    ];
    assert.deepEqual(known.filter((name) => !new RegExp(`\\b${name}\\b`).test(page)), []);
  });
});
