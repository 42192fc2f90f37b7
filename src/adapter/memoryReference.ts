import { NOWHERE } from '../engine/interpreter/printValue';
import type { AddressSpace } from '../inspect/addressText';
import type { Program, ValueType } from '../language/program';
import { isAddressType } from './valueText';

export interface MemoryPlace {
  readonly space: AddressSpace;
  readonly address: bigint;
  /** Whose address it is, where there are several VMs. */
  readonly vm?: string;
}

/** `SPACE:0x…`, as the adapter gives it in `memoryReference`; with several VMs `VM.SPACE:0x…`, but for host-physical ones. */
export function memoryReference({ space, address, vm }: MemoryPlace): string {
  const owner = vm === undefined || space === 'hpa' ? '' : `${vm}.`;
  return `${owner}${space}:0x${address.toString(16)}`;
}

/** The reference of a value that is an address; undefined where that is nowhere, or where it is none. */
export function referenceOf({ value, type }: { readonly value: bigint; readonly type: ValueType }, owner: Pick<MemoryPlace, 'vm'>): string | undefined {
  return isAddressType(type) && value !== NOWHERE ? memoryReference({ space: type, address: value, ...owner }) : undefined;
}

/** Undefined: not a memory reference. A bare number is a linear address, as typed by hand. */
export function parseMemoryReference(text: string): MemoryPlace | undefined {
  const match = /^\s*(?:(?:(\w+)\.)?(gva|gpa|hva|hpa):)?(0x[0-9a-f]{1,16}|\d{1,20})\s*$/i.exec(text);
  if (match === null) return undefined;
  const vm = match[1];
  const space = (match[2]?.toLowerCase() ?? 'gva') as AddressSpace;
  const address = BigInt(match[3] ?? '0');
  return address < 1n << 64n ? { space, address, ...(vm === undefined ? {} : { vm }) } : undefined;
}

/** Of several VMs the one that an actor is of, for its addresses; `other`: the VM that the address is said to be of. */
export function ownerOf({ vms, actors }: Pick<Program, 'vms' | 'actors'>, actor: number, other = actors[actor]?.vm ?? -1): Pick<MemoryPlace, 'vm'> {
  const vm = vms.length > 1 ? vms[other]?.name : undefined;
  return vm === undefined ? {} : { vm };
}

/** CPUs of the VM of that name: the only VM without one. Undefined when there is no such VM. */
export function cpusOf({ vms }: Pick<Program, 'vms'>, vm: string | undefined): readonly number[] | undefined {
  return vm === undefined && vms.length === 1 ? vms[0]?.cpus : vms.find(({ name }) => name === vm)?.cpus;
}
