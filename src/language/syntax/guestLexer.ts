import type { ILexerErrorMessageProvider, ILexingError, IToken } from 'chevrotain';
import { DefaultLexer, type LexerResult } from 'langium';
import { sentenceOf } from '../messages/messages';
import { dropIdleLineEnds } from './lineEnds';
import { withoutUnreadText } from './unreadText';

/** What the lexer made of a text, ready for `GuestLexer.use`. */
export interface LexedText {
  readonly tokens: IToken[];
  readonly hidden: IToken[];
  readonly errors: readonly ILexingError[];
}

/**
 * The lexer that Langium's parser asks for tokens. It hands out the tokens it was told to `use`, so that a broken
 * statement can be taken out of them and the rest parsed again; without any it lexes the text.
 */
export class GuestLexer extends DefaultLexer {
  private prepared: LexedText | undefined;

  scan(text: string): LexedText {
    const scanned = super.tokenize(text);
    const read = withoutUnreadText(text, scanned, this.definition.STRING!);
    return { tokens: dropIdleLineEnds(read.tokens), hidden: scanned.hidden, errors: read.errors };
  }

  use(lexed: LexedText): void {
    this.prepared = lexed;
  }

  override tokenize(text: string): LexerResult {
    const lexed = this.prepared ?? this.scan(text);
    this.prepared = undefined;
    return { tokens: lexed.tokens, hidden: lexed.hidden, errors: [...lexed.errors] };
  }
}

/** Signs of other languages. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['#', 'a comment begins with //'], ["'", 'text stands between double quotes'], ['!', 'write not'], ['?', 'write if and else'],
]);

export class GuestLexerMessages implements ILexerErrorMessageProvider {
  buildUnexpectedCharactersMessage(fullText: string, startOffset: number, length: number): string {
    const found = fullText.slice(startOffset, startOffset + Math.min(length, 20));
    if (found.startsWith('"')) return sentenceOf('unclosed-text');
    return sentenceOf('unknown-character', { found, advice: ADVICE.get(found.charAt(0)) ?? 'remove it' });
  }

  buildUnableToPopLexerModeMessage(token: IToken): string {
    return sentenceOf('unknown-character', { found: token.image, advice: 'remove it' });
  }
}
