import type { MessageRow } from './messageRow';

/** What the lexer and the parser say. */
export const syntaxMessages = {
  'too-many-lines': {
    sentence: 'This file has <lines> lines and <most> are the most; split it with import.',
    file: '\n'.repeat(50_000),
  },
  'too-deep': {
    sentence: 'This is nested more than <most> deep; split it into variables or procedures.',
    file: `cpu 0 { x = ${'('.repeat(101)}1${')'.repeat(101)} }`,
  },
  'statement-too-long': {
    sentence: 'This statement has more than <most> words; split it into several lines.',
    file: `cpu 0 { x = 1${' + 1'.repeat(1000)} }`,
  },
  'more-mistakes': {
    sentence: 'There are more mistakes from here on, and nothing behind is read; mend those above first.',
    file: `cpu 0 {\n${'  x = = 1\n'.repeat(101)}}`, among: 100,
  },
  'unknown-character': { sentence: '`<found>` is not part of the language; <advice>.', cpu: 'x = 3 § 4' },
  'unclosed-text': { sentence: 'This text has no closing `"`; write it where the text ends.', cpu: 'print "no end' },
  'malformed-number': {
    sentence: '`<image>` is no number; write 42, 0x1f, 0b101, or a size such as 4K, 16M, 1G, 2T.',
    cpu: 'x = 12abc',
  },
  'unclosed-block': { sentence: 'This `{` is never closed; write `}` where its block ends.', file: 'cpu 0 {\n  x = 1\n' },
  'stray-brace': { sentence: 'This `}` closes nothing; remove it, or open the block with `{`.', file: 'cpu 0 { x = 1 }\n}' },
  'stray-else': { sentence: 'This `else` has no if right before it; write it behind the `}` of its if.', cpu: 'x = 1\nwhile x < 3 { x += 1 }\nelse { x = 2 }' },
  'two-statements': {
    sentence: '`<image>` cannot stand here; one line holds one statement, and a call needs parentheses.',
    cpu: 'x = 1 y = 2',
  },
  'behind-statement': {
    sentence: '`<image>` cannot stand here, as the statement is over before it; remove it, or start a new line.',
    cpu: 'x = 1, 2',
  },
  'compares-with-two': { sentence: '`=` gives a place its value, one a line; write == to compare.', cpu: 'x = 1\nif x = 1 { print x }' },
  'changes-with-equals': { sentence: '`<image>` cannot stand here; to change something write <image>=, as in x <image>= 1.', cpu: 'x = 1\nx + 1' },
  'under-goes-first': { sentence: '`under` stands in front; write expect under TECHNIQUE: and what is expected.', cpu: 'x = 1\nexpect no exits under native' },
  'for-in': { sentence: '`<image>` cannot stand here; write for i in 0 .. 4 { … }.', cpu: 'for i = 0 .. 4 { print i }' },
  'other-word': { sentence: '`<image>` is no word of the language; write <instead>.', cpu: 'x = 1\nexpct x == 1' },
  'other-sign': { sentence: '`<image>` is no sign of the language; write <instead>.', cpu: 'x = 1\nif x == 1 && x < 3 { print x }' },
  'call-without-parentheses': { sentence: '`<name>` is called with parentheses; write <name>(…).', cpu: 'switch p' },
  'setting-sign': { sentence: 'A setting stands before its value without a sign; remove the `<image>`.', file: 'machine { ram = 16M }\ncpu 0 { x = 1 }' },
  'brace-below': { sentence: 'A block begins on the line of its head; write this `{` there.', cpu: 'x = 1\nif x == 1\n{\n  print x\n}' },
  'reserved-word': { sentence: '`<image>` is a word of the language and no name; choose another one.', cpu: 'for if in 0 .. 3 { }' },
  'type-without-name': { sentence: '`<type>` is a type; write a name behind it, such as <type> <name>.', file: 'on page_fault(gva, code) { refuse }\ncpu 0 { x = 1 }' },
  'token-wanted': { sentence: '<found> cannot stand <where>; write <wanted> there.', file: 'process p { 0x600000 .. rw user }\ncpu 0 { x = 1 }' },
  'more-input': {
    sentence: '<found> cannot stand here; start a new line, or close the block above with `}`.',
    file: 'cpu 0 { x = 1 } cpu 1 { x = 1 }',
  },
  'cannot-stand': { sentence: '<found> cannot stand here; <advice>.', cpu: 'x = 1 + * 2' },
} as const satisfies Readonly<Record<string, MessageRow>>;
