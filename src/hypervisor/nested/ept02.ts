import type { EventBus } from '../../hardware/events/eventBus';
import { SPACE } from '../../hardware/events/eventTable';
import { EPT4 } from '../../hardware/paging/formats/ept4';
import type { EntryWriter } from '../entryWriter';
import type { OwnedFrames } from '../host/ownedFrames';
import { ShadowEntries } from '../shadowEntries';
import type { ShadowPages } from '../shadowWp/shadowPages';
import { isDirect02, levelOf02 } from './ept02Role';

const WRITABLE = 1 << EPT4.rights[1].bit;
/** SDM Vol. 3, "EPT and Memory Typing". */
const WRITE_BACK = 6;

/** The entries of EPT02, L0's shadow of the EPT that L1 has made for L2; guest frames are L1's. */
export class Ept02 extends ShadowEntries {
  constructor(pages: ShadowPages, frames: OwnedFrames, writer: EntryWriter, bus: EventBus) {
    super(pages, frames, writer, bus, {
      format: EPT4, space: SPACE.ept, levelOf: levelOf02, writable: WRITABLE, writtenMarks: 0, tableMarks: 0, mapsNothingHi: 0,
    });
  }

  /** L1's frames with a table of EPT12 that has a shadow page: writes to them must be seen. */
  isShadowed(gfn: number): boolean {
    let page = this.pages.nextOf(gfn, 0);
    while (page !== 0 && isDirect02(this.pages.roleOf(page))) page = this.pages.nextOf(gfn, page);
    return page !== 0;
  }

  /** Leaf `index` of `page` maps host frame `frame`, which backs L1's `gfn`. `rights`: R, W, X. */
  setLeaf(page: number, index: number, frame: number, gfn: number, rights: number, cpu: number): void {
    this.maker.make(frame, rights);
    this.maker.setMemoryType(WRITE_BACK);
    this.writeLeaf(page, index, gfn, this.maker.lo, this.maker.hi, cpu);
  }

  /** Takes every leaf away that maps L1's `gfn`; gives how many there were. */
  zapLeavesOf(gfn: number, cpu: number): number {
    let zapped = 0;
    while (this.zapLeafOf(gfn, cpu)) zapped++;
    return zapped;
  }
}
