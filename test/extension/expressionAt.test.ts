import { strict as assert } from 'node:assert';
import { expressionAt } from '../../src/extension/expressionAt';

/** What a hover evaluates with the pointer on the `^`-marked column of the line. */
function hovered(line: string, mark: string): string | undefined {
  return expressionAt(line, mark.indexOf('^'))?.text;
}

describe('the expression under the pointer', () => {
  it('is a whole address with its space', () => {
    assert.equal(hovered('  x = gpa:0x3_000 + 8', '          ^'), 'gpa:0x3_000');
    assert.equal(hovered('  expect alice.gpa:0x5000 == y', '           ^'), 'alice.gpa:0x5000');
  });

  it('is a name with its fields, register bits among them', () => {
    assert.equal(hovered('  cr0.WP = 0', '      ^'), 'cr0.WP');
    assert.equal(hovered('  slot = e.frame', '           ^'), 'e.frame');
  });

  it('is a memory operand at its brackets and at a number inside, which alone would only say itself', () => {
    const line = '  user [0x600000] = 0xabc';
    assert.equal(hovered(line, '         ^'), '[0x600000]');
    assert.equal(hovered(line, '       ^'), '[0x600000]');
    assert.equal(hovered(line, '                     ^'), undefined);
    assert.equal(hovered('  user [a + 4K] = 1', '        ^'), 'a');
    assert.equal(hovered('  user [a + 4K] = 1', '             ^'), '[a + 4K]');
    assert.equal(hovered('  entry [slot] &= ~RW', '   ^'), 'entry [slot]');
  });

  it('is nothing in comments, in texts and on words of the language', () => {
    assert.equal(hovered('  x = 1 // gpa:0x3000', '            ^'), undefined);
    assert.equal(hovered('  print "cr3", cr3', '         ^'), undefined);
    assert.equal(hovered('  print "cr3", cr3', '               ^'), 'cr3');
    assert.equal(hovered('  user [a] = 1', '   ^'), undefined);
  });

  it('is a question with its field, which touches nothing', () => {
    const line = '  expect walk(a + 0x1000).frame == gpa_of(b)';
    assert.equal(hovered(line, '         ^'), 'walk(a + 0x1000).frame');
    assert.equal(hovered(line, '                           ^'), 'walk(a + 0x1000).frame');
    assert.equal(hovered(line, '              ^'), 'a');
    assert.equal(hovered(line, '                  ^'), 'walk(a + 0x1000).frame');
    assert.equal(hovered(line, '                                     ^'), 'gpa_of(b)');
    assert.equal(hovered(line, '                                          ^'), 'b');
  });

  it('is never a call, which might do something', () => {
    assert.equal(hovered('  switch(p)', '    ^'), undefined);
    assert.equal(hovered('  switch(p)', '         ^'), 'p');
  });
});
