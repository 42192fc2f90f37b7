import type { TableAddressing } from '../hardware/paging/tableAddressing';
import { WALK } from '../hardware/paging/walkOutcome';

/** The host's page of zeros: frame 0, which nobody is given and nobody writes. */
const ZERO_FRAME = 0;

/** How software that walks tables reaches them: by the host frame behind each. */
export abstract class FrameAddressing implements TableAddressing {
  hpaLo = 0;
  hpaHi = 0;

  abstract locate(lo: number, hi: number, level: number, effects: number): number;

  /** The word whose address has these low bits lies in host frame `frame`; -1: in a page that nothing backs yet, which holds zeros. */
  protected found(frame: number, lo: number): number {
    const place = frame < 0 ? ZERO_FRAME : frame;
    this.hpaLo = (place << 12) | (lo & 0xfff);
    this.hpaHi = place >>> 20;
    return WALK.mapped;
  }
}
