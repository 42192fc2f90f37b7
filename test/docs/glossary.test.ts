import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { glossaryText, readGlossary } from '../../scripts/glossaryPage';
import { techniqueNames } from '../../src/engine/settings/techniques';
import { LONG5 } from '../../src/hardware/paging/formats/long5';
import { entryBits, entryWords } from '../../src/language/compile/entryFormat';
import { glossary, glossaryTerm } from '../../src/language/glossary';

const root = path.join(__dirname, '..', '..');
const terms = readGlossary(readFileSync(path.join(root, 'docs/glossary.md'), 'utf8'));

/** Exits that a scenario can cause. */
const exits = [
  'exception_nmi', 'external_interrupt', 'triple_fault', 'interrupt_window', 'cpuid', 'hlt', 'invlpg', 'vmcall', 'cr_access',
  'io_instruction', 'rdmsr', 'wrmsr', 'ept_violation', 'ept_misconfiguration', 'invpcid', 'vmfunc', 'pml_full', 'npf', 'interpreted_access',
];

describe('docs/glossary.md', () => {
  it('is what the product\'s hovers say: npm run generate has been run', () => {
    assert.equal(readFileSync(path.join(root, 'src/language/glossary.ts'), 'utf8'), glossaryText(terms));
    assert.deepEqual(glossary, terms);
  });

  it('has one meaning for a word', () => {
    const words = terms.flatMap(({ term, also }) => [term, ...also]);
    assert.deepEqual(words.filter((word, index) => words.indexOf(word) !== index), []);
  });

  it('says something of every term, in whole sentences', () => {
    assert.ok(terms.length > 140);
    for (const { term, text } of terms) assert.match(text, /^[A-Z0-9].{20,}\.$/, term);
  });

  it('cites manuals by section title, never by number', () => {
    for (const { term, source } of terms) assert.match(source, /^(|(SDM Vol\. [13]|APM Vol\. 2), "[A-Z0-9][^"]+")$/, term);
    assert.ok(terms.filter(({ source }) => source !== '').length > 40);
  });

  for (const [what, words] of [
    ['technique', techniqueNames],
    ['bit of an entry', [...entryBits.keys()]],
    ['word of an entry', [...entryWords.keys()].filter((word) => !['user', 'uncached', 'key', 'bit'].includes(word))],
    ['entry', LONG5.levelNames.filter((name) => /E$/.test(name))],
    ['space', ['gva', 'gpa', 'hva', 'hpa']],
    ['VM exit', exits],
  ] as const) {
    it(`tells of every ${what}`, () => {
      assert.ok(words.length > 0);
      assert.deepEqual(words.filter((word) => glossaryTerm(word) === undefined), []);
    });
  }
});
