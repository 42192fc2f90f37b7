import type { IToken } from 'chevrotain';
import type { Expr } from '../generated/ast';
import { extent, type SyntaxProblem } from './braces';
import { guestParser } from './guestParser';
import { sign } from './habits';
import { tooDeep } from './lineEnds';
import { lexicalProblems, tokenType } from './parse';
import { placeOf } from './recovery';

const SIZES: ReadonlySet<string> = new Set(['byte', 'word', 'dword', 'qword', 'entry']);

/**
 * Parses one expression, as a watch or a condition gives it: the expression, or what is wrong with it. `names`: words
 * that are names here, even those which are the language's own elsewhere (`gpa + 8`; `gpa:8` is an address all the same).
 */
export function parseExpressionText(
  text: string, names: ReadonlySet<string>,
): { readonly expression: Expr } | { readonly problem: SyntaxProblem } {
  const { parser, lexer, messages } = guestParser();
  const lexed = lexer.scan(text);
  const problem = lexicalProblems(lexed)[0] ?? accessProblem(lexed.tokens);
  if (problem !== undefined) return { problem };
  const deep = tooDeep(lexed.tokens);
  if (deep !== undefined) return { problem: { ...extent(deep.token), code: deep.code, message: 'This expression is too long, or nested too deep; ask for its parts.' } };
  if (lexed.tokens.length === 0) return { problem: { start: 0, end: 0, code: 'cannot-stand', message: 'There is nothing to compute; write an expression.' } };
  const tokens = asNames(lexed.tokens, names);
  lexer.use({ ...lexed, tokens });
  messages.reads = 'an expression';
  try {
    const { value, parserErrors } = parser.parse<Expr>(text, { rule: 'Expr' });
    const error = parserErrors[0];
    if (error === undefined) return { expression: value };
    const found = tokens.indexOf(error.token);
    const meant = found < 0 ? undefined : sign(tokens, found);
    return { problem: meant?.problem ?? { code: messages.codeOf(error.message), message: error.message, ...placeOf(tokens, found < 0 ? tokens.length : found) } };
  } finally {
    messages.reads = 'a file';
  }
}

/** A space before `:` makes an address and a size before `[` a look at memory, whatever has their name. */
function asNames(tokens: readonly IToken[], names: ReadonlySet<string>): IToken[] {
  const name = tokenType('ID');
  return tokens.map((token, i) => {
    if (token.tokenType === name || !names.has(token.image)) return token;
    const next = tokens[i + 1]?.image;
    const keepsMeaning = next === ':' || (next === '[' && SIZES.has(token.image));
    return keepsMeaning ? token : { ...token, tokenType: name, ...(name.tokenTypeIdx === undefined ? {} : { tokenTypeIdx: name.tokenTypeIdx }) };
  });
}

/** `user [a]` and `host [a]` are accesses of the guest's or the host's, as statements have them. */
function accessProblem(tokens: readonly IToken[]): SyntaxProblem | undefined {
  const at = tokens.findIndex(({ image }, i) => {
    const next = tokens[i + 1]?.image ?? '';
    return (image === 'user' || image === 'host') && (next === '[' || SIZES.has(next));
  });
  const token = tokens[at];
  if (token === undefined) return undefined;
  return { ...extent(token), code: 'cannot-stand', message: `\`${token.image}\` makes an access, and a watch or a condition makes none; write [a] to look at what lies there.` };
}
