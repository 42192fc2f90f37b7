import { strict as assert } from 'node:assert';
import { MAX_LINES, MAX_NESTING } from '../../src/language/syntax/lineEnds';
import { guestParser } from '../../src/language/syntax/guestParser';
import { parseFile } from '../../src/language/syntax/parse';

/** The tokens that reach the parser; a line end shows as `⏎`. */
function tokens(text: string): string {
  return guestParser().lexer.scan(text).tokens.map((token) => (token.tokenType.name === 'EOS' ? '⏎' : token.image)).join(' ');
}

describe('a statement ends with its line', () => {
  it('ends at the line or at a semicolon, however many of them', () => {
    assert.equal(tokens('a = 1\nb = 2; c = 3\n\n ; \nd = 4'), 'a = 1 ⏎ b = 2 ⏎ c = 3 ⏎ d = 4');
  });
  it('ends behind a comment too', () => {
    assert.equal(tokens('a = 1 // one\n// two\nb = 2\r\nc = 3'), 'a = 1 ⏎ b = 2 ⏎ c = 3');
  });
  it('goes on inside ( ) and [ ]', () => {
    assert.equal(tokens('f(\n1\n+ 2)\n[a\n+ 8] = 1'), 'f ( 1 + 2 ) ⏎ [ a + 8 ] = 1');
  });
  it('goes on after a comma, and, or', () => {
    assert.equal(tokens('print 1,\n2\nx = a and\nb or\nc'), 'print 1 , 2 ⏎ x = a and b or c');
  });
  it('does not go on before an operator', () => {
    assert.equal(tokens('x = a\n+ b'), 'x = a ⏎ + b');
  });
  it('has nothing to end after { and before }', () => {
    assert.equal(tokens('cpu 0 {\n x = 1\n}\n'), 'cpu 0 { x = 1 }');
  });
  it('lets else stand on the next line', () => {
    assert.equal(tokens('if a { b = 1 }\nelse { c = 1 }\nd = 1'), 'if a { b = 1 } else { c = 1 } ⏎ d = 1');
  });
  it('has nothing to end at the ends of the file', () => {
    assert.equal(tokens('\n\n cpu 0 { } \n\n'), 'cpu 0 { }');
  });
  it('closes a forgotten parenthesis where a statement or a brace starts', () => {
    assert.equal(tokens('f(1\nx = 2'), 'f ( 1 ⏎ x = 2');
    assert.equal(tokens('f(1\nexpect x'), 'f ( 1 ⏎ expect x');
    assert.equal(tokens('f(1\n}\nx'), 'f ( 1 } ⏎ x');
  });
});

describe('what the recursive parser could not survive', () => {
  const refusal = (text: string): string => parseFile(text).problems.map((problem) => problem.message).join(' ');
  const deep = `This is nested more than ${MAX_NESTING} deep; split it into variables or procedures.`;
  it('is refused in parentheses, brackets, blocks, prefix operators and chains of else if', () => {
    assert.equal(refusal(`cpu 0 { x = ${'('.repeat(200)}1${')'.repeat(200)} }`), deep);
    assert.equal(refusal(`cpu 0 { x = ${'['.repeat(5000)}` ), deep);
    assert.equal(refusal(`cpu 0 { ${'measure { '.repeat(150)}${'} '.repeat(150)} }`), deep);
    assert.equal(refusal(`cpu 0 { x = ${'not '.repeat(20_000)}1 }`), deep);
    assert.equal(refusal(`cpu 0 { if a { }${' else if a { }'.repeat(3000)} }`), deep);
  });
  it('is not what is at the limit', () => {
    assert.equal(refusal(`cpu 0 { x = ${'('.repeat(99)}1${')'.repeat(99)} }`), '');
    assert.equal(refusal(`cpu 0 {\n${'if a { } else { }\n'.repeat(500)}}`), '');
  });
  it('is one statement of thousands of words', () => {
    assert.match(refusal(`cpu 0 { x = 1${' + 1'.repeat(20_000)} }`), /^This statement has more than 2000 words; split it/);
  });
  it('is a file past 50,000 lines', () => {
    assert.equal(refusal('\n'.repeat(MAX_LINES)), `This file has ${MAX_LINES + 1} lines and ${MAX_LINES} are the most; split it with import.`);
    assert.equal(refusal('\n'.repeat(MAX_LINES - 1)), '');
  });
});
