import type { IToken, TokenType } from 'chevrotain';
import type { File } from '../generated/ast';
import type { MessageCode } from '../messages/messages';
import { extent, madeToken, problem, type SyntaxProblem } from './braces';
import { withoutBrokenStatement } from './brokenStatement';
import { meaningOf } from './habits';
import { dropIdleLineEnds, isEndOfStatement } from './lineEnds';
import { lineOf, type SourceText } from './sourceText';

/** What the parser makes of tokens: a file, or the first token that cannot stand where it does. */
export type ParseResult =
  | { readonly file: File }
  | { readonly token: IToken; readonly code: MessageCode; readonly message: string };

/** What recovery works with. */
export interface Recovery {
  readonly source: SourceText;
  readonly parse: (tokens: readonly IToken[]) => ParseResult;
  /** The grammar's token type of a keyword or a sign. */
  readonly typeOf: (image: string) => TokenType;
}

export interface Recovered {
  /** Undefined when nothing of the text can be read. */
  readonly file: File | undefined;
  readonly problems: readonly SyntaxProblem[];
  /** Words that stand in what was left out. */
  readonly lost: ReadonlySet<string>;
}

/** More than a person wants to read at once: what stands behind them is not read. */
export const MOST_PROBLEMS = 100;
/** Several mistakes of a line are told once, and each is taken out. */
const MOST_TAKEN_OUT = 200;

/**
 * Parses tokens of which some may be wrong; `found` are the problems that are known of. A statement with a mistake gives
 * one problem and is left out, then reading goes on from there, so that five mistakes give five problems and none is an
 * echo of another. So each token is read twice, however many mistakes there are.
 */
export function recover(all: readonly IToken[], found: readonly SyntaxProblem[], { source, parse, typeOf }: Recovery): Recovered {
  const problems = [...found];
  const badLines = new Set(found.map(({ start }) => lineOf(source, start)));
  const lost = new Set<string>();
  let tokens = all;
  let from = 0;
  for (let takenOut = 0; ;) {
    const result = parse(from === 0 ? tokens : [...headsOf(tokens, from), ...tokens.slice(from)]);
    if ('file' in result) {
      if (from === 0) return { file: result.file, problems, lost };
      from = 0;
      continue;
    }
    const index = tokens.indexOf(result.token);
    const at = index < 0 ? tokens.length : index;
    const place = placeOf(tokens, at);
    const meant = meaningOf(tokens, at, typeOf);
    const line = lineOf(source, meant?.problem.start ?? place.start);
    const rest = withoutBrokenStatement(tokens, at, typeOf('measure'));
    if (++takenOut > MOST_TAKEN_OUT || (problems.length - found.length >= MOST_PROBLEMS && !badLines.has(line))) {
      problems.push(problem(place, 'more-mistakes'));
      for (const token of tokens.slice(rest.start)) lost.add(token.image);
      const readable = parse(closed(tokens.slice(0, rest.start), typeOf('}')));
      return { file: 'file' in readable ? readable.file : undefined, problems, lost };
    }
    if (!badLines.has(line)) problems.push(meant?.problem ?? { code: result.code, message: result.message, ...place });
    badLines.add(line);
    if (meant?.mended === undefined) for (const token of rest.dropped) lost.add(token.image);
    tokens = dropIdleLineEnds(meant?.mended ?? rest.tokens);
    from = Math.min(rest.start, tokens.length);
    while (from > 0 && !isEndOfStatement(tokens[from - 1]) && tokens[from - 1]?.image !== '{') from--;
  }
}

/** Where an error at token `at` is shown: a line end has no width of its own, so the end of what stands before it. */
export function placeOf(tokens: readonly IToken[], at: number): { readonly start: number; readonly end: number } {
  const token = tokens[at];
  if (token !== undefined && token.tokenType.name !== 'EOS') return extent(token);
  const previous = tokens[Math.min(at, tokens.length) - 1];
  return previous === undefined ? { start: 0, end: 0 } : extent(previous);
}

/** The heads of the blocks that are open at token `from`, at which a statement begins: what stands before it has been read. */
function headsOf(tokens: readonly IToken[], from: number): readonly IToken[] {
  const heads: IToken[][] = [];
  let head: IToken[] = [];
  for (let i = 0; i < from; i++) {
    const token = tokens[i]!;
    if (isEndOfStatement(token)) {
      head = [];
      continue;
    }
    if (token.image === '}') head = heads.pop() ?? [];
    head.push(token);
    if (token.image !== '{') continue;
    heads.push(head);
    head = [];
  }
  return heads.flat();
}

/** Tokens up to where reading was given up, with the blocks closed that are open there. */
function closed(tokens: readonly IToken[], close: TokenType): readonly IToken[] {
  const open = tokens.reduce((depth, { image }) => depth + (image === '{' ? 1 : image === '}' ? -1 : 0), 0);
  const like = tokens[tokens.length - 1];
  return like === undefined ? [] : dropIdleLineEnds([...tokens, ...Array.from({ length: open }, () => madeToken(like, close, '}'))]);
}
