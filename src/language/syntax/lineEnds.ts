import type { IToken } from 'chevrotain';
import { sentenceOf } from '../messages/messages';

/** Nesting that the recursive parser surely survives; it overflows near 300. */
export const MAX_NESTING = 100;
export const MAX_LINES = 50_000;
/** A left-deep tree of operators is walked by recursion. */
const MAX_STATEMENT_TOKENS = 2000;

/** A token that stops the reading of the whole file. */
export interface NestingProblem {
  readonly token: IToken;
  readonly code: 'too-deep' | 'statement-too-long';
  readonly message: string;
}

/** Words that only ever start a statement or a declaration: before them a parenthesis left open ends with its line. */
const STARTERS: ReadonlySet<string> = new Set([
  'expect', 'if', 'while', 'for', 'repeat', 'break', 'continue', 'return', 'refuse', 'print', 'measure', 'barrier',
  'await', 'release', 'hold', 'cpu', 'procedure', 'override', 'import', 'machine', 'platform',
]);

const PREFIXES: ReadonlySet<string> = new Set(['-', '~', 'not', ':', 'gva', 'gpa', 'hva', 'hpa', 'user', 'host']);

/**
 * Keeps the EOS tokens that end a statement and drops the others: inside ( ) and [ ], after `{`, a comma, `and`
 * and `or`, before `}` and `else`, and at the file's ends. A parenthesis left open does not swallow the rest of the
 * file: a brace, or a word that starts a statement on a line of its own, closes it.
 */
export function dropIdleLineEnds(tokens: readonly IToken[]): IToken[] {
  const kept: IToken[] = [];
  let parentheses = 0;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) break;
    if (token.image === '(' || token.image === '[') parentheses++;
    else if (token.image === ')' || token.image === ']') parentheses = Math.max(0, parentheses - 1);
    else if (token.image === '{' || token.image === '}') parentheses = 0;
    if (!isEndOfStatement(token)) {
      kept.push(token);
      continue;
    }
    const next = tokens[i + 1];
    if (parentheses > 0 && startsStatement(next, tokens[i + 2])) parentheses = 0;
    if (parentheses === 0 && endsSomething(kept[kept.length - 1], next)) kept.push(token);
  }
  while (isEndOfStatement(kept[kept.length - 1])) kept.pop();
  return kept;
}

/**
 * The first token where brackets, braces, a run of prefix operators, a chain of `else if` or one statement gets
 * deeper or longer than the recursive parser can go, or undefined.
 */
export function tooDeep(tokens: readonly IToken[]): NestingProblem | undefined {
  let depth = 0;
  let prefixes = 0;
  let length = 0;
  const chains: number[] = [0];
  for (const token of tokens) {
    const { image } = token;
    length = isEndOfStatement(token) || image === '{' || image === '}' ? 0 : length + 1;
    prefixes = PREFIXES.has(image) ? prefixes + 1 : 0;
    if (image === 'else') chains[depth] = (chains[depth] ?? 0) + 1;
    else if (isEndOfStatement(token)) chains[depth] = 0;
    if (image === '(' || image === '[' || image === '{') chains[++depth] = 0;
    else if (image === ')' || image === ']' || image === '}') depth = Math.max(0, depth - 1);
    if (depth > MAX_NESTING || prefixes > MAX_NESTING || (chains[depth] ?? 0) > MAX_NESTING) {
      return { token, code: 'too-deep', message: sentenceOf('too-deep', { most: MAX_NESTING }) };
    }
    if (length > MAX_STATEMENT_TOKENS) {
      return { token, code: 'statement-too-long', message: sentenceOf('statement-too-long', { most: MAX_STATEMENT_TOKENS }) };
    }
  }
  return undefined;
}

export function isEndOfStatement(token: IToken | undefined): boolean {
  return token?.tokenType.name === 'EOS';
}

function startsStatement(token: IToken | undefined, next: IToken | undefined): boolean {
  if (token === undefined) return false;
  return STARTERS.has(token.image) || (token.tokenType.name === 'ID' && next?.image === '=');
}

function endsSomething(previous: IToken | undefined, next: IToken | undefined): boolean {
  if (previous === undefined || next === undefined) return false;
  if (isEndOfStatement(previous)) return false;
  if (previous.image === '{' || previous.image === ',' || previous.image === 'and' || previous.image === 'or') return false;
  return next.image !== '}' && next.image !== 'else';
}
