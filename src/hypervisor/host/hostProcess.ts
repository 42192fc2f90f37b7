import { ACCESS } from '../../hardware/paging/accessKinds';
import { ALL_RIGHTS, PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { CR0, CR4, EFER } from '../../hardware/processor/controlRegisters';
import type { EventBus } from '../../hardware/events/eventBus';
import { ACTOR, SPACE } from '../../hardware/events/eventTable';
import { LONG4 } from '../../hardware/paging/formats/long4';
import { frameInEntry, frameOfAddress } from '../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import { IdentityAddressing } from '../../hardware/paging/tableAddressing';
import { TranslationSpace } from '../../hardware/paging/translationSpace';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK } from '../../hardware/paging/walkOutcome';
import { EntryMaker } from '../entryMaker';
import type { EntryWriter } from '../entryWriter';
import { pageHi, pageLo } from '../memslots';
import { USE } from './hostFrames';
import type { OwnedFrames } from './ownedFrames';

/** Rights of the VMM process's memory: readable, writable, user, not executable. */
const USER_RW = PAGE_RIGHTS.writable | PAGE_RIGHTS.user;

/**
 * The host process that a virtual machine is: its page table (HVA to HPA) lies in host-physical
 * memory, and is walked by the one walk. Pages are filled on demand.
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
  ) {
    this.root = frames.allocate(USE.hostTable, 0, 0);
    this.space = new TranslationSpace({
      memory, bus, tableSpace: SPACE.host, actor: ACTOR.host, cpu: 0, maxphyaddr, tables: new IdentityAddressing(),
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

  /** Host frame that page `hvaPage` (HVA >> 12) is mapped to, or -1. `effects`: whether the walk shows as events. */
  frameOf(hvaPage: number, effects: number = EFFECTS.none): number {
    const { space } = this;
    if (walk(space, pageLo(hvaPage), pageHi(hvaPage), ACCESS.write | ACCESS.user, effects) !== WALK.mapped) return -1;
    return frameOfAddress(space.result.hpaLo, space.result.hpaHi);
  }

  /** Maps page `hvaPage` to host frame `frame`, making tables on the way; false when no frame is left for them. */
  map(hvaPage: number, frame: number, cpu: number): boolean {
    let table = this.root;
    for (let level = LONG4.levels; level > 1; level--) {
      const index = indexAt(hvaPage, level);
      let lo = this.writer.lo(table, index);
      let hi = this.writer.hi(table, index);
      if ((lo & LONG4.presentMask) === 0) {
        const fresh = this.frames.allocate(USE.hostTable, 0, cpu);
        if (fresh < 0) return false;
        this.writer.zeroFrame(fresh);
        this.maker.make(fresh, ALL_RIGHTS);
        this.maker.markAccessed();
        lo = this.maker.lo;
        hi = this.maker.hi;
        this.writer.write(SPACE.host, ACTOR.host, cpu, level, table, index, lo, hi);
      }
      table = frameInEntry(lo, hi);
    }
    this.maker.make(frame, USER_RW);
    this.maker.markAccessed();
    this.maker.markDirty();
    this.writer.write(SPACE.host, ACTOR.host, cpu, 1, table, indexAt(hvaPage, 1), this.maker.lo, this.maker.hi);
    return true;
  }
}

/** Index of page `page` (address >> 12) in a table of `level`, 512 entries each. */
export function indexAt(page: number, level: number): number {
  return Math.floor(page / 2 ** (9 * (level - 1))) % 512;
}
