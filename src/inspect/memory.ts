import type { Machine } from '../engine/machine';
import type { RunningVm } from '../engine/runningVm';
import { pageHi, pageLo } from '../hypervisor/memslots';
import { SlotMemory } from '../hypervisor/slotMemory';
import { addressText, frameOfHalves, type AddressSpace } from './addressText';
import { canonicalAddress } from './canonicalAddress';
import type { StoppedMachine } from './stoppedMachine';

const PAGE_BYTES = 4096n;
const PAGE_SHIFT = 12n;
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

function copyPage(machine: Machine, frame: number, offset: number, into: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = machine.memory.load8(pageLo(frame) | (offset + i), pageHi(frame));
}

function backingOf(machine: Machine, cpu: number, space: AddressSpace, address: bigint): Backing {
  const page = Number(address >> PAGE_SHIFT);
  switch (space) {
    case 'gva': return linear(machine, cpu, address);
    case 'gpa': return guestFrame(machine.vmOf(cpu), page);
    case 'hva': return hostVirtual(machine.vmOf(cpu), page);
    case 'hpa': return machine.memory.isInstalled(pageLo(page), pageHi(page)) ? { kind: 'frame', frame: page } : HOLE;
  }
}

function linear(machine: Machine, cpu: number, address: bigint): Backing {
  const vm = machine.vmOf(cpu);
  const { compiled } = vm.technique.guestTables(cpu);
  if (canonicalAddress(compiled, address) !== address) return HOLE;
  const lo = Number(BigInt.asIntN(32, address));
  const hi = Number(BigInt.asIntN(32, address >> 32n));
  if (!machine.questions.translate(cpu, lo, hi)) return HOLE;
  const { gpaLo, gpaHi } = vm.technique.guestTables(cpu).result;
  return guestFrame(vm, frameOfHalves(gpaLo, gpaHi));
}

function guestFrame({ technique: { guestMemory } }: RunningVm, gfn: number): Backing {
  const frame = guestMemory.contentsOf(gfn);
  if (frame >= 0) return { kind: 'frame', frame };
  return guestMemory.hvaPageOf(gfn) >= 0 ? { kind: 'zeros' } : HOLE;
}

/** The VMM process has nothing mapped but the guest's RAM: what it does not reach by a slot is a hole. */
function hostVirtual(vm: RunningVm, page: number): Backing {
  const { guestMemory } = vm.technique;
  if (!(guestMemory instanceof SlotMemory)) return HOLE;
  const { slots } = guestMemory;
  for (let slot = 0; slot < slots.count; slot++) {
    if (slots.isDirect(slot)) continue;
    const into = page - slots.hvaPage(slot, slots.baseGfn(slot));
    if (into >= 0 && into < slots.pages(slot)) return guestFrame(vm, slots.baseGfn(slot) + into);
  }
  return HOLE;
}
