import type { DecodedEntry, DecodedField } from '../hardware/paging/decodeEntry';
import type { EntryField } from '../protocol/requests';

/** The decoder's fields as the protocol carries them: valid, permissions, A/D, type, frame. */
export function entryFields(decoded: DecodedEntry): readonly EntryField[] {
  return decoded.fields.map(({ name, bits, text, meaning }) => ({ name, bits, value: text, meaning }));
}

/** One line: flags that are set as letters, where it leads, and what a walk refuses in it: `P RW US A → gpa:0x5000`. */
export function entryLine(decoded: DecodedEntry): string {
  if (!decoded.present) return 'not present';
  const flags = decoded.fields.filter((field) => field.name !== 'frame').flatMap(wordOf);
  const frame = decoded.fields.find((field) => field.name === 'frame');
  const leads = frame === undefined ? [] : ['→', frame.text];
  const line = [...flags, ...leads].join(' ');
  return decoded.fault === undefined ? line : `${line}, ${decoded.fault}`;
}

/** A flag is its name when it is set, a type its value, a number its name and value. */
export function wordOf(field: DecodedField): readonly string[] {
  if (isFlag(field)) return field.value === 0n ? [] : [field.name];
  if (field.text !== field.value.toString()) return [field.text];
  return field.value === 0n ? [] : [`${field.name} ${field.text}`];
}

export function isFlag({ bits: [high, low] }: DecodedField): boolean {
  return high === low;
}
