import { frameOfAddress } from '../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { Technique } from './technique';

const PAGE_SHIFT = 12;

/** Bytes that go to guest-physical memory, all in one page. */
export interface PageWrite {
  readonly gfn: number;
  /** Of the first byte, within the page. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Whose step it is in: a CPU, or a host thread. */
  readonly actor: number;
}

/** What came of it. Of all but `written` nothing was written. */
export type PageWriteOutcome = 'written' | 'no memory' | 'read-only' | 'no host frame';

/**
 * Guest memory is written by somebody else than the guest: KVM's kvm_write_guest, and what kvm_page_track_write does behind
 * it, as for a store that the hypervisor emulates. The host backs the page (and copies one that others have too), the log of
 * dirty pages has it, and what a hypervisor has made of guest tables in it goes. No TLB is told, as of no store.
 */
export function writeGuestPage(memory: PhysicalMemory, technique: Technique, { gfn, offset, bytes, actor }: PageWrite): PageWriteOutcome {
  const outcome = canWriteGuestPage(technique, gfn);
  if (outcome !== 'written') return outcome;
  const { vm, guestMemory } = technique;
  const hostFrame = vm === undefined ? guestMemory.back(gfn) : vm.memory.backFor(gfn, actor);
  const frame = vm === undefined || hostFrame < 0 ? hostFrame : vm.memory.reach.touch(hostFrame, 'write');
  if (frame < 0) return 'no host frame';
  storeBytes(memory, frame, offset, bytes);
  technique.noteStore?.((frame << PAGE_SHIFT) | offset, frame >>> 20, actor);
  vm?.dirty.mark(gfn, actor);
  technique.pageTrack?.written((gfn << PAGE_SHIFT) | offset, gfn >>> 20, bytes.length, actor);
  return 'written';
}

/** Whether a page of the guest's takes writes; nothing is touched. */
export function canWriteGuestPage({ vm, guestMemory }: Technique, gfn: number): 'written' | 'no memory' | 'read-only' {
  if (vm === undefined) return guestMemory.frameOf(gfn) < 0 ? 'no memory' : 'written';
  const { slots } = vm.memory;
  const slot = slots.find(gfn);
  if (slot < 0) return 'no memory';
  return slots.isReadOnly(slot) ? 'read-only' : 'written';
}

/** Writes to a frame of the machine, whatever it holds; no hypervisor is told. */
export function storeBytes(memory: PhysicalMemory, frame: number, offset: number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) memory.store8((frame << PAGE_SHIFT) | (offset + i), frame >>> 20, bytes[i]!);
}

/** Host-physical memory has been written past every hypervisor: the page of this guest's that it backs, if it does, is taken as written. */
export function noteHostWrite(technique: Technique, lo: number, hi: number, bytes: number, actor: number): void {
  const gfn = technique.guestMemory.gfnOf(frameOfAddress(lo, hi));
  if (gfn >= 0) {
    technique.noteStore?.(lo, hi, actor);
    technique.vm?.dirty.mark(gfn, actor);
    technique.pageTrack?.written((gfn << PAGE_SHIFT) | (lo & 0xfff), gfn >>> 20, bytes, actor);
  }
  if (technique.below !== undefined) noteHostWrite(technique.below, lo, hi, bytes, actor);
}
