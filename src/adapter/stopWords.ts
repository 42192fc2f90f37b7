import type { DebugProtocol } from '@vscode/debugprotocol';
import type { StoppedMore } from '../protocol/stoppedEvent';

/** Body of a `stopped` event, as this adapter sends it. */
export type StoppedBody = DebugProtocol.StoppedEvent['body'] & StoppedMore;

/** What a stop is called. */
export interface StopWords {
  /** VS Code draws it in the CPU's row of the call stack, where the CPU's name needs room too: 16 letters at most. */
  readonly brief: string;
  /** The same as a sentence, where that says more. */
  readonly whole?: string;
  /** What there is to be told besides. */
  readonly more?: string | undefined;
}

/** The words as the `stopped` event has them: the brief one, and behind it all that is known. */
export function worded({ brief, whole = brief, more }: StopWords, where: string): Pick<StoppedBody, 'description' | 'text' | 'where' | 'news'> {
  return { description: brief, text: `${whole} (${where})${more === undefined ? '' : `: ${more}`}`, where, ...(more === undefined ? {} : { news: more }) };
}
