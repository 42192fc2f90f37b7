import type { DecodedEntry, DecodedField } from '../hardware/paging/decodeEntry';
import { entryLine, isFlag, wordOf } from './entryText';

/** What a typed line of an entry says: the bits that it speaks of, their value, and where the entry shall lead, as it is written. */
export type TypedEntry =
  | { readonly mask: bigint; readonly value: bigint; readonly frame: string }
  /** Why the line says no entry, as a sentence. */
  | { readonly error: string };

const ARROW = /→|->/;

/**
 * Reads the notation in which entries are shown, `P RW US A → gpa:0x5000`, as a person has changed it: flags that it names are set,
 * others cleared. Types and numbers stand in it as they are. Undefined: it is not in that notation.
 */
export function typedEntry(decoded: DecodedEntry, text: string): TypedEntry | undefined {
  const fault = decoded.fault === undefined ? '' : `, ${decoded.fault}`;
  const typed = fault !== '' && text.endsWith(fault) ? text.slice(0, -fault.length) : text;
  const [before = '', frame, ...more] = typed.split(ARROW);
  if (frame === undefined || more.length > 0) return undefined;
  if (!decoded.present) return { error: `${decoded.name} is not present, so its bits mean nothing yet: give it a number or an entry such as pte(gpa:0x5000, rw, user).` };
  const flags = decoded.fields.filter(isFlag);
  let words = ` ${before.trim()} `;
  for (const word of decoded.fields.filter((field) => !isFlag(field) && field.name !== 'frame').map((field) => wordOf(field).join(' '))) {
    if (word === '') continue;
    if (!words.includes(` ${word} `)) return { error: `\`${word}\` is a field of its own: leave it in the line as it is, and edit it in its row below the entry.` };
    words = words.replace(` ${word} `, ' ');
  }
  const named = words.split(/\s+/).filter((word) => word !== '');
  const unknown = named.find((word) => !flags.some(({ name }) => name === word));
  if (unknown !== undefined) return { error: `\`${unknown}\` is no flag of a ${decoded.name}: it has ${flags.map(({ name }) => name).join(', ')}.` };
  const bitOf = ({ bits: [bit] }: DecodedField): bigint => 1n << BigInt(bit);
  return {
    mask: flags.reduce((sum, flag) => sum | bitOf(flag), 0n),
    value: flags.filter(({ name }) => named.includes(name)).reduce((sum, flag) => sum | bitOf(flag), 0n),
    frame: frame.trim(),
  };
}

/** The line of the entry at the end of a row's text, and behind which words it stands. */
export function wordsBefore(decoded: DecodedEntry, shown: string): string {
  return shown.slice(0, shown.length - entryLine(decoded).length);
}
