import type { Fix } from '../program';
import { extentOf, rangeBetween, type SourceText } from '../syntax/sourceText';
import { nearestName } from './nearestName';
import { rangeOfSpot, type Spot } from './report';

/** Writes `text` in place of what stands at the spot. */
export function replacing(source: SourceText, spot: Spot, text: string): Fix {
  return { title: text === '' ? 'Remove it' : `Write ${text}`, edits: [{ range: rangeOfSpot(source, spot), text }] };
}

/** Writes `text` before the spot. */
export function inserting(source: SourceText, spot: Spot, text: string): Fix {
  const { start } = placeOf(spot);
  return { title: `Write \`${text.trim()}\` before it`, edits: [{ range: rangeBetween(source, start, start), text }] };
}

/** Writes `text` behind the spot. */
export function appending(source: SourceText, spot: Spot, text: string): Fix {
  const { end } = placeOf(spot);
  return { title: `Write \`${text.trim()}\` behind it`, edits: [{ range: rangeBetween(source, end, end), text }] };
}

/** Writes the candidate that `name` may be a slip of in the place of `name` within the spot's text. */
export function spellingFix(source: SourceText, spot: Spot, name: string, candidates: Iterable<string>): Fix | undefined {
  const nearest = nearestName(name, candidates);
  const { start, end } = placeOf(spot);
  const at = nearest === undefined ? -1 : wordAt(source.text.slice(start, end), name);
  if (nearest === undefined || at < 0) return undefined;
  return replacing(source, { start: start + at, end: start + at + name.length }, nearest);
}

function wordAt(text: string, word: string): number {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!/\w/.test(text.charAt(at - 1)) && !/\w/.test(text.charAt(at + word.length))) return at;
  }
  return -1;
}

function placeOf(spot: Spot): { readonly start: number; readonly end: number } {
  return '$type' in spot ? extentOf(spot) : spot;
}
