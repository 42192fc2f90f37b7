import type { Machine } from '../engine/machine';
import type { AddressSpace } from './simulator';

const PAGE_BYTES = 4096;
const PAGE_SHIFT = 12n;

/** A page as readers find it: a host frame, or RAM that nobody has written yet. */
type Page = { readonly kind: 'frame'; readonly frame: number } | { readonly kind: 'zeros' } | { readonly kind: 'hole' };

/**
 * Bytes of an address space from `address` on, at most `count`, up to the first page that nothing
 * backs: not mapped by the guest, outside the memory slots, or outside installed memory. Walks
 * without effects and reads the words that are there; nothing is touched.
 */
export function readAddressSpace(machine: Machine, cpu: number, space: AddressSpace, address: bigint, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let done = 0;
  while (done < count) {
    const at = BigInt.asUintN(64, address + BigInt(done));
    const offset = Number(at & 0xfffn);
    const length = Math.min(count - done, PAGE_BYTES - offset);
    const page = pageAt(machine, cpu, space, at >> PAGE_SHIFT);
    if (page.kind === 'hole') return bytes.subarray(0, done);
    if (page.kind === 'frame') copyFrom(machine, page.frame, offset, bytes.subarray(done, done + length));
    done += length;
  }
  return bytes;
}

function pageAt(machine: Machine, cpu: number, space: AddressSpace, number: bigint): Page {
  switch (space) {
    case 'gva': {
      const address = BigInt.asIntN(64, number << PAGE_SHIFT);
      if (!machine.questions.translate(cpu, Number(BigInt.asIntN(32, address)), Number(address >> 32n))) return { kind: 'hole' };
      const { gpaLo, gpaHi } = machine.technique.guestTables(cpu).result;
      return guestPage(machine, (gpaLo >>> 12) + gpaHi * 2 ** 20);
    }
    case 'gpa':
      return guestPage(machine, Number(number));
    case 'hva':
      return guestPage(machine, guestFrameAt(machine, Number(number)));
    case 'hpa': {
      const frame = Number(number);
      const isInstalled = machine.memory.isInstalled((frame % 2 ** 20) << 12, Math.floor(frame / 2 ** 20));
      return isInstalled ? { kind: 'frame', frame } : { kind: 'hole' };
    }
  }
}

function guestPage(machine: Machine, gfn: number): Page {
  const { guestMemory } = machine.technique;
  if (gfn < 0 || gfn >= guestMemory.frames) return { kind: 'hole' };
  const frame = guestMemory.frameOf(gfn);
  if (frame >= 0) return { kind: 'frame', frame };
  return guestMemory.hvaPageOf(gfn) >= 0 ? { kind: 'zeros' } : { kind: 'hole' };
}

/** Guest frame that host-virtual page `page` is, or -1. Slots are linear, so one look usually does. */
function guestFrameAt(machine: Machine, page: number): number {
  const { guestMemory } = machine.technique;
  const guess = page - guestMemory.hvaPageOf(0);
  if (guess >= 0 && guess < guestMemory.frames && guestMemory.hvaPageOf(guess) === page) return guess;
  for (let gfn = 0; gfn < guestMemory.frames; gfn++) if (guestMemory.hvaPageOf(gfn) === page) return gfn;
  return -1;
}

function copyFrom(machine: Machine, frame: number, offset: number, into: Uint8Array): void {
  const lo = (frame % 2 ** 20) << 12;
  const hi = Math.floor(frame / 2 ** 20);
  for (let i = 0; i < into.length; i++) into[i] = machine.memory.load8(lo | (offset + i), hi);
}
