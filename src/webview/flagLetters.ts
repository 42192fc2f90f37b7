import { html, type TemplateResult } from 'lit';
import type { EntryField, WalkReference } from '../protocol/requests';

type Read = NonNullable<WalkReference['read']>;

/** Flags whose absence says as much as their presence: they show whether set or not. */
const ALWAYS_SHOWN: ReadonlySet<string> = new Set(['P', 'RW', 'US', 'XD', 'R', 'W', 'X', 'U', 'A', 'D']);

/** The flags of an entry: its one-bit fields that the manuals call by capitals (P, RW, US, XD, R, W, X …). */
export function flagsOf(fields: readonly EntryField[]): readonly EntryField[] {
  return fields.filter(
    ({ name, bits, value }) =>
      bits[0] === bits[1] && /^[A-Z][A-Z0-9]{0,4}$/.test(name) && (value !== '0' || ALWAYS_SHOWN.has(name)),
  );
}

/** Flags with their letters' state after the walk: `isNew` are those that the walk itself set (A, D). */
interface FlagState {
  readonly field: EntryField;
  readonly isSet: boolean;
  readonly isNew: boolean;
}

function flagStates(read: Read): readonly FlagState[] {
  const added = BigInt(read.updated ?? read.value) & ~BigInt(read.value);
  return flagsOf(read.fields).map((field) => {
    const isNew = ((added >> BigInt(field.bits[0])) & 1n) === 1n;
    return { field, isSet: isNew || field.value !== '0', isNew };
  });
}

/** `P 1, RW 1, US 0, A 1 set by this walk`: what a screen reader says in place of the letters. */
export function spokenFlags(read: Read): string {
  return flagStates(read)
    .map(({ field, isSet, isNew }) => `${field.name} ${isSet ? '1' : '0'}${isNew ? ' set by this walk' : ''}`)
    .join(', ');
}

/** Every flag as its letters, framed and bold when set, so that no flag is told by colour alone; `+A` is new. */
export function flagLetters(read: Read): TemplateResult {
  return html`<span class="flags" role="img" aria-label=${spokenFlags(read)}
    >${flagStates(read).map(
      ({ field, isSet, isNew }) =>
        html`<span class=${isSet ? 'flag set' : 'flag clear'} title=${`${field.name}: ${field.meaning}`}
          >${isNew ? '+' : ''}${field.name}</span
        >`,
    )}</span
  >`;
}
