import { glossary, type GlossaryTerm } from '../glossary';
import { isDeclared } from './meaning';
import type { Meaning } from './meaning';
import type { Token } from './words';

const byWord: ReadonlyMap<string, GlossaryTerm> = new Map(
  [...glossary].reverse().flatMap((row) => [...row.also, row.term].map((word) => [word.toLowerCase(), row] as const)),
);
const MOST_WORDS = Math.max(...[...byWord.keys()].map((word) => word.split(' ').length));

/** Kinds of words of the language that are terms of the manuals or of KVM when the glossary has them. */
const TERMS: ReadonlySet<Meaning['kind']> = new Set([
  'keyword', 'technique', 'instruction', 'exit reason', 'event', 'register', 'entry bit', 'setting', 'setting value', 'counter', 'host action',
]);

/** What the glossary says of a word of the language; undefined for names of the scenario. */
export function glossaryText(meaning: Meaning | undefined): string | undefined {
  if (meaning === undefined || isDeclared(meaning) || !TERMS.has(meaning.kind)) return undefined;
  const row = byWord.get(meaning.name.toLowerCase()) ?? byWord.get(meaning.name.toLowerCase().replaceAll('_', ' '));
  return row === undefined ? undefined : termText(row);
}

/** The longest term of the glossary that a comment has at `offset`. */
export function glossaryHover({ image, start }: Token, offset: number): { readonly start: number; readonly end: number; readonly markdown: string } | undefined {
  const words = [...image.matchAll(/[A-Za-z][\w-]*/g)];
  for (let count = MOST_WORDS; count > 0; count--) {
    for (let first = 0; first + count <= words.length; first++) {
      const [from, to] = [words[first], words[first + count - 1]];
      if (from === undefined || to === undefined) continue;
      const end = to.index + to[0].length;
      if (start + from.index > offset || start + end < offset) continue;
      const row = termOf(image.slice(from.index, end));
      if (row !== undefined) return { start: start + from.index, end: start + end, markdown: termText(row) };
    }
  }
  return undefined;
}

/** A term as it is written, or its plural. */
function termOf(written: string): GlossaryTerm | undefined {
  const word = written.toLowerCase().replace(/\s+/g, ' ');
  return byWord.get(word) ?? byWord.get(word.replace(/s$/, '')) ?? byWord.get(word.replace(/ies$/, 'y'));
}

function termText({ term, text, source }: GlossaryTerm): string {
  return `**${term}**: ${text}${source === '' ? '' : `\n\n*${source}*`}`;
}
