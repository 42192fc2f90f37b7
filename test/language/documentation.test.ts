import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventKinds } from '../../src/hardware/events/eventTable';
import { hostActions, instructions, questions, walkFields } from '../../src/language/compile/builtins';
import { entryBits, entryConstructors, entryWords, rightsWords } from '../../src/language/compile/entryFormat';
import { eventFieldNames } from '../../src/language/program';
import { keywordsOfGrammar } from '../../src/language/syntax/textMateGrammar';
import { catalog, problems } from './scenarioCheck';

const page = readFileSync(path.join(__dirname, '../../docs/language.md'), 'utf8');
const blocks = [...page.matchAll(/```guest\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
/** Keywords that the grammar takes as names too. */
const FREE = new Set(['are', 'at', 'before', 'every', 'random', 'step', 'thread']);

describe('docs/language.md', () => {
  it('shows examples that compile', () => {
    assert.ok(blocks.length >= 2);
    for (const block of blocks) {
      const text = block.includes('cpu 0') ? block : `${block}\ncpu 0 { x = fresh() }`;
      assert.deepEqual(problems(text), [], block);
    }
  });
  it('lists every reserved word', () => {
    const listed = (page.split('take:\n')[1] ?? '').trim().split(/\s+/);
    assert.deepEqual(listed, keywordsOfGrammar().filter((word) => !FREE.has(word)));
  });
  it('names everything that the language knows', () => {
    const known = [
      ...Object.keys(questions), ...Object.keys(walkFields), ...[...instructions.keys()].filter((name) => !/^(in|out)[wl]$/.test(name)), ...rightsWords.keys(),
      ...entryBits.keys(), ...entryWords.keys(), ...entryConstructors.keys(), ...eventFieldNames, ...catalog.techniqueNames,
      ...eventKinds.map(({ name }) => name),
    ];
    assert.deepEqual(known.filter((name) => !new RegExp(`\\b${name}\\b`).test(page)), []);
    assert.ok(hostActions.size > 0 && page.includes('host actions'));
  });
});
