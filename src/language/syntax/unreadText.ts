import type { ILexingError, IToken, TokenType } from 'chevrotain';
import { isEndOfStatement } from './lineEnds';

/** Tokens of a text, with what of it is none. */
interface Scanned {
  readonly tokens: readonly IToken[];
  readonly errors: readonly ILexingError[];
}

/**
 * Takes the rest of the line behind a quote that is never closed, and what stands between single quotes, for one text, and
 * the rest of the line behind `#` for nothing: words of a text or a comment are no mistakes of their own. A `}` at the
 * line's end still closes its block.
 */
export function withoutUnreadText(text: string, { tokens, errors }: Scanned, stringType: TokenType): Scanned {
  if (!errors.some(({ offset }) => opens(text, offset))) return { tokens, errors };
  const kept: IToken[] = [];
  const told: ILexingError[] = [];
  let i = 0;
  let until = 0;
  for (const error of errors) {
    const { offset } = error;
    if (offset < until) continue;
    told.push(error);
    if (!opens(text, offset)) continue;
    for (; i < tokens.length && tokens[i]!.startOffset < offset; i++) kept.push(tokens[i]!);
    let behind = i;
    while (behind < tokens.length && !isEndOfStatement(tokens[behind])) behind++;
    const lineEnd = behind;
    while (behind > i && tokens[behind - 1]!.image === '}') behind--;
    const closing = text.charAt(offset) === "'" ? errors.find((other) => other.offset > offset && text.charAt(other.offset) === "'")?.offset : undefined;
    const isClosed = closing !== undefined && closing < (tokens[lineEnd]?.startOffset ?? text.length);
    until = isClosed ? closing + 1 : tokens[behind]?.startOffset ?? text.length;
    while (i < behind && tokens[i]!.startOffset < until) i++;
    if (text.charAt(offset) === '#') continue;
    const inside = text.slice(offset + 1, isClosed ? closing : until).trimEnd();
    kept.push(textToken(stringType, offset, until, inside, tokens[i - 1] ?? tokens[i]));
  }
  return { tokens: [...kept, ...tokens.slice(i)], errors: told };
}

function opens(text: string, offset: number): boolean {
  return ['"', "'", '#'].includes(text.charAt(offset));
}

function textToken(type: TokenType, start: number, end: number, inside: string, like: IToken | undefined): IToken {
  const place = { startOffset: start, endOffset: end - 1 };
  return { ...(like ?? place), ...place, image: `"${inside}"`, tokenType: type, tokenTypeIdx: type.tokenTypeIdx ?? 0 };
}
