import { KIND, KIND_AT, field } from '../../hardware/events/eventTable';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { pageHi, pageLo } from '../../hypervisor/memslots';
import { canWriteGuestPage, noteHostWrite, type PageWriteOutcome, storeBytes, writeGuestPage } from '../../hypervisor/foreignWrite';
import { placeOfAddress, type AddressPlace, type AddressSpace } from '../questions/addressPlace';
import type { Edit, EditedAt } from './edits';
import type { Machine } from '../machine/machine';
import type { RunningVm } from '../machine/runningVm';

const PAGE_BYTES = 4096n;
/** Bytes of an entry, at most. */
const WIDEST_ENTRY = 8;
const LAST_BYTE = (1n << 64n) - 1n;

type MemoryEdit = Extract<Edit, { kind: 'memory' }>;

/** How many of `count` bytes from an address on could be edited at the present moment, and why not the one behind them. Touches nothing. */
export function editableBytes(machine: Machine, { cpu, space, address }: Omit<MemoryEdit, 'bytes' | 'kind'>, count: number, at: EditedAt): { readonly count: number; readonly refusal?: string } {
  for (let done = 0; done < count;) {
    const here = address + BigInt(done);
    if (here > LAST_BYTE) return { count: done, refusal: 'The address space ends there: name fewer bytes.' };
    const refusal = whyNot(machine, cpu, space, here, at);
    if (refusal !== undefined) return { count: done, refusal };
    done = Math.min(count, done + Number(PAGE_BYTES - here % PAGE_BYTES));
  }
  return { count };
}

/**
 * Writes all the bytes or, with the reason, none. What lies in a guest's memory is written as the hypervisor writes it for the guest
 * (`writeGuestPage`), by a host-physical address as it is, whereupon each guest that has the page takes it as written.
 */
export function editMemory(machine: Machine, edit: MemoryEdit, at: EditedAt): string | undefined {
  const { cpu, space, address, bytes } = edit;
  const { refusal } = editableBytes(machine, edit, bytes.length, at);
  if (refusal !== undefined) return refusal;
  for (let done = 0; done < bytes.length;) {
    const here = address + BigInt(done);
    const offset = Number(here % PAGE_BYTES);
    const part = bytes.subarray(done, Math.min(bytes.length, done + Number(PAGE_BYTES) - offset));
    const place = ownMemory(machine, placeOfAddress(machine, cpu, space, here));
    const outcome = place.kind === 'guest' ? writeToGuest(machine, place, offset, part, cpu, at) : writeToHost(machine, place, offset, part, cpu, at);
    if (outcome !== 'written') return sentences[outcome](space, here);
    done += part.length;
  }
  return undefined;
}

/** Whether these events have walks that read an entry which a write to these bytes changes: whoever walked goes on with what was there. */
export function hasBeenRead(machine: Machine, { cpu, space, address, bytes }: MemoryEdit, records: readonly Int32Array[]): boolean {
  const place = ownMemory(machine, placeOfAddress(machine, cpu, space, address));
  if (place.kind === 'nowhere') return false;
  const frame = place.kind === 'guest' ? place.vm.technique.guestMemory.frameOf(place.gfn) : place.frame;
  const offset = Number(address % PAGE_BYTES);
  return records.some((record) => {
    if (record[KIND_AT] !== KIND.table_read) return false;
    const [lo, hi] = [record[field.hpa.at]!, record[field.hpa.at + 1]!];
    const entry = lo & Number(PAGE_BYTES - 1n);
    return frameOfAddress(lo, hi) === frame && entry < offset + bytes.length && entry + WIDEST_ENTRY > offset;
  });
}

const sentences: Readonly<Record<Exclude<PageWriteOutcome, 'written'>, (space: AddressSpace, address: bigint) => string>> = {
  'no memory': (space, address) => `${nowhere[space]} ${text(space, address)}: name an address that is memory.`,
  'read-only': (space, address) => `${text(space, address)} is ROM, which takes no write: write to the frame behind it, by its hpa.`,
  'no host frame': (space, address) => `The host has no frame left to back ${text(space, address)}: give the platform more \`ram\`.`,
};

const nowhere: Readonly<Record<AddressSpace, string>> = {
  gva: 'The guest does not map', gpa: 'No memslot holds', hva: 'No memslot lies in the VMM process at', hpa: 'No memory is installed at',
};

type Place = Exclude<AddressPlace, { kind: 'nowhere' }>;

function whyNot(machine: Machine, cpu: number, space: AddressSpace, address: bigint, at: EditedAt): string | undefined {
  const place = ownMemory(machine, placeOfAddress(machine, cpu, space, address));
  if (place.kind === 'nowhere') return sentences['no memory'](space, address);
  if (place.kind === 'guest') {
    const outcome = canWriteGuestPage(place.vm.technique, place.gfn);
    if (outcome !== 'written') return sentences[outcome](space, address);
  }
  return at === 'between steps' ? undefined : whyNotInside(machine, place, text(space, address));
}

/** Inside a step the hypervisor may be half through a handler: what it would have to do about a write cannot be done then. */
function whyNotInside(machine: Machine, place: Place, address: string): string | undefined {
  const wait = 'in the middle of an instruction: step out to the next statement, or back to this one, and edit there.';
  const vms = place.kind === 'guest' ? [place.vm] : machine.vms;
  for (const { technique } of vms) {
    const frame = place.kind === 'guest' ? technique.guestMemory.frameOf(place.gfn) : place.frame;
    if (frame < 0) return `The host has not backed ${address} yet, and cannot do so ${wait}`;
    const gfn = technique.guestMemory.gfnOf(frame);
    const outer = technique.below?.guestMemory.gfnOf(frame) ?? -1;
    if (gfn >= 0 && technique.pageTrack?.isTracked(gfn) === true || outer >= 0 && technique.below?.pageTrack?.isTracked(outer) === true) {
      return `${address} lies in a table that the hypervisor shadows, and it cannot follow the write ${wait}`;
    }
    if (place.kind === 'guest' && technique.vm?.memory.isWritable(place.gfn) === false) return `${address} lies in a page that the host must copy first, which it cannot do ${wait}`;
  }
  return undefined;
}

/** Memory of a nested guest is that of the VM around it: whoever writes it writes there. */
function ownMemory({ vms }: Machine, place: AddressPlace): AddressPlace {
  if (place.kind !== 'guest') return place;
  let { vm, gfn }: { vm: RunningVm; gfn: number } = place;
  while (vm.outer !== undefined && gfn >= 0) {
    gfn = vm.technique.outerFrameOf?.(gfn) ?? -1;
    vm = vms[vm.outer]!;
  }
  return gfn < 0 ? { kind: 'nowhere' } : { kind: 'guest', vm, gfn };
}

function writeToGuest({ memory }: Machine, { vm: { technique }, gfn }: Extract<Place, { kind: 'guest' }>, offset: number, bytes: Uint8Array, actor: number, at: EditedAt): PageWriteOutcome {
  if (at === 'between steps') return writeGuestPage(memory, technique, { gfn, offset, bytes, actor });
  const frame = technique.guestMemory.frameOf(gfn);
  storeBytes(memory, frame, offset, bytes);
  technique.noteStore?.(pageLo(frame) | offset, pageHi(frame), actor);
  technique.vm?.dirty.mark(gfn, actor);
  return 'written';
}

function writeToHost({ memory, vms }: Machine, place: AddressPlace, offset: number, bytes: Uint8Array, actor: number, at: EditedAt): PageWriteOutcome {
  if (place.kind !== 'host') return 'no memory';
  storeBytes(memory, place.frame, offset, bytes);
  if (at === 'between steps') for (const { technique } of vms) noteHostWrite(technique, pageLo(place.frame) | offset, pageHi(place.frame), bytes.length, actor);
  return 'written';
}

function text(space: AddressSpace, address: bigint): string {
  return `${space}:0x${address.toString(16)}`;
}
