import { styleText } from 'node:util';
import type { Terminal } from './console';

/** What colours are used for; each always stands beside a word or sign that says the same. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'heading';

const tones = {
  good: 'green',
  bad: 'red',
  warning: 'yellow',
  quiet: 'gray',
  heading: 'bold',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

export type Paint = (tone: Tone, text: string) => string;

/** How text is coloured on this terminal: not at all where nobody could see it. */
export function paintFor(terminal: Terminal): Paint {
  if (terminal.colours === 'no') return (_, text) => text;
  return (tone, text) => styleText(tones[tone], text, { validateStream: false });
}
