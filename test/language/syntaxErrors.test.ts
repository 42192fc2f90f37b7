import { strict as assert } from 'node:assert';
import { balanceBraces } from '../../src/language/syntax/braces';
import { withoutBrokenStatement } from '../../src/language/syntax/brokenStatement';
import { guestParser } from '../../src/language/syntax/guestParser';
import { meaningOf } from '../../src/language/syntax/habits';
import { dropIdleLineEnds } from '../../src/language/syntax/lineEnds';
import { lexicalProblems, parseFile, parseTokens, tokenType } from '../../src/language/syntax/parse';
import { placeOf } from '../../src/language/syntax/recovery';
import { lineOf, sourceText } from '../../src/language/syntax/sourceText';
import { BrokenTexts, Chance } from '../fuzz/brokenTexts';
import { everyConstruct, scenarios } from './samples';
import { cpuProblems, problems } from './scenarioCheck';

/** What `parseFile` finds, by the long way: everything from the beginning again behind each mistake. */
function readAgain(text: string): readonly number[] {
  const lexed = guestParser().lexer.scan(text);
  const { tokens: balanced, problems: unbalanced } = balanceBraces(lexed.tokens, tokenType('}'));
  const source = sourceText(0, '', text);
  const found = [...lexicalProblems(lexed), ...unbalanced].map(({ start }) => start);
  const lines = new Set(found.map((start) => lineOf(source, start)));
  for (let tokens = dropIdleLineEnds(balanced); ;) {
    const result = parseTokens(tokens, { text, hidden: [] });
    if ('file' in result) return found.sort((a, b) => a - b);
    const index = tokens.indexOf(result.token);
    const at = index < 0 ? tokens.length : index;
    const meant = meaningOf(tokens, at, tokenType);
    const start = meant?.problem.start ?? placeOf(tokens, at).start;
    const line = lineOf(source, start);
    if (!lines.has(line)) found.push(start);
    lines.add(line);
    tokens = dropIdleLineEnds(meant?.mended ?? withoutBrokenStatement(tokens, at, tokenType('measure')).tokens);
  }
}

describe('syntax errors', () => {
  it('come one for each mistake, and the lines between are still checked', () => {
    const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. rw user }
cpu 0 {
  switch(p)
  x = 1 + * 2
  barier ready
  y = x + q
  if x == { x = r }
  z = 12abc
  print "no end
  for a in 0 .. 4 step { t = s }
}`;
    assert.deepEqual(problems(text), [
      '2:25-27 `rw` cannot stand after `..`; write a number there.',
      '5:11-12 `*` cannot stand here; write a value.',
      '6:3-9 `barier` is no word of the language; write barrier.',
      '6:3-15 Only cpu 0 names the barrier `ready`, so there is nobody to wait for; name it in another cpu or host thread, or remove it.',
      '7:11-12 There is no `q` here; assign a variable or declare a global first.',
      '8:11-12 `{` cannot stand here; write a value.',
      '8:17-18 There is no `r` here; assign a variable or declare a global first.',
      '9:7-12 `12abc` is no number; write 42, 0x1f, 0b101, or a size such as 4K, 16M, 1G, 2T.',
      '10:9-10 This text has no closing `"`; write it where the text ends.',
      '11:24-25 `{` cannot stand here; write a value.',
      '11:30-31 There is no `s` here; assign a variable or declare a global first.',
    ]);
  });

  it('end with the hundredth, and what stands before them is there', () => {
    const text = `procedure f() {}\ncpu 0 {\n  x = 1\n${'  x = = 1\n'.repeat(150)}  x = nothing\n}`;
    const { file, problems: found, lost } = parseFile(text);
    assert.deepEqual([found.length, found[99]?.code, found[100]?.code], [101, 'cannot-stand', 'more-mistakes']);
    assert.deepEqual(file.items.map((item) => [item.$type, item.$type === 'Cpu' ? item.body.statements.length : 0]), [['Procedure', 0], ['Cpu', 1]]);
    assert.ok(lost.has('nothing'));
    const manyOnALine = parseFile(`cpu 0 { x = 1; ${'= ;'.repeat(500)} }`);
    assert.deepEqual(manyOnALine.problems.map(({ code }) => code), ['cannot-stand', 'more-mistakes']);
    assert.deepEqual(parseFile('}'.repeat(300)).problems.map(({ code }) => code).slice(98), ['stray-brace', 'stray-brace', 'more-mistakes']);
  });

  it('take no longer for being many: five thousand lines of them', () => {
    const started = process.cpuUsage();
    for (const line of ['  x = = 1', '  foo bar baz', '  if 1 + {\n  x = 1\n  }']) {
      assert.ok(parseFile(`cpu 0 {\n${`${line}\n`.repeat(5000)}}`).problems.length > 100, line);
    }
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 8_000_000, `${(user + system) / 1000} ms`);
  });

  // What would be wanted instead may be told differently, where nothing is left in a block before it.
  it('stand where reading all again behind each would find them', () => {
    const chance = new Chance(5);
    const texts = new BrokenTexts([everyConstruct, ...scenarios.values()]);
    for (let i = 0; i < 60; i++) {
      const text = [texts.make(chance), texts.make(chance)].join('\n');
      assert.deepEqual(parseFile(text).problems.map(({ start }) => start), readAgain(text), text);
    }
  });

  it('say where a brace is missing', () => {
    assert.deepEqual(problems('cpu 0 {\n  x = 1\nprocedure f() {\n}'), ['1:7-8 This `{` is never closed; write `}` where its block ends.']);
    assert.deepEqual(problems('cpu 0 {\n  x = 1\n'), ['1:7-8 This `{` is never closed; write `}` where its block ends.']);
    assert.deepEqual(problems('cpu 0 {\n}\n}'), ['3:1-2 This `}` closes nothing; remove it, or open the block with `{`.']);
  });

  it('say what words and signs of other languages are here, and read on as they were meant', () => {
    const text = `CPU 0
{
  let x = 1
  mov cr3, 0x1000
  int y = 2
  repat 3 { x += r }
  if x == 1 && y == 2 { x = 2 } elif x == 3 { x = 4 }
  if !x { x = 5 }
  invlpg 0x600000
  cr3 := x
  x = 2                      # a comment of another language: x = nothing
  print 'x is', "open, nothing
}
proces p { 0x600000 .. 0x601000 rw user }
machine { ram = 16M, paging: 4-level }`;
    assert.deepEqual(problems(text), [
      '1:1-4 `CPU` is no word of the language; write cpu.',
      '2:1-2 A block begins on the line of its head; write this `{` there.',
      '3:3-6 `let` is no word of the language; write x = 1: a variable is there from its first value on.',
      '4:3-6 `mov` is no word of the language; write x = 1, with the place before its value.',
      '5:3-6 `int` is no word of the language; write x = 1: a variable is there from its first value on.',
      '6:3-8 `repat` is no word of the language; write repeat.',
      '6:18-19 There is no `r` here; assign a variable or declare a global first.',
      '7:13-15 `&&` is no sign of the language; write and.',
      '8:6-7 `!` is not part of the language; write not.',
      '9:3-9 `invlpg` is called with parentheses; write invlpg(…).',
      '10:7-9 `:=` is no sign of the language; write =.',
      '11:30-31 `#` is not part of the language; a comment begins with //.',
      '12:9-10 `\'` is not part of the language; text stands between double quotes.',
      '12:17-18 This text has no closing `"`; write it where the text ends.',
      '14:1-7 `proces` is no word of the language; write process.',
      '15:15-16 A setting stands before its value without a sign; remove the `=`.',
    ]);
    assert.deepEqual(problems('cpu 0 { print "open }'), ['1:15-16 This text has no closing `"`; write it where the text ends.']);
    assert.deepEqual(problems('cpu { x = 1 }'), ['1:5-6 `{` cannot stand after `cpu`; write a number there.']);
  });

  it('say that a word of the language is no name', () => {
    for (const [lines, place] of [
      ['for if in 0 .. 3 { }', '5-7'], ['table = frame()', '1-6'], ['entry = 3', '1-6'], ['measure |= 4', '1-8'], ['barrier = 3', '1-8'],
      ['exits += 3', '1-6'], ['invlpg(table)', '8-13'], ['x = 1 + machine', '9-16'], ['x = 1\nx = x and on', '11-13'], ['map(p, process)', '8-15'],
    ] as const) {
      const word = lines.split('\n').at(-1)!.slice(Number(place.split('-')[0]) - 1, Number(place.split('-')[1]) - 1);
      assert.deepEqual(cpuProblems(lines), [`${place} \`${word}\` is a word of the language and no name; choose another one.`], lines);
    }
  });

  it('point at characters that the language does not have', () => {
    assert.deepEqual(cpuProblems('x = 3 § 4'), ['7-8 `§` is not part of the language; remove it.']);
  });
});
