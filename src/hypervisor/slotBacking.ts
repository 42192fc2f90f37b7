import type { SlotPlace } from './memslots';

/**
 * What lies behind the pages of a VM's memory slots: the VMM process's host-virtual addresses with the host's memory manager
 * below them, or host frames that are the slots' own. Guest frames are GPA >> 12; each lies in the slot that is given with it.
 */
export interface SlotBacking {
  /** Host frame behind a page, or -1: none yet. Touches nothing. */
  frameOf(slot: number, gfn: number): number;
  /** The first page from `gfn` to before `end`, all of the slot, that is backed; `end` when none is. Touches nothing. */
  nextBacked(slot: number, gfn: number, end: number): number;
  /** Frame at which a page's contents can be read, wherever they are; -1: nothing but zeros yet. Touches nothing. */
  contentsOf(slot: number, gfn: number): number;
  /** The page is backed, and a hypervisor's entry for it may have W (KVM's map_writable). */
  isWritable(slot: number, gfn: number): boolean;
  /** Level of the host's entry that maps the page: 2 of a page of 2 MBytes; 0 when none does. */
  levelOf(slot: number, gfn: number): number;
  /** The page's contents are in the host's swap device. */
  isSwapped(slot: number, gfn: number): boolean;
  /** Guest frame that a host frame is behind, one of them if there are several, or -1. */
  gfnOf(frame: number): number;
  /** The frame behind a page, brought there if it must be, on behalf of `cpu`, to be written unless `write` is 0; -1: host memory is used up. */
  bring(slot: number, gfn: number, cpu: number, write: number): number;
  /** Where those of a slot lie that is there from the start, when all of host memory is zeros. */
  firstPlace(baseGfn: number, pages: number): SlotPlace | undefined;
  /** Where the pages of a slot that is to come will lie; undefined when host memory has no room for them. */
  makePlace(baseGfn: number, pages: number, actor: number): SlotPlace | undefined;
  /** A slot of `pages` pages that lay at `place` is gone: whatever was behind it is free. */
  release(place: SlotPlace, pages: number, actor: number): void;
}
