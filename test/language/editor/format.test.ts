import { strict as assert } from 'node:assert';
import fc, { type Stream } from 'fast-check';
import { formatText } from '../../../src/language/format/formatText';
import { kernelText } from '../../../src/language/library/kernelText';
import { everyConstruct, scenarios } from '../samples';
import { compileForEngine } from '../scenarioCheck';

function formatted(text: string): string {
  const result = formatText(text);
  if ('problems' in result) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.text;
}

/** [what is written, what it becomes]; both without the last line end. */
const LAYOUTS: readonly (readonly [claim: string, text: string, becomes: string])[] = [
  ['two blanks a brace, whatever stood there', 'cpu 0 {\n      x = 1\n\tif x {\n refuse\n  }\n}', 'cpu 0 {\n  x = 1\n  if x {\n    refuse\n  }\n}'],
  ['a statement a line', 'cpu 0 { switch(p); x = 1 }', 'cpu 0 {\n  switch(p)\n  x = 1\n}'],
  ['user { a; b } gets its lines', 'cpu 0 {\n  user { [a] = 1; [b] = 2 }\n}', 'cpu 0 {\n  user {\n    [a] = 1\n    [b] = 2\n  }\n}'],
  ['a brace written in one line with one statement stays', 'cpu 0 {\n  if x {refuse}\n}', 'cpu 0 {\n  if x { refuse }\n}'],
  ['else stands behind its brace', 'cpu 0 {\n  if x { a = 1 }\n  else { a = 2 }\n}', 'cpu 0 {\n  if x { a = 1 } else { a = 2 }\n}'],
  ['one blank around operators, none in brackets', 'cpu 0 {\n  x=- 1-~ y*(2+z)\n  t[ k,j ]|=[ a ]\n}', 'cpu 0 {\n  x = -1 - ~y * (2 + z)\n  t[k, j] |= [a]\n}'],
  ['addresses are one word', 'cpu 0 {\n  x = gva : ( e . frame+8 )\n  [0x40 : 0x17]=p . gpa:1\n}', 'cpu 0 {\n  x = gva:(e.frame + 8)\n  [0x40:0x17] = p.gpa:1\n}'],
  ['names with hyphens are one word', 'machine{paging 4 - level,mmu shadow - wp}', 'machine { paging 4-level, mmu shadow-wp }'],
  ['a claim has a blank behind its colon', 'cpu 0 {\n  x = 1\n  expect under ept or shadow-wp :no  page_fault\n}', 'cpu 0 {\n  x = 1\n  expect under ept or shadow-wp: no page_fault\n}'],
  ['settings keep their columns', 'machine {\n  paging 4-level\n  ram    16M\n  mmu    shadow-wp\n}', 'machine {\n  paging 4-level\n  ram    16M\n  mmu    shadow-wp\n}'],
  ['padding without a neighbour goes', 'cpu 0 {\n  x   = 1\n  switch(p)\n}', 'cpu 0 {\n  x = 1\n  switch(p)\n}'],
  ['comments keep their column', 'cpu 0 {\n  x = 1      // one\n  switch(p)  // two\n}', 'cpu 0 {\n  x = 1      // one\n  switch(p)  // two\n}'],
  ['comments of a run move together', 'cpu 0 {\n  x=1+2+3+4 // one\n  y=1       // two\n}', 'cpu 0 {\n  x = 1 + 2 + 3 + 4 // one\n  y = 1             // two\n}'],
  ['comments move in with their line', 'cpu 0 {\nx = 1   // one\n}', 'cpu 0 {\n  x = 1   // one\n}'],
  ['a comment of its own line stands where a statement would', 'cpu 0 {\n      // why\n  x = 1\n// end\n}', 'cpu 0 {\n  // why\n  x = 1\n  // end\n}'],
  ['one empty line at most, none inside a brace', 'global a\n\n\n\nglobal b\ncpu 0 {\n\n  x = 1\n\n}', 'global a\n\nglobal b\ncpu 0 {\n  x = 1\n}'],
  ['a statement that goes on stays indented below itself', 'cpu 0 {\n     f(a,\n       b)\n   if x and\n   y { refuse }\n}', 'cpu 0 {\n  f(a,\n    b)\n  if x and\n    y { refuse }\n}'],
];

describe('formatting', () => {
  for (const [claim, text, becomes] of LAYOUTS) {
    it(claim, () => { assert.equal(formatted(text), `${becomes}\n`); });
  }

  it('changes nothing in the scenarios and the library', () => {
    for (const [name, text] of [...scenarios, ['kernel.guest', kernelText] as const]) assert.equal(formatted(text), text, name);
  });

  it('keeps the line ends of the file and a byte order mark', () => {
    assert.equal(formatted('\uFEFFcpu 0 {\r\nx = 1\r\n}'), '\uFEFFcpu 0 {\r\n  x = 1\r\n}\r\n');
  });

  it('leaves a text alone that does not parse, and says where', () => {
    const result = formatText('cpu 0 {\n  x =   \n}');
    assert.ok('problems' in result);
    assert.equal(result.problems.length, 1);
  });

  it('gives edits that make the text, and that touch nothing but blanks and `;`', () => {
    const text = 'cpu 0 { switch( p ); x=1\n\n\n}';
    const result = formatText(text);
    assert.ok('text' in result);
    let edited = text;
    for (const { start, end, newText } of [...result.edits].reverse()) {
      assert.match(text.slice(start, end), /^[\s;]*$/);
      edited = edited.slice(0, start) + newText + edited.slice(end);
    }
    assert.equal(edited, result.text);
  });
});

/** The text with its blanks drawn anew: none, some, and line ends where a statement may go on. */
function mangled(text: string, draw: () => number): string {
  return text.split('\n').map((line) => {
    const comment = /(?:^|\s)\/\/.*$/.exec(line)?.[0] ?? '';
    const code = comment === '' ? line : line.slice(0, -comment.length);
    const words = code.trim().match(/"[^"]*"|\.\.|->|<<|>>|[=!<>+\-&|^]=|\w+|\S/g) ?? [];
    let made = ' '.repeat(draw() % 7);
    words.forEach((word, i) => {
      const before = words[i - 1] ?? '';
      const mustPart = (/\w$/.test(before) && /^\w/.test(word)) || /^[<>=!&|^+\-.~*/%]$/.test(before.slice(-1)) || before === ',';
      const chance = draw() % 5;
      if (i > 0) made += chance === 0 && (before === ',' || before === '(' || before === 'and') ? '\n ' : ' '.repeat(mustPart ? 1 + chance : chance);
      made += word;
    });
    return made + (comment === '' ? '' : ' '.repeat(1 + (draw() % 9)) + comment.trim());
  }).join('\n'.repeat(1 + (draw() % 2)));
}

function drawn(stream: Stream<number>): number {
  const { value } = stream.next() as { readonly value: number };
  return value;
}

const comments = (text: string): readonly string[] => [...text.matchAll(/\/\/.*$/gm)].map(([comment]) => comment.trimEnd());

describe('formatting any layout of a scenario', function () {
  this.timeout(20_000);
  const samples = [...scenarios.values(), everyConstruct];

  it('is done after once, and loses no comment and no word', () => {
    fc.assert(fc.property(fc.constantFrom(...samples), fc.infiniteStream(fc.nat(1000)), (sample, stream: Stream<number>) => {
      const text = mangled(sample, () => drawn(stream));
      const once = formatted(text);
      assert.equal(formatted(once), once);
      assert.deepEqual(comments(once), comments(text));
      assert.equal(once.replace(/[\s;]/g, ''), text.replace(/[\s;]/g, ''));
      for (const line of once.split('\n')) assert.equal(line, line.trimEnd());
    }), { numRuns: 60 });
  });

  it('never changes the program: same instructions, same constants', () => {
    const compiling = [...scenarios.values()];
    fc.assert(fc.property(fc.constantFrom(...compiling), fc.infiniteStream(fc.nat(1000)), (sample, stream: Stream<number>) => {
      const before = compileForEngine(sample).program;
      const after = compileForEngine(formatted(mangled(sample, () => drawn(stream)))).program;
      assert.ok(before !== undefined && after !== undefined);
      assert.deepEqual(after.code, before.code);
      assert.deepEqual(after.constants, before.constants);
    }), { numRuns: 25 });
  });
});
