import type { ValueType } from '../language/program';

/** A value as the debugger prints it: `gpa:0x5000`, `0x2a`, `true`. Text and structures have no number to print. */
export function printValue(value: bigint, type: ValueType): string {
  switch (type) {
    case 'gva':
    case 'gpa':
    case 'hva':
    case 'hpa':
      return `${type}:0x${value.toString(16)}`;
    case 'truth':
      return value === 0n ? 'false' : 'true';
    default:
      return `0x${value.toString(16)}`;
  }
}
