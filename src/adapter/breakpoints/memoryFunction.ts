import type { DataAccessType, MemoryWatch } from './dataBreakpoint';

/** Memory, and what is done to it that stops. */
export interface WatchedAccess {
  readonly watch: MemoryWatch;
  readonly accessType: DataAccessType;
}

const USE = /^(read|write|access|execute|walk):/i;
const PLACE = /^(?:(\w+)\.)?(gva|gpa|hpa):(0x[0-9a-f]{1,16}|\d{1,20})(?::(0x[0-9a-f]{1,8}|\d{1,8}))?$/i;
const DECIMAL = /^\d+$/;
const WORD_BYTES = 8n;

const types: Readonly<Record<string, DataAccessType>> = { read: 'read', write: 'write' };

/**
 * A watch of memory as a function breakpoint's name, which VS Code lets extensions set: `read:gva:0x600000`, `access:` for reads
 * and writes, `execute:`, `walk:`, each with a length in bytes behind it where it is not 8 (of a fetch 1). Writes by physical
 * address are of entries (`writeBreakpoint.ts`). Undefined: it is no such name. An error is a sentence.
 */
export function parseMemoryFunction(name: string): WatchedAccess | { readonly error: string } | undefined {
  const used = USE.exec(name);
  if (used === null) return undefined;
  const use = used[1]?.toLowerCase() ?? '';
  const place = PLACE.exec(name.slice(used[0].length));
  const space = place?.[2]?.toLowerCase();
  if (use === 'write' && space !== 'gva') return undefined;
  if (place === null || space !== 'gva' && space !== 'gpa' && space !== 'hpa') {
    return { error: `"${name}" names no memory: write it as ${use}:gva:0x600000, ${use}:gpa:0x3008 or ${use}:hpa:0x3008, with a length behind it if it is not one word.` };
  }
  const [, vm, , address = '', bytes] = place;
  // What views and registers show is hex: `100000` is far more likely 0x100000 than 0x186a0.
  if (DECIMAL.test(address)) return { error: `"${name}" has its address without 0x: write ${use}:${space}:0x${address}, as addresses are shown.` };
  const length = bytes === undefined ? (use === 'execute' ? 1n : WORD_BYTES) : BigInt(bytes);
  if (length === 0n) return { error: `"${name}" watches nothing: give the number of bytes, 1 or more.` };
  const watch: MemoryWatch = { kind: 'memory', space, address: BigInt(address), length, ...(vm === undefined || space === 'hpa' ? {} : { vm }) };
  return { watch: use === 'execute' || use === 'walk' ? { ...watch, use } : watch, accessType: types[use] ?? 'readWrite' };
}
