import type { PrintPart, ValueType } from '../../language/program';
import { pairToBigInt } from '../arithmetic';

/** What a question about an address answers when there is none: nothing is mapped or backed there. */
export const NOWHERE = 0xffff_ffff_ffff_ffffn;

/** A value as the debugger prints it: `gpa:0x5000`, `0x2a`, `true`. Text and structures have no number to print. */
export function printValue(value: bigint, type: ValueType): string {
  switch (type) {
    case 'gva':
    case 'gpa':
    case 'hva':
    case 'hpa':
      return value === NOWHERE ? `${type}:nowhere` : `${type}:0x${value.toString(16)}`;
    case 'truth':
      return value === 0n ? 'false' : 'true';
    default:
      return `0x${value.toString(16)}`;
  }
}

/** A `print` statement's text: its parts, values with a space between. `base`: word index of register 0. */
export function printText(parts: readonly PrintPart[], words: Int32Array, base: number): string {
  return parts
    .map((part) => {
      if ('text' in part) return part.text;
      const at = base + 2 * part.register;
      return printValue(pairToBigInt(words[at]!, words[at + 1]!), part.type);
    })
    .join(' ');
}
