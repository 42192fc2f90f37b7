import type { IToken, TokenType } from 'chevrotain';
import { nearestName } from '../compile/nearestName';
import { keywordRows } from '../editor/keywordRows';
import { instructionRows } from '../instructions';
import { kernelText } from '../library/kernelText';
import { extent, madeToken, problem, type SyntaxProblem } from './braces';
import { isEndOfStatement } from './lineEnds';

/** A mistake that is understood: what to say, and the tokens as they were meant, where that is known. */
export interface Meant {
  readonly problem: SyntaxProblem;
  readonly mended?: readonly IToken[];
}

/** Words that other languages begin a statement or declaration with, and what is written here. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ...['let', 'var', 'const', 'int', 'long', 'uint64'].map((word) => [word, 'x = 1: a variable is there from its first value on'] as const),
  ...['proc', 'func', 'function', 'fn', 'def', 'void', 'sub'].map((word) => [word, 'procedure'] as const),
  ...['elif', 'elseif', 'elsif'].map((word) => [word, 'else if'] as const),
  ...['assert', 'check', 'require', 'test'].map((word) => [word, 'expect'] as const),
  ...['printf', 'echo', 'puts', 'log'].map((word) => [word, 'print'] as const),
  ...['loop', 'times', 'do'].map((word) => [word, 'repeat'] as const),
  ...['set', 'mov'].map((word) => [word, 'x = 1, with the place before its value'] as const),
  ['foreach', 'for'], ['until', 'while'], ['include', 'import'], ['vcpu', 'cpu'], ['core', 'cpu'], ['handler', 'on'],
]);

/** Signs of two characters in other languages: the first one, the one that is in the way, and what is written here. */
const SIGNS: readonly (readonly [first: string, second: string, instead: string])[] = [
  ['&', '&', 'and'], ['|', '|', 'or'], [':', '=', '='], ['/', '*', '//'], ['<', '>', '!='], ['=', '=>', '>='],
];

/** Signs behind a name that is given a value, and signs before a value. */
const ASSIGNS = /^[-+&|^]?=$/;
const BEFORE_VALUE = /^(?:[-+&|^]?=|[=!<>]=|<<|>>|[-+*/%&|^~<>(,[]|and|or|not)$/;

/** Blocks of settings and areas, which have no statements. */
const PLAIN_BLOCKS: ReadonlySet<string> = new Set(['machine', 'platform', 'process']);

/** What a person means who writes token `at` where it cannot stand; undefined when nobody can tell. */
export function meaningOf(tokens: readonly IToken[], at: number, typeOf: (image: string) => TokenType): Meant | undefined {
  const token = tokens[at];
  if (token === undefined) return undefined;
  const block = blockOf(tokens, at);
  return braceBelow(tokens, at) ?? settingSign(tokens, at, block) ?? sign(tokens, at) ?? wordAsName(tokens, at, block) ?? word(tokens, at, block, typeOf);
}

/** The `{` of a block on a line of its own. */
function braceBelow(tokens: readonly IToken[], at: number): Meant | undefined {
  const brace = tokens[at + 1];
  if (!isEndOfStatement(tokens[at]) || brace?.image !== '{') return undefined;
  return { problem: problem(extent(brace), 'brace-below'), mended: without(tokens, at) };
}

/** `ram = 16M` and `ram: 16M` in place of `ram 16M`. */
function settingSign(tokens: readonly IToken[], at: number, block: string | undefined): Meant | undefined {
  const token = tokens[at];
  if (token === undefined || (token.image !== '=' && token.image !== ':') || block === undefined || !PLAIN_BLOCKS.has(block)) return undefined;
  const place = extent(token);
  return { problem: { ...problem(place, 'setting-sign', { image: token.image }), fix: { ...place, text: '' } }, mended: without(tokens, at) };
}

/** `&&` and other signs of two characters, one of which is token `at`. */
export function sign(tokens: readonly IToken[], at: number): Meant | undefined {
  const token = tokens[at]!;
  for (const offset of [0, 1]) {
    const [a, b] = [tokens[at - 1 + offset], tokens[at + offset]];
    if (a === undefined || b === undefined || b.startOffset !== extent(a).end) continue;
    const row = SIGNS.find(([first, second]) => first === a.image && second === b.image);
    if (row === undefined) continue;
    const place = { start: a.startOffset, end: extent(b).end };
    const said = problem(place, 'other-sign', { image: a.image + b.image, instead: row[2] });
    return { problem: token.image === '*' ? said : { ...said, fix: { ...place, text: row[2] } } };
  }
  return undefined;
}

/** `table = frame()`, `f(table)`: a word of the language where a variable's name would stand, before or behind a sign. */
function wordAsName(tokens: readonly IToken[], at: number, block: string | undefined): Meant | undefined {
  if (block !== undefined && PLAIN_BLOCKS.has(block)) return undefined;
  const token = tokens[at]!;
  const isAssigned = ASSIGNS.test(tokens[at + 1]?.image ?? '') && separates(tokens[at - 1]);
  const named = ASSIGNS.test(token.image) && separates(tokens[at - 2]) ? tokens[at - 1] : isAssigned || BEFORE_VALUE.test(tokens[at - 1]?.image ?? '') ? token : undefined;
  const isWord = named !== undefined && named.tokenType.name !== 'ID' && /^[a-z]/.test(named.image);
  return isWord ? { problem: problem(extent(named), 'reserved-word', { image: named.image }) } : undefined;
}

/** The word that the statement or declaration begins with: a slip of the fingers, another language's, or a call's. */
function word(tokens: readonly IToken[], at: number, block: string | undefined, typeOf: (image: string) => TokenType): Meant | undefined {
  let start = at;
  while (start > 0 && !separates(tokens[start - 1])) start--;
  const first = tokens[start];
  if (first === undefined || at - start > 1 || first.tokenType.name !== 'ID' || (block !== undefined && PLAIN_BLOCKS.has(block))) return undefined;
  const place = extent(first);
  const { image } = first;
  if (at === start + 1 && tokens[at + 1]?.image !== '=' && isCallable(tokens, image)) return { problem: problem(place, 'call-without-parentheses', { name: image }) };
  const instead = WORDS.get(image.toLowerCase()) ?? nearestName(image, block === undefined || block === 'vm' ? DECLARATIONS : STATEMENTS);
  if (instead === undefined) return undefined;
  const said = problem(place, 'other-word', { image, instead });
  if (!/^[\w ]+$/.test(instead)) return { problem: said };
  const meant = { ...said, fix: { ...place, text: instead } };
  if (instead.includes(' ')) return { problem: meant };
  return { problem: meant, mended: tokens.map((each) => (each === first ? madeToken(first, typeOf(instead), instead) : each)) };
}

const wordsAt = (place: string): readonly string[] => keywordRows.flatMap((row) => (row.place === place ? [row.word] : []));
const DECLARATIONS = wordsAt('declaration').filter((each) => each !== 'thread');
const STATEMENTS = wordsAt('statement');

let libraryNames: ReadonlySet<string> | undefined;

function isCallable(tokens: readonly IToken[], name: string): boolean {
  libraryNames ??= new Set([...instructionRows.map((row) => row.name), ...[...kernelText.matchAll(/procedure (\w+)/g)].map((match) => match[1]!)]);
  return libraryNames.has(name) || tokens.some((token, i) => token.image === 'procedure' && tokens[i + 1]?.image === name);
}

/** The word that the block around token `at` begins with; undefined outside of blocks. */
function blockOf(tokens: readonly IToken[], at: number): string | undefined {
  let depth = 0;
  for (let i = at - 1; i >= 0; i--) {
    if (tokens[i]!.image === '}') depth++;
    else if (tokens[i]!.image === '{' && depth-- === 0) {
      while (i > 0 && !separates(tokens[i - 1])) i--;
      return tokens[i]!.image;
    }
  }
  return undefined;
}

function without(tokens: readonly IToken[], at: number): readonly IToken[] {
  return [...tokens.slice(0, at), ...tokens.slice(at + 1)];
}

function separates(token: IToken | undefined): boolean {
  return token === undefined || isEndOfStatement(token) || token.image === '{' || token.image === '}';
}
