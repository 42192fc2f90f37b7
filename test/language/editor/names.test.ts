import { strict as assert } from 'node:assert';
import { definitionAt, referencesAt } from '../../../src/language/editor/definition';
import { placeOfOffset } from '../../../src/language/editor/places';
import { renameableAt, renameAt } from '../../../src/language/editor/rename';
import type { NameUse } from '../../../src/language/editor/nameIndex';
import { compile } from '../scenarioCheck';
import { marked, read } from './marked';

const SCENARIO = `import "lib.guest"
machine { slot low 0 .. 16M ram }
process p { 0x600000 .. 0x601000 rw user }
global next = gpa:1M
table owner
procedure fresh() -> gpa {
  next += 4K
  return next
}
override procedure unmap(process p, gva address) {
  original(p, address)
}
on page_fault(gva address, code) {
  slot = address
  original(slot, code)
}
cpu 0 {
  switch(p)
  slot = fresh()
  owner[slot] = 1
  unmap(p, 0x600000)
  helper(slot)
  for slot in 0 .. 3 { x = slot }
  barrier ready
}
cpu 1 {
  slot = 7
  barrier ready
  host log_dirty(low, 1)
}
`;
const LIB = 'global shared_one = 1\nprocedure helper(gpa a) { shared_one = a; boot() }\n';
const FILES = { 'lib.guest': LIB };

function shown({ file, token, role }: NameUse): string {
  const { line } = placeOfOffset(file.source, token.start);
  return `${file.source.path === 'test.guest' ? '' : `${file.source.path}:`}${String(line + 1)} ${role}`;
}

/** `|` goes before the n-th `word` of the scenario, from 0. */
function at(word: string, n = 0): { text: string; offset: number } {
  const places = [...SCENARIO.matchAll(new RegExp(`\\b${word}\\b`, 'g'))];
  const offset = places[n]?.index;
  if (offset === undefined) throw new Error(`there is no ${word} number ${String(n)}`);
  return { text: SCENARIO, offset: offset + 1 };
}

function definition(word: string, n = 0): string | undefined {
  const { text, offset } = at(word, n);
  const found = definitionAt(read(text, FILES), offset);
  return found === undefined ? undefined : shown(found);
}

function references(word: string, n = 0): readonly string[] {
  const { text, offset } = at(word, n);
  return referencesAt(read(text, FILES), offset).map(shown);
}

describe('definition leads', () => {
  it('to procedures, globals, tables, processes and slots of the scenario', () => {
    assert.equal(definition('fresh', 1), '6 declares');
    assert.equal(definition('next', 2), '4 declares');
    assert.equal(definition('owner', 1), '5 declares');
    assert.equal(definition('p', 4), '3 declares');
    assert.equal(definition('low', 1), '2 declares');
  });
  it('into imports and into the kernel library', () => {
    assert.equal(definition('helper'), 'lib.guest:2 declares');
    assert.match(definition('switch') ?? '', /^kernel\.guest:\d+ declares$/);
  });
  it('from a call to the procedure that replaces the library\'s, and from `original` to that', () => {
    assert.equal(definition('unmap', 1), '10 declares');
    assert.match(definition('original', 0) ?? '', /^kernel\.guest:\d+ declares$/);
    assert.match(definition('original', 1) ?? '', /^kernel\.guest:\d+ declares$/);
  });
  it('to where a variable of this body first gets a value, and to parameters', () => {
    assert.equal(definition('slot', 2), '14 writes');
    assert.equal(definition('slot', 4), '19 writes');
    assert.equal(definition('address', 2), '13 declares');
    assert.equal(definition('address', 1), '10 declares');
  });
  it('nowhere from words of the language', () => {
    assert.equal(definition('machine'), undefined);
    assert.equal(definition('original', 0)?.startsWith('1'), false);
  });
  it('into the VM that a name is qualified with', () => {
    const { text, offset } = marked('vm a { process p { 0x1000 .. 0x2000 rw user }; cpu 0 { x = 1 } }\nvm b {\nprocess p { 0x1000 .. 0x2000 rw user }\ncpu 0 { x = a.|p.root } }');
    const found = definitionAt(read(text), offset);
    assert.equal(found === undefined ? undefined : shown(found), '1 declares');
  });
});

describe('references are', () => {
  it('all uses in all files, with what they do', () => {
    assert.deepEqual(references('next'), ['4 declares', '7 writes', '8 uses']);
    assert.deepEqual(references('fresh'), ['6 declares', '19 uses']);
    assert.deepEqual(references('helper'), ['22 uses', 'lib.guest:2 declares']);
  });
  it('those of one body, for a variable', () => {
    assert.deepEqual(references('slot', 2), ['14 writes', '15 uses']);
    assert.deepEqual(references('slot', 4), ['19 writes', '20 uses', '22 uses', '23 writes', '23 uses']);
  });
  it('those of every CPU, for a meeting', () => {
    assert.deepEqual(references('ready'), ['24 uses', '28 uses']);
  });
  it('within the library too', () => {
    const found = references('switch');
    assert.ok(found.includes('18 uses'));
    assert.ok(found.some((use) => /^kernel\.guest:\d+ declares$/.test(use)));
  });
});

describe('rename', () => {
  function renamed(word: string, n: number, to: string): Readonly<Record<string, string>> | string {
    const { text, offset } = at(word, n);
    const result = renameAt(read(text, FILES), offset, to);
    if ('error' in result) return result.error;
    return Object.fromEntries(result.map(({ file, edits }) => {
      let changed = file.source.text;
      for (const { start, end, newText } of [...edits].sort((a, b) => b.start - a.start)) changed = changed.slice(0, start) + newText + changed.slice(end);
      return [file.source.path, changed];
    }));
  }

  const refusal = (result: ReturnType<typeof renamed>): string => (typeof result === 'string' ? result : '');

  it('changes every use and nothing else', () => {
    assert.deepEqual(renamed('next', 1, 'upcoming'), { 'test.guest': SCENARIO.replace(/\bnext\b/g, 'upcoming') });
    const own = renamed('slot', 2, 'where');
    assert.ok(typeof own !== 'string');
    assert.ok(own['test.guest']?.includes('  where = address\n  original(where, code)') && own['test.guest'].includes('  slot = fresh()'));
  });
  it('goes through imports', () => {
    const result = renamed('helper', 0, 'assistant');
    assert.ok(typeof result !== 'string');
    assert.deepEqual(Object.keys(result), ['test.guest', 'lib.guest']);
    assert.match(result['lib.guest'] ?? '', /procedure assistant\(/);
  });
  it('leaves the program as it was', () => {
    const text = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\nglobal g = 1\ncpu 0 {\n  switch(p)\n  g += 2\n  x = g\n  expect x == 3\n}\n';
    for (const [word, to] of [['g', 'counter'], ['x', 'found'], ['p', 'alice']] as const) {
      const result = renameAt(read(text), text.search(new RegExp(`\\b${word}\\b`)), to);
      assert.ok(!('error' in result), 'error' in result ? result.error : '');
      let changed = text;
      for (const { start, end, newText } of [...(result[0]?.edits ?? [])].reverse()) changed = changed.slice(0, start) + newText + changed.slice(end);
      const [before, after] = [compile(text).program, compile(changed).program];
      assert.ok(before !== undefined && after !== undefined, word);
      assert.deepEqual(after.code, before.code);
    }
  });
  it('refuses what cannot be a name here, with the reason', () => {
    assert.match(refusal(renamed('next', 0, '4x')), /is no name/);
    assert.match(refusal(renamed('next', 0, 'while')), /word of the language/);
    assert.match(refusal(renamed('next', 0, 'cr3')), /meaning of its own/);
    assert.match(refusal(renamed('next', 0, 'owner')), /something else here already/);
    assert.match(refusal(renamed('slot', 4, 'next')), /something else here already/);
  });
  it('refuses what the scenario does not declare', () => {
    for (const word of ['switch', 'machine', 'original']) {
      const { text, offset } = at(word);
      assert.ok('error' in renameableAt(read(text, FILES), offset), word);
    }
  });
});
