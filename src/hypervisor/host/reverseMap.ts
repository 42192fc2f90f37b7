import type { StateClaims } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';
import type { HostFrames } from './hostFrames';

/** Words of one link: host-virtual page (low half, high half with the VM's number above), and the next link. */
const LINK_WORDS = 3;
const FIRST_WORDS = 1024 * LINK_WORDS;
const VM_SHIFT = 16;
const FREE_HEAD = 0;
const NEXT_FRESH = 1;

/**
 * Which pages of which VMM processes map a guest page's frame, as Linux' rmap_walk finds them: a list for each frame, headed in
 * the frame's record. A page that is a VM's own has one link; merged pages have more. Link 0 is "none".
 */
export class ReverseMap {
  private readonly pool: TrackedWords;
  private readonly head: Int32Array;

  constructor(registry: StateClaims, private readonly frames: HostFrames) {
    this.pool = registry.tracked('host.rmap', FIRST_WORDS);
    this.head = registry.block('host.rmap_free', 2);
    this.head[NEXT_FRESH] = 1;
  }

  /** Page `hvaPage` (HVA >> 12) of VM `vm` maps `frame`, a guest page's, from now on. */
  add(frame: number, vm: number, hvaPage: number): void {
    let link = this.head[FREE_HEAD]!;
    if (link !== 0) {
      this.head[FREE_HEAD] = this.next(link);
    } else {
      link = this.head[NEXT_FRESH]!++;
      this.pool.ensure((link + 1) * LINK_WORDS);
    }
    this.pool.write(link * LINK_WORDS, hvaPage | 0);
    this.pool.write(link * LINK_WORDS + 1, Math.floor(hvaPage / 4294967296) | (vm << VM_SHIFT));
    this.pool.write(link * LINK_WORDS + 2, this.frames.detailOf(frame));
    this.frames.setDetail(frame, link);
    this.frames.setMapCount(frame, this.frames.mapCountOf(frame) + 1);
  }

  /** It maps `frame` no more. */
  remove(frame: number, vm: number, hvaPage: number): void {
    let before = 0;
    for (let link = this.first(frame); link !== 0; link = this.next(link)) {
      if (this.vmOf(link) !== vm || this.hvaPageOf(link) !== hvaPage) {
        before = link;
        continue;
      }
      const after = this.next(link);
      this.pool.write(link * LINK_WORDS + 2, this.head[FREE_HEAD]!);
      this.head[FREE_HEAD] = link;
      if (before === 0) this.frames.setDetail(frame, after);
      else this.pool.write(before * LINK_WORDS + 2, after);
      this.frames.setMapCount(frame, this.frames.mapCountOf(frame) - 1);
      return;
    }
    throw new Error('invariant: a host page is not on the reverse map of the frame that it maps');
  }

  /** The first link of `frame`'s list, or 0. */
  first(frame: number): number {
    return this.frames.detailOf(frame);
  }

  next(link: number): number {
    return this.pool.words[link * LINK_WORDS + 2]!;
  }

  vmOf(link: number): number {
    return this.pool.words[link * LINK_WORDS + 1]! >>> VM_SHIFT;
  }

  hvaPageOf(link: number): number {
    return (this.pool.words[link * LINK_WORDS + 1]! & 0xffff) * 4294967296 + (this.pool.words[link * LINK_WORDS]! >>> 0);
  }
}
