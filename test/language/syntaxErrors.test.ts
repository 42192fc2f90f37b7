import { strict as assert } from 'node:assert';
import { cpuProblems, problems } from './scenarioCheck';

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
      '6:10-15 `ready` cannot stand here; one line holds one statement, and a call needs parentheses.',
      '7:11-12 There is no `q` here; assign a variable or declare a global first.',
      '8:11-12 `{` cannot stand here; write a value.',
      '8:17-18 There is no `r` here; assign a variable or declare a global first.',
      '9:7-12 `12abc` is no number; write 42, 0x1f, 0b101, or a size such as 4K, 16M, 1G, 2T.',
      '10:9-10 This text has no closing `"`; write it where the text ends.',
      '11:24-25 `{` cannot stand here; write a value.',
      '11:30-31 There is no `s` here; assign a variable or declare a global first.',
    ]);
  });

  it('say where a brace is missing', () => {
    assert.deepEqual(problems('cpu 0 {\n  x = 1\nprocedure f() {\n}'), ['1:7-8 This `{` is never closed; write `}` where its block ends.']);
    assert.deepEqual(problems('cpu 0 {\n  x = 1\n'), ['1:7-8 This `{` is never closed; write `}` where its block ends.']);
    assert.deepEqual(problems('cpu 0 {\n}\n}'), ['3:1-2 This `}` closes nothing; remove it, or open the block with `{`.']);
  });

  it('say that a word of the language is no name', () => {
    assert.deepEqual(cpuProblems('for if in 0 .. 3 { }'), ['5-7 `if` is a word of the language and no name; choose another one.']);
  });

  it('point at characters that the language does not have', () => {
    assert.deepEqual(cpuProblems('x = 3 § 4'), ['7-8 `§` is not part of the language; remove it.']);
  });
});
