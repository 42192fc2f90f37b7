import type { IToken } from 'chevrotain';
import { isFile, type File } from '../generated/ast';
import { sentenceOf } from '../messages/messages';
import { balanceBraces, extent, problem, type SyntaxProblem } from './braces';
import type { LexedText } from './guestLexer';
import { guestParser } from './guestParser';
import { MAX_LINES, dropIdleLineEnds, tooDeep } from './lineEnds';
import { MOST_PROBLEMS, recover, type ParseResult } from './recovery';
import { sourceText } from './sourceText';

export interface ParsedFile {
  /** What could be read: statements with a syntax error are left out. */
  readonly file: File;
  readonly problems: readonly SyntaxProblem[];
  /** Words that stand in what was left out: a name among them may well have been declared there. */
  readonly lost: ReadonlySet<string>;
}

/**
 * Parses a scenario. A statement with a syntax error gives one problem and is left out, and so is all behind the hundredth.
 * Never throws, whatever the text is.
 */
export function parseFile(text: string): ParsedFile {
  const source = sourceText(0, '', text);
  const lines = source.lineStarts.length;
  if (lines > MAX_LINES) {
    const tooMany = problem({ start: 0, end: 0 }, 'too-many-lines', { lines, most: MAX_LINES });
    return { file: emptyFile(), problems: [tooMany], lost: new Set() };
  }
  const { lexer } = guestParser();
  const lexed = lexer.scan(text);
  const lexical = lexicalProblems(lexed);
  const deep = tooDeep(lexed.tokens);
  if (deep !== undefined) {
    return { file: emptyFile(), problems: [...lexical, { ...extent(deep.token), code: deep.code, message: deep.message }], lost: new Set() };
  }
  const balanced = balanceBraces(lexed.tokens, tokenType('}'));
  const { file = emptyFile(), problems, lost } = recover(dropIdleLineEnds(balanced.tokens), [...lexical, ...balanced.problems], {
    source, parse: (tokens) => parseTokens(tokens, { text, hidden: lexed.hidden }), typeOf: tokenType,
  });
  return { file, problems: firstOf(problems), lost };
}

/** The file that tokens of `text` make, or the first mistake in them. */
export function parseTokens(tokens: readonly IToken[], { text, hidden }: { readonly text: string; readonly hidden: readonly IToken[] }): ParseResult {
  const { parser, lexer, messages } = guestParser();
  lexer.use({ tokens: [...tokens], hidden: [...hidden], errors: [] });
  const { value, parserErrors } = parser.parse<File>(text);
  const error = parserErrors[0];
  if (error === undefined) return { file: isFile(value) ? value : emptyFile() };
  const { token } = error;
  // The parser takes a file without a declaration, and would have a new line behind it.
  const message = token === tokens[0] ? messages.noDeclaration(token) : error.message;
  return { token, message, code: messages.codeOf(message) };
}

/** As many problems as anyone wants to read at once, in the order of the text. */
function firstOf(problems: readonly SyntaxProblem[]): readonly SyntaxProblem[] {
  const sorted = [...problems].sort((a, b) => a.start - b.start);
  const next = sorted[MOST_PROBLEMS];
  return next === undefined ? sorted : [...sorted.slice(0, MOST_PROBLEMS), problem({ start: next.start, end: next.end }, 'more-mistakes')];
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

/** Signs of other languages, and what is written here. */
const REPLACED: ReadonlyMap<string, string> = new Map([['#', '//'], ['!', 'not ']]);

/** What cannot be read as words, numbers and signs. */
export function lexicalProblems(lexed: LexedText): SyntaxProblem[] {
  const problems = lexed.errors.map(({ message, offset, length }): SyntaxProblem => {
    const code = message === sentenceOf('unclosed-text') ? 'unclosed-text' : 'unknown-character';
    const place = { start: offset, end: offset + length };
    const sign = message.charAt(1);
    if (code === 'unclosed-text' || sign === "'") return { code, message, ...place };
    return { code, message, ...place, fix: { ...place, text: REPLACED.get(sign) ?? '' } };
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
