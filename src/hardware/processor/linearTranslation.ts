import type { EptExits } from '../vmx/eptExits';
import type { Interruption } from './interruption';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from './processorSpaces';
import { isCanonical } from '../paging/compiledFormat';
import type { Translator } from '../caches/translator';
import { VECTOR } from '../delivery/exceptions';
import { WALK } from '../paging/walkOutcome';

/** Beside `RESUME` and EXCEPTION: the address is translated, and the operation still to be done. */
export const TRANSLATED = 4;

/** The parts of a processor that an access by linear address needs, whoever makes it. */
export interface TranslatedProcessor {
  readonly spaces: ProcessorSpaces;
  readonly translator: Translator;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  readonly eptExits: EptExits;
}

/** The way from a linear address to memory, or into the fault or exit that stands in it: for instructions and event delivery. */
export class LinearTranslation {
  constructor(private readonly processor: TranslatedProcessor) {}

  get hpaLo(): number { return this.processor.translator.hpaLo; }
  get hpaHi(): number { return this.processor.translator.hpaHi; }

  /** Does each of the guest's accesses exit before anything is looked up, for root mode to make it? */
  get isIntercepted(): boolean {
    return this.processor.translator.isIntercepted;
  }

  isCanonical(hi: number): boolean {
    return isCanonical(this.processor.spaces.linear.compiled, hi);
  }

  /**
   * TRANSLATED with the address in `hpaLo`, `hpaHi`, or what the fault or exit led to: RESUME.completed when root mode
   * has done the whole operation. `access`: an access integer (`ACCESS`). `vector`, `errorCode`: the exception of an
   * address that is not canonical, which is found out before the walk; #SS where it is reached through SS.
   */
  translate(lo: number, hi: number, access: number, vector: number = VECTOR.generalProtection, errorCode = 0): number {
    const { translator } = this.processor;
    if (!this.isCanonical(hi)) return this.refuse(WALK.nonCanonical, lo, hi, vector, errorCode);
    const outcome = translator.translate(lo, hi, access);
    return outcome === WALK.mapped ? TRANSLATED : this.refuse(outcome, lo, hi, vector, errorCode);
  }

  /** What the fault or exit leads to that an outcome (`WALK`) other than mapped is: see `translate`. */
  refuse(outcome: number, lo: number, hi: number, vector: number = VECTOR.generalProtection, errorCode = 0): number {
    const { translator, interruption, spaces, eptExits } = this.processor;
    const { result } = spaces.linear;
    if (outcome === WALK.intercepted) return interruption.exitAccess(lo, hi, result.access);
    if (outcome === WALK.nonCanonical) return interruption.raise(vector, errorCode, lo, hi);
    if (outcome === WALK.pageFault) {
      this.processor.events.pageFault(lo, hi, VECTOR.pageFault, translator.errorCode, translator.level);
      return interruption.raise(VECTOR.pageFault, translator.errorCode, lo, hi);
    }
    if (outcome === WALK.nestedPageFault) {
      const { qualification, qualificationHi, gpaLo, gpaHi } = result;
      return interruption.exitNestedPageFault(qualification, qualificationHi, gpaLo, gpaHi);
    }
    return eptExits.refuse(result, lo, hi);
  }
}
