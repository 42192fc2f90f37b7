import { html, type TemplateResult } from 'lit';
import type { EntryField } from '../protocol/requests';

/** The flags of an entry: its one-bit fields that the manuals call by capitals (P, RW, US, XD, R, W, X …). */
export function flagsOf(fields: readonly EntryField[]): readonly EntryField[] {
  return fields.filter((field) => field.bits[0] === field.bits[1] && /^[A-Z][A-Z0-9]{0,4}$/.test(field.name));
}

/** `P 1, RW 1, US 0`: what a screen reader says in place of the letters. */
export function spokenFlags(fields: readonly EntryField[]): string {
  return flagsOf(fields).map((flag) => `${flag.name} ${flag.value}`).join(', ');
}

/** Every flag as its letters, framed and bold when set, so that no flag is told by colour alone. */
export function flagLetters(fields: readonly EntryField[]): TemplateResult {
  return html`<span class="flags" role="img" aria-label=${spokenFlags(fields)}>${flagsOf(fields).map(
    (flag) => html`<span class="flag ${flag.value === '0' ? 'clear' : 'set'}" title=${`${flag.name} = ${flag.value}: ${flag.meaning}`}
      >${flag.name}</span>`,
  )}</span>`;
}
