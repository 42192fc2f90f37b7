import type { IToken } from 'chevrotain';
import { isFile, type File } from '../generated/ast';
import { sentenceOf } from '../messages/messages';
import { balanceBraces, extent, problem, type SyntaxProblem } from './braces';
import { withoutBrokenStatement } from './brokenStatement';
import type { LexedText } from './guestLexer';
import { guestParser } from './guestParser';
import { MAX_LINES, dropIdleLineEnds, tooDeep } from './lineEnds';

export interface ParsedFile {
  /** What could be read: statements with a syntax error are left out. */
  readonly file: File;
  readonly problems: readonly SyntaxProblem[];
  /** Words that stand in what was left out: a name among them may well have been declared there. */
  readonly lost: ReadonlySet<string>;
}

/** Tokens that all parses of one text may read together: a file of many errors must not take for ever. */
const TOKEN_BUDGET = 400_000;
const MOST_PROBLEMS = 100;

/**
 * Parses a scenario. A statement with a syntax error gives one problem and is left out, then the rest is parsed again,
 * so that five mistakes give five problems and none is an echo of another. Never throws, whatever the text is.
 */
export function parseFile(text: string): ParsedFile {
  const lines = countLines(text);
  if (lines > MAX_LINES) {
    const tooMany = problem({ start: 0, end: 0 }, 'too-many-lines', { lines, most: MAX_LINES });
    return { file: emptyFile(), problems: [tooMany], lost: new Set() };
  }
  const { parser, lexer, messages } = guestParser();
  const lexed = lexer.scan(text);
  const problems = lexicalProblems(lexed);
  const deep = tooDeep(lexed.tokens);
  if (deep !== undefined) {
    return { file: emptyFile(), problems: [...problems, { ...extent(deep.token), code: deep.code, message: deep.message }], lost: new Set() };
  }
  const balanced = balanceBraces(lexed.tokens, tokenType('}'));
  problems.push(...balanced.problems);
  let tokens = dropIdleLineEnds(balanced.tokens);
  const badLines = new Set(problems.map((each) => lineOf(text, each.start)));
  const lost = new Set<string>();
  const measure = tokenType('measure');
  for (let budget = Math.max(TOKEN_BUDGET, 3 * tokens.length); budget > 0 && problems.length < MOST_PROBLEMS; ) {
    budget -= tokens.length + 1;
    lexer.use({ tokens, hidden: lexed.hidden, errors: [] });
    const { value, parserErrors } = parser.parse<File>(text);
    const error = parserErrors[0];
    if (error === undefined) return { file: isFile(value) ? value : emptyFile(), problems, lost };
    const found = tokens.indexOf(error.token);
    const at = found < 0 ? tokens.length : found;
    const place = placeOf(tokens, at);
    const line = lineOf(text, place.start);
    if (!badLines.has(line)) problems.push({ code: messages.codeOf(error.message), message: error.message, ...place });
    badLines.add(line);
    const rest = withoutBrokenStatement(tokens, at, measure);
    for (const token of rest.dropped) lost.add(token.image);
    tokens = dropIdleLineEnds(rest.tokens);
  }
  return { file: emptyFile(), problems, lost };
}

/** The grammar's token type `name`: `ID`, or a keyword by its text. */
export function tokenType(name: string): IToken['tokenType'] {
  const type = guestParser().lexer.definition[name];
  if (type === undefined) throw new Error(`invariant: the grammar has no token ${name}`);
  return type;
}

function emptyFile(): File {
  const { parser, lexer } = guestParser();
  lexer.use({ tokens: [], hidden: [], errors: [] });
  return parser.parse<File>('').value;
}

/** What cannot be read as words, numbers and signs. */
export function lexicalProblems(lexed: LexedText): SyntaxProblem[] {
  const problems = lexed.errors.map(({ message, offset, length }): SyntaxProblem => {
    const code = message === sentenceOf('unclosed-text') ? 'unclosed-text' : 'unknown-character';
    const place = { start: offset, end: offset + length };
    return { code, message, ...place, ...(code === 'unclosed-text' ? {} : { fix: { ...place, text: '' } }) };
  });
  lexed.tokens.forEach((token, i) => {
    const next = lexed.tokens[i + 1];
    if (token.tokenType.name !== 'NUMBER' || next === undefined || next.startOffset !== extent(token).end) return;
    if (!/^\w/.test(next.image)) return;
    const image = token.image + next.image;
    problems.push(problem({ start: token.startOffset, end: extent(next).end }, 'malformed-number', { image }));
  });
  return problems;
}

/** Where an error at token `at` is shown: a line end has no width of its own, so the end of what stands before it. */
export function placeOf(tokens: readonly IToken[], at: number): { readonly start: number; readonly end: number } {
  const token = tokens[at];
  if (token !== undefined && token.tokenType.name !== 'EOS') return extent(token);
  const previous = tokens[Math.min(at, tokens.length) - 1];
  return previous === undefined ? { start: 0, end: 0 } : extent(previous);
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

function lineOf(text: string, offset: number): number {
  return countLines(text.slice(0, offset));
}
