import type { AddressSpace } from '../inspect/addressText';

export interface MemoryPlace {
  readonly space: AddressSpace;
  readonly address: bigint;
}

/** `SPACE:0x…`, as the adapter gives it in `memoryReference`. */
export function memoryReference(space: AddressSpace, address: bigint): string {
  return `${space}:0x${address.toString(16)}`;
}

/** Undefined: not a memory reference. A bare number is a linear address, as typed by hand. */
export function parseMemoryReference(text: string): MemoryPlace | undefined {
  const match = /^\s*(?:(gva|gpa|hva|hpa):)?(0x[0-9a-f]{1,16}|\d{1,20})\s*$/i.exec(text);
  if (match === null) return undefined;
  const space = (match[1]?.toLowerCase() ?? 'gva') as AddressSpace;
  const address = BigInt(match[2] ?? '0');
  return address < 1n << 64n ? { space, address } : undefined;
}
