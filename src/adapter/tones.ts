import { Chalk } from 'chalk';

/** What colours are used for, on a terminal and on a debug console; each always stands beside a word or sign that says the same. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'heading' | 'note';

/** Every modern terminal has the first sixteen colours, and shows them as its theme wants them. */
const SIXTEEN_COLOURS = 1;
const style = new Chalk({ level: SIXTEEN_COLOURS });

const tones: Readonly<Record<Tone, (text: string) => string>> = {
  good: style.green,
  bad: style.red,
  warning: style.yellow,
  quiet: style.gray,
  heading: style.bold,
  note: style.cyan,
};

/** Gives a text its tone. */
export type Paint = (tone: Tone, text: string) => string;

/** By ANSI escape sequences. */
const coloured: Paint = (tone, text) => tones[tone](text);

/** For whoever cannot see colours, or would see the sequences. */
const plain: Paint = (_, text) => text;

/** How text for somebody's debug console is coloured. */
export function paintFor({ showsColours }: { readonly showsColours: boolean }): Paint {
  return showsColours ? coloured : plain;
}
