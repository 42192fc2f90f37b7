import { AstUtils, GrammarAST, type AstNode } from 'langium';
import { instructions, questions } from '../compile/builtins';
import { entryBits, entryConstructors, entryWords, rightsWords } from '../compile/entryFormat';
import { registerPartNames } from '../compile/registersAndParts';
import { GuestGrammar } from '../generated/grammar';
import { GuestTerminals } from '../generated/ast';

/** Keywords that are more than plain keywords to the eye, and the scope that themes colour them by. */
const SCOPES: readonly { readonly scope: string; readonly words: readonly string[] }[] = [
  {
    scope: 'keyword.declaration.guest',
    words: ['cpu', 'global', 'host', 'import', 'interrupt', 'machine', 'measure', 'on', 'override', 'platform', 'procedure',
      'process', 'schedule', 'table', 'thread', 'vm'],
  },
  { scope: 'keyword.other.expect.guest', words: ['are', 'at', 'expect', 'no', 'refused', 'stopped', 'under'] },
  { scope: 'storage.type.guest', words: ['byte', 'dword', 'entry', 'gpa', 'gva', 'hpa', 'hva', 'number', 'qword', 'word'] },
  { scope: 'storage.modifier.guest', words: ['user'] },
  { scope: 'keyword.operator.word.guest', words: ['and', 'not', 'or'] },
  {
    scope: 'support.class.exception.guest',
    words: ['double_fault', 'general_protection', 'page_fault', 'virtualization_exception'],
  },
];

/** Every word that the grammar reserves. */
export function keywordsOfGrammar(): readonly string[] {
  const isKeyword = (node: AstNode): node is GrammarAST.Keyword => GrammarAST.isKeyword(node);
  const words = AstUtils.streamAllContents(GuestGrammar()).filter(isKeyword).map((keyword) => keyword.value);
  return [...new Set(words.filter((word) => /^\w+$/.test(word)))].sort();
}

/**
 * The TextMate grammar that colours `.guest` files, made from the language's grammar and tables so that it cannot
 * fall behind them. Colours alone: the diagnostics come from the compiler.
 */
export function textMateGrammar(): object {
  const special = new Set(SCOPES.flatMap((each) => each.words));
  const control = keywordsOfGrammar().filter((word) => !special.has(word));
  return {
    name: 'Guest scenario',
    scopeName: 'source.guest',
    fileTypes: ['guest'],
    patterns: [
      { name: 'comment.line.documentation.guest', match: '///.*$' },
      { name: 'comment.line.double-slash.guest', match: '//.*$' },
      { name: 'string.quoted.double.guest', match: sourceOf(GuestTerminals.STRING) },
      {
        match: `\\b(procedure)\\s+(${sourceOf(GuestTerminals.ID)})`,
        captures: { 1: { name: 'keyword.declaration.guest' }, 2: { name: 'entity.name.function.guest' } },
      },
      { name: 'constant.numeric.guest', match: `\\b(?:${sourceOf(GuestTerminals.NUMBER)})\\b` },
      { name: 'constant.other.technique.guest', match: '\\b(?:shadow-(?:rebuild|vtlb|wp|unsync)|(?:4|5)-level|32-bit)\\b' },
      ...SCOPES.map(({ scope, words }) => ({ name: scope, match: wholeWords(words) })),
      { name: 'keyword.control.guest', match: wholeWords(control) },
      { name: 'constant.language.guest', match: wholeWords(['true', 'false', ...rightsWords.keys(), ...entryBits.keys()]) },
      { name: 'variable.language.register.guest', match: wholeWords(registerPartNames()) },
      {
        name: 'support.function.guest',
        match: `${wholeWords([...Object.keys(questions), 'walk', ...instructions.keys(), ...entryConstructors.keys(), 'key', 'bit'])}(?=\\s*\\()`,
      },
      { name: 'support.constant.guest', match: `${wholeWords([...entryWords.keys()].filter((word) => word !== 'user'))}(?=\\s*[,)])` },
      { name: 'entity.name.function.call.guest', match: `\\b${sourceOf(GuestTerminals.ID)}(?=\\()` },
      { name: 'keyword.operator.guest', match: '->|\\.\\.|<<|>>|[=!<>+\\-&|^]?=|[-+*/%&|^~<>]' },
    ],
  };
}

/** The file's text, as it is committed. */
export function textMateGrammarText(): string {
  return `${JSON.stringify(textMateGrammar(), undefined, 2)}\n`;
}

function sourceOf(pattern: RegExp): string {
  return pattern.source;
}

function wholeWords(words: readonly string[]): string {
  return `\\b(?:${alternatives(words)})\\b`;
}

function alternatives(words: readonly string[]): string {
  return [...words].sort().join('|');
}
