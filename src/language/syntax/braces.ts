import type { IToken, TokenType } from 'chevrotain';
import { sentenceOf, type FillingArguments, type MessageCode } from '../messages/messages';
import { isEndOfStatement } from './lineEnds';

/** One thing that is wrong with the text: offsets into it, end exclusive. */
export interface SyntaxProblem {
  readonly code: MessageCode;
  readonly message: string;
  /** What to write, and where, to mend it. */
  readonly fix?: { readonly start: number; readonly end: number; readonly text: string };
  readonly start: number;
  readonly end: number;
}

/** A problem of the text at these offsets. */
export function problem<Code extends MessageCode>(
  place: { readonly start: number; readonly end: number }, code: Code, ...fillings: FillingArguments<Code>
): SyntaxProblem {
  return { code, message: sentenceOf(code, ...fillings), ...place };
}

/** Words that start a declaration: inside a block they mean that its brace was forgotten. */
const DECLARATIONS: ReadonlySet<string> = new Set([
  'cpu', 'procedure', 'override', 'process', 'machine', 'platform', 'global', 'table', 'import', 'schedule', 'on',
]);

/** A token like `like` that stands nowhere in the text, with nothing to show. */
export function madeToken(like: IToken, type: TokenType, image: string): IToken {
  return { ...like, image, tokenType: type, tokenTypeIdx: type.tokenTypeIdx ?? 0 };
}

/** `table = 3` begins no declaration, but takes its word for a variable's name. */
function isAssignment(next: IToken | undefined): boolean {
  return next !== undefined && /^[-+&|^]?=$/.test(next.image);
}

/**
 * Tokens whose braces match: a `}` that closes nothing is dropped, and a block is closed where a declaration starts
 * inside it or the file ends. Each such place is one problem. Scenarios with a `vm` keep their declarations in blocks.
 */
export function balanceBraces(
  tokens: readonly IToken[],
  close: TokenType,
): { readonly tokens: IToken[]; readonly problems: SyntaxProblem[] } {
  const hasVm = tokens.some((token) => token.image === 'vm');
  const balanced: IToken[] = [];
  const problems: SyntaxProblem[] = [];
  const open: IToken[] = [];
  const closeAll = (like: IToken): void => {
    const brace = open[open.length - 1];
    if (brace !== undefined) problems.push(neverClosed(brace));
    for (; open.length > 0; open.pop()) balanced.push(madeToken(like, close, '}'));
  };
  for (const [i, token] of tokens.entries()) {
    const previous = balanced[balanced.length - 1];
    if (!hasVm && open.length > 0 && DECLARATIONS.has(token.image) && isEndOfStatement(previous) && !isAssignment(tokens[i + 1])) {
      const lineEnd = balanced.pop();
      closeAll(token);
      if (lineEnd !== undefined) balanced.push(lineEnd);
    }
    if (token.image === '}' && open.length === 0) {
      problems.push({ ...problem(extent(token), 'stray-brace'), fix: { ...extent(token), text: '' } });
      continue;
    }
    if (token.image === '{') open.push(token);
    else if (token.image === '}') open.pop();
    balanced.push(token);
  }
  const last = tokens[tokens.length - 1];
  if (last !== undefined) closeAll(last);
  return { tokens: balanced, problems };
}

/** Index of the `}` that closes the `{` at `index`, or of the last token. */
export function closingBrace(tokens: readonly IToken[], index: number): number {
  let depth = 0;
  for (let i = index; i < tokens.length; i++) {
    const image = tokens[i]?.image;
    if (image === '{') depth++;
    else if (image === '}' && --depth === 0) return i;
  }
  return tokens.length - 1;
}

export function extent(token: IToken): { readonly start: number; readonly end: number } {
  return { start: token.startOffset, end: (token.endOffset ?? token.startOffset) + 1 };
}

function neverClosed(brace: IToken): SyntaxProblem {
  return problem(extent(brace), 'unclosed-block');
}
