/** Spaces that memory is watched by. */
export type WatchedSpace = 'gva' | 'gpa' | 'hpa';

/** Memory that is watched: by linear address, by guest-physical address, or by the place in host-physical memory. */
export interface MemoryWatch {
  readonly kind: 'memory';
  readonly space: WatchedSpace;
  readonly address: bigint;
  readonly length: bigint;
  /** Whose address it is, where there are several VMs. */
  readonly vm?: string;
  /** What the protocol has no access type for: a fetch from it, or its being read as paging-structure entries. */
  readonly use?: 'execute' | 'walk';
}

/** A register, a field of a control block or another value that an expression tells of, watched for a change. */
export interface ValueWatch {
  readonly kind: 'value';
  /** Whose registers: a thread's number, from 0. */
  readonly actor: number;
  /** `cr3`, `vmcs field eptp`. */
  readonly expression: string;
}

export type DataWatch = MemoryWatch | ValueWatch;
export const accessTypes = ['read', 'write', 'readWrite'] as const;
export type DataAccessType = (typeof accessTypes)[number];

const MEMORY = /^(?:(execute|walk) )?(?:(\w+)\.)?(gva|gpa|hpa):(0x[0-9a-f]{1,16}):(\d{1,8})$/;
const VALUE = /^value:(\d{1,4}):(\S.*)$/;

/**
 * `[execute|walk ][VM.]SPACE:ADDRESS:LENGTH`, or `value:THREAD:EXPRESSION`: says all, so that a client may keep it over restarts
 * and sessions.
 */
export function dataId(watch: DataWatch): string {
  if (watch.kind === 'value') return `value:${watch.actor}:${watch.expression}`;
  const { use, vm, space, address, length } = watch;
  return `${use === undefined ? '' : `${use} `}${vm === undefined ? '' : `${vm}.`}${space}:0x${address.toString(16)}:${length}`;
}

export function parseDataId(text: string): DataWatch | { readonly error: string } {
  const value = VALUE.exec(text);
  if (value !== null) return { kind: 'value', actor: Number(value[1]), expression: value[2] ?? '' };
  const match = MEMORY.exec(text);
  if (match === null) return { error: `"${text}" watches nothing: it is written gva:0xADDRESS:LENGTH, gpa:0xADDRESS:LENGTH or hpa:0xADDRESS:LENGTH.` };
  const [, use, vm, space, address, length] = match;
  const watch = { kind: 'memory', space: space as WatchedSpace, address: BigInt(address ?? '0'), length: BigInt(length ?? '0') } as const;
  if (watch.length === 0n) return { error: `"${text}" watches nothing: give the number of bytes, 1 or more.` };
  return { ...watch, ...(vm === undefined ? {} : { vm }), ...(use === undefined ? {} : { use: use as 'execute' | 'walk' }) };
}
