import type { IToken, TokenType } from 'chevrotain';
import { closingBrace, madeToken } from './braces';
import { isEndOfStatement } from './lineEnds';

/** Tokens without what was dropped at `start`. */
export interface Unbroken {
  readonly tokens: IToken[];
  readonly dropped: readonly IToken[];
  readonly start: number;
}

/**
 * The tokens without the statement or declaration that token `at` stands in. The head of a block inside a `cpu` or
 * procedure becomes `measure`, which may stand before any block, so that the statements in the block are still read;
 * a broken declaration goes with its block.
 */
export function withoutBrokenStatement(
  tokens: readonly IToken[],
  at: number,
  measure: TokenType,
): Unbroken {
  let start = Math.min(at, tokens.length);
  while (start > 0 && !separates(tokens[start - 1])) start--;
  let end = Math.min(at, tokens.length);
  while (end < tokens.length && !separates(tokens[end])) end++;
  const broken = tokens.slice(start, end);
  const opens = tokens[end]?.image === '{';
  const replace = (upTo: number, by: readonly IToken[]): Unbroken => ({
    tokens: [...tokens.slice(0, start), ...by, ...tokens.slice(upTo)],
    dropped: tokens.slice(start, upTo),
    start,
  });

  const first = broken[0];
  if (first === undefined) {
    if (opens) return replace(closingBrace(tokens, end) + 1, []);
    // A line end, or a `}` that its block cannot end with: what stands before it is at fault.
    return start === 0 ? replace(end + 1, []) : dropBefore(tokens, start, end);
  }
  if (!opens) return replace(end, []);
  if (depthAt(tokens, start) === 0 || (broken.length === 1 && first.image === 'measure')) {
    return replace(closingBrace(tokens, end) + 1, []);
  }
  if (first.image === 'else' && broken.length > 1) return replace(end, [first]);
  if (first.image === 'else') return replace(closingBrace(tokens, end) + 1, []);
  return replace(end, [madeToken(first, measure, 'measure')]);
}

function dropBefore(
  tokens: readonly IToken[],
  start: number,
  end: number,
): Unbroken {
  const previous = tokens[start - 1];
  if (isEndOfStatement(tokens[end]) || previous === undefined) {
    return { tokens: [...tokens.slice(0, end), ...tokens.slice(end + 1)], dropped: tokens.slice(end, end + 1), start };
  }
  // `{ }` whose head wanted something inside, or `} }`: the block before goes, with its head.
  let open = start - 1;
  for (let depth = 0; open >= 0; open--) {
    if (tokens[open]?.image === '}') depth++;
    else if (tokens[open]?.image === '{' && (previous.image === '{' || --depth === 0)) break;
  }
  let head = Math.max(open, 0);
  while (head > 0 && !separates(tokens[head - 1])) head--;
  const upTo = previous.image === '{' ? closingBrace(tokens, open) + 1 : start;
  return { tokens: [...tokens.slice(0, head), ...tokens.slice(upTo)], dropped: tokens.slice(head, upTo), start: head };
}

function separates(token: IToken | undefined): boolean {
  return token === undefined || isEndOfStatement(token) || token.image === '{' || token.image === '}';
}

function depthAt(tokens: readonly IToken[], at: number): number {
  let depth = 0;
  for (let i = 0; i < at; i++) {
    if (tokens[i]?.image === '{') depth++;
    else if (tokens[i]?.image === '}') depth--;
  }
  return depth;
}
