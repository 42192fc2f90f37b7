import { ACCESS } from '../../hardware/paging/accessKinds';
import { ALL_RIGHTS, PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { CR0, CR4, EFER } from '../../hardware/processor/controlRegisters';
import type { EventBus } from '../../hardware/events/eventBus';
import { ACTOR, SPACE } from '../../hardware/events/eventTable';
import { LONG4 } from '../../hardware/paging/formats/long4';
import { nextSetWord } from '../../hardware/memory/frameContents';
import { frameInEntry, frameOfAddress } from '../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import { TranslationSpace } from '../../hardware/paging/translationSpace';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK } from '../../hardware/paging/walkOutcome';
import { EntryMaker } from '../entryMaker';
import type { EntryWriter } from '../entryWriter';
import type { HostReach } from '../hostReach';
import { pageHi, pageLo } from '../memslots';
import { LARGE_FRAMES, USE } from './hostFrames';
import type { OwnedFrames } from './ownedFrames';

/** Rights of the VMM process's memory: readable, writable, user, not executable. */
const USER_RW = PAGE_RIGHTS.writable | PAGE_RIGHTS.user;

/**
 * The host process that a virtual machine is: its page table (HVA to HPA) lies in host-physical
 * memory, and is walked by the one walk. Pages are filled on demand. An entry that is not present and not 0
 * names a page of the swap device, in the bits where a present one has its frame, as Linux' swap entries do.
 */
export class HostProcess {
  readonly space: TranslationSpace;
  private readonly maker = new EntryMaker(LONG4);
  private readonly root: number;

  constructor(
    memory: PhysicalMemory,
    bus: EventBus,
    private readonly frames: OwnedFrames,
    private readonly writer: EntryWriter,
    maxphyaddr: number,
    reach: HostReach,
  ) {
    this.root = frames.allocate(USE.hostTable, 0, 0);
    this.space = new TranslationSpace({
      memory, bus, tableSpace: SPACE.host, actor: ACTOR.host, cpu: 0, maxphyaddr, tables: reach.tables(),
    });
    this.space.usePaging({
      cr0: CR0.PE | CR0.PG | CR0.WP, cr4: CR4.PAE, efer: EFER.LME | EFER.LMA | EFER.NXE, rflags: 0, pkru: 0,
    });
    this.space.useRoot(this.root << 12, this.root >>> 20);
    // get_user_pages reads the table; it is the host processor's accesses that set flags, and those are not simulated.
    this.space.accessedDirty = 0;
  }

  /** Host frame of the root table. */
  get rootFrame(): number {
    return this.root;
  }

  /**
   * Host frame that page `hvaPage` (HVA >> 12) is mapped to, or -1. `effects`: whether the walk shows as events; `access`: by
   * user mode, an `ACCESS` kind.
   */
  frameOf(hvaPage: number, effects: number = EFFECTS.none, access: number = ACCESS.read): number {
    const { space } = this;
    if (walk(space, pageLo(hvaPage), pageHi(hvaPage), access | ACCESS.user, effects) !== WALK.mapped) return -1;
    return frameOfAddress(space.result.hpaLo, space.result.hpaHi);
  }

  /** The first page from `hvaPage` to before `end` that is mapped, or `end`. What an entry that is 0 leaves out is passed over at once. */
  nextMapped(hvaPage: number, end: number): number {
    const { memory, result } = this.space;
    let page = hvaPage;
    while (page < end && this.frameOf(page) < 0) {
      const { level } = result;
      const span = SPANNED_PAGES[level]!;
      const [lo, hi] = [result.entryHpaLo[level]!, result.entryHpaHi[level]!];
      const next = nextSetWord(memory, frameOfAddress(lo, hi), (lo & 0xfff) + 8);
      page = (Math.floor(page / span) + ((next < 0 ? 4096 : next) >> 3) - ((lo & 0xfff) >> 3)) * span;
    }
    return Math.min(page, end);
  }

  /** 1: the page is mapped, and may be written. */
  isWritable(hvaPage: number): number {
    return this.frameOf(hvaPage, EFFECTS.none, ACCESS.write) < 0 ? 0 : 1;
  }

  /** Level of the entry that maps the page: 1, or 2 for a page of 2 MBytes; 0 when none does. */
  levelOf(hvaPage: number): number {
    return this.frameOf(hvaPage) < 0 ? 0 : this.space.result.level;
  }

  /** The page of the swap device that the page's entry names, or 0. */
  swapPageOf(hvaPage: number): number {
    if (this.frameOf(hvaPage) >= 0) return 0;
    const { result } = this.space;
    return result.level === 1 ? frameInEntry(result.entryLo[1]!, result.entryHi[1]!) : 0;
  }

  /** Maps the page to host frame `frame`, making tables on the way; false when no frame is left for them. */
  map(hvaPage: number, frame: number, rights: 'rw' | 'ro', cpu: number): boolean {
    const table = this.tableFor(hvaPage, 1, cpu);
    if (table < 0) return false;
    this.makeLeaf(frame, rights);
    this.write(1, table, hvaPage, cpu);
    return true;
  }

  /**
   * Maps the 2 MBytes that begin with page `hvaPage` to the frames from `frame` on, in place of a table that maps nothing, if there
   * is one; false when no frame is left for a table.
   */
  mapLarge(hvaPage: number, frame: number, cpu: number): boolean {
    this.dropTable(hvaPage, cpu);
    const table = this.tableFor(hvaPage, 2, cpu);
    if (table < 0) return false;
    this.makeLeaf(frame, 'rw');
    this.maker.markLarge();
    this.write(2, table, hvaPage, cpu);
    return true;
  }

  /** The page's entry, which exists, is not present from now on and names a page of the swap device; 0: none. */
  unmap(hvaPage: number, swapPage: number, cpu: number): void {
    this.maker.clear(swapPage);
    this.write(1, this.tableFor(hvaPage, 1, cpu), hvaPage, cpu);
  }

  /** Nothing is mapped any more in the 2 MBytes that begin with page `hvaPage`, which one entry maps. */
  unmapLarge(hvaPage: number, cpu: number): void {
    this.maker.clear(0);
    this.write(2, this.tableFor(hvaPage, 2, cpu), hvaPage, cpu);
  }

  /** Puts a table of 512 entries in place of the one that maps the 2 MBytes from `hvaPage` on; false when no frame is left. */
  split(hvaPage: number, cpu: number): boolean {
    const frame = this.frameOf(hvaPage);
    const table = this.frames.allocate(USE.hostTable, 0, cpu);
    if (table < 0) return false;
    for (let index = 0; index < LARGE_FRAMES; index++) {
      this.makeLeaf(frame + index, 'rw');
      this.write(1, table, hvaPage + index, cpu);
    }
    this.makePointer(table);
    this.write(2, this.tableFor(hvaPage, 2, cpu), hvaPage, cpu);
    return true;
  }

  /** Takes away the table that maps the 2 MBytes from `hvaPage` on in pages of 4 KBytes, if there is one. */
  private dropTable(hvaPage: number, cpu: number): void {
    const above = this.tableFor(hvaPage, 2, cpu);
    const index = indexAt(hvaPage, 2);
    if (above < 0 || (this.writer.lo(above, index) & LONG4.presentMask) === 0) return;
    const table = frameInEntry(this.writer.lo(above, index), this.writer.hi(above, index));
    this.maker.clear(0);
    this.write(2, above, hvaPage, cpu);
    this.frames.release(table);
  }

  private makeLeaf(frame: number, rights: 'rw' | 'ro'): void {
    this.maker.make(frame, rights === 'rw' ? USER_RW : PAGE_RIGHTS.user);
    this.maker.markAccessed();
    if (rights === 'rw') this.maker.markDirty();
  }

  private makePointer(table: number): void {
    this.maker.make(table, ALL_RIGHTS);
    this.maker.markAccessed();
  }

  private write(level: number, table: number, hvaPage: number, cpu: number): void {
    this.writer.write(SPACE.host, ACTOR.host, cpu, level, table, indexAt(hvaPage, level), this.maker.lo, this.maker.hi);
  }

  /** Host frame of the table whose entry of `level` is the page's, made with those above it where it is missing; -1: no frame left. */
  private tableFor(hvaPage: number, level: number, cpu: number): number {
    let table = this.root;
    for (let above = LONG4.levels; above > level; above--) {
      const index = indexAt(hvaPage, above);
      let lo = this.writer.lo(table, index);
      let hi = this.writer.hi(table, index);
      if ((lo & LONG4.presentMask) === 0) {
        const fresh = this.frames.allocate(USE.hostTable, 0, cpu);
        if (fresh < 0) return -1;
        this.writer.zeroFrame(fresh);
        this.makePointer(fresh);
        ({ lo, hi } = this.maker);
        this.write(above, table, hvaPage, cpu);
      }
      table = frameInEntry(lo, hi);
    }
    return table;
  }
}

/** By level: pages that an entry spans, in tables of 512 entries. */
export const SPANNED_PAGES: readonly number[] = [0, 1, 2 ** 9, 2 ** 18, 2 ** 27, 2 ** 36, 2 ** 45];

/** Index of page `page` (address >> 12) in a table of `level`, 512 entries each. */
export function indexAt(page: number, level: number): number {
  return Math.floor(page / SPANNED_PAGES[level]!) % 512;
}
