import { placeOfAddress } from '../engine/questions/addressPlace';
import type { Machine } from '../engine/machine/machine';
import { pageHi, pageLo } from '../hypervisor/memslots';
import { addressText, type AddressSpace } from './addressText';
import type { StoppedMachine } from './stoppedMachine';

const PAGE_BYTES = 4096n;
const LAST_BYTE = (1n << 64n) - 1n;

/** What lies behind one page: a host frame, zeros that nobody has touched yet, or nothing. */
type Backing = { readonly kind: 'frame'; readonly frame: number } | { readonly kind: 'zeros' } | { readonly kind: 'hole' };

const HOLE: Backing = { kind: 'hole' };

/**
 * Up to `count` bytes from `address` of a space on, shorter when a page on the way is no memory: not
 * mapped by the guest's tables as they stand (rights aside), outside every memory slot, or not
 * installed. Guest-physical and host-virtual addresses are those of the VM of `cpu`. RAM that the host has not backed yet is memory, of zeros. Touches nothing.
 */
export function readMemory(target: Pick<StoppedMachine, 'machine'>, cpu: number, space: AddressSpace, address: bigint, count: number): Uint8Array {
  const { machine } = target;
  const bytes = new Uint8Array(count);
  for (let done = 0; done < count;) {
    const at = address + BigInt(done);
    if (at > LAST_BYTE) return bytes.subarray(0, done);
    const backing = backingOf(machine, cpu, space, at);
    if (backing.kind === 'hole') return bytes.subarray(0, done);
    const offset = Number(at % PAGE_BYTES);
    const end = Math.min(count, done + Number(PAGE_BYTES) - offset);
    if (backing.kind === 'frame') copyPage(machine, backing.frame, offset, bytes.subarray(done, end));
    done = end;
  }
  return bytes;
}

/** Where the byte at an address of a space lies in host-physical memory as the tables stand, for asking who wrote it. Touches nothing. */
export function hostAddress(
  { machine }: Pick<StoppedMachine, 'machine'>, cpu: number, space: AddressSpace, address: bigint,
): { readonly address: bigint } | { readonly nobody: string } {
  const backing = backingOf(machine, cpu, space, address);
  switch (backing.kind) {
    case 'frame': return { address: BigInt(backing.frame) * PAGE_BYTES + address % PAGE_BYTES };
    case 'zeros': return { nobody: `Nobody has written ${addressText(space, address)}: the host has not backed it yet, and it reads as zero.` };
    case 'hole': return { nobody: `${addressText(space, address)} is no memory as the tables stand.` };
  }
}

/** The guest-physical address that a linear or host-virtual one of CPU `cpu` leads to as the tables and slots stand; undefined: none. */
export function guestAddress({ machine }: Pick<StoppedMachine, 'machine'>, cpu: number, space: 'gva' | 'hva', address: bigint): bigint | undefined {
  const place = placeOfAddress(machine, cpu, space, address);
  return place.kind === 'guest' ? BigInt(place.gfn) * PAGE_BYTES + address % PAGE_BYTES : undefined;
}

function copyPage(machine: Machine, frame: number, offset: number, into: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = machine.memory.load8(pageLo(frame) | (offset + i), pageHi(frame));
}

function backingOf(machine: Machine, cpu: number, space: AddressSpace, address: bigint): Backing {
  const place = placeOfAddress(machine, cpu, space, address);
  if (place.kind !== 'guest') return place.kind === 'host' ? { kind: 'frame', frame: place.frame } : HOLE;
  const { guestMemory } = place.vm.technique;
  const frame = guestMemory.contentsOf(place.gfn);
  if (frame >= 0) return { kind: 'frame', frame };
  return guestMemory.hvaPageOf(place.gfn) >= 0 ? { kind: 'zeros' } : HOLE;
}
