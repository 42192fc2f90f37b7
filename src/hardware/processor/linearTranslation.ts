import { EXIT_REASON } from '../vmx/exitReasons';
import type { Interruption } from './interruption';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from './processorSpaces';
import { isCanonical } from '../paging/compiledFormat';
import type { Tlb } from '../caches/tlb';
import type { Translator } from '../caches/translator';
import { VECTOR } from '../delivery/exceptions';
import { VMCS } from '../vmx/vmcs';
import { WALK } from '../paging/walkOutcome';

/** Beside `RESUME` and EXCEPTION: the address is translated, and the operation still to be done. */
export const TRANSLATED = 4;

/** The parts of a processor that an access by linear address needs, whoever makes it. */
export interface TranslatedProcessor {
  readonly vmcs: Int32Array;
  readonly tlb: Tlb;
  readonly spaces: ProcessorSpaces;
  readonly translator: Translator;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
}

/** The way from a linear address to memory, or into the fault or exit that stands in it: for instructions and event delivery. */
export class LinearTranslation {
  constructor(private readonly processor: TranslatedProcessor) {}

  get hpaLo(): number { return this.processor.translator.hpaLo; }
  get hpaHi(): number { return this.processor.translator.hpaHi; }

  /**
   * TRANSLATED with the address in `hpaLo`, `hpaHi`, or what the fault or exit led to: RESUME.completed when root mode
   * has done the whole operation. `access`: an access integer (`ACCESS`). `vector`, `errorCode`: the exception of an
   * address that is not canonical, which is found out before the walk; #SS where it is reached through SS.
   */
  translate(lo: number, hi: number, access: number, vector: number = VECTOR.generalProtection, errorCode = 0): number {
    const { translator, interruption, vmcs, spaces } = this.processor;
    const space = spaces.linear;
    if (!isCanonical(space.compiled, hi)) return interruption.raise(vector, errorCode, lo, hi);
    const outcome = translator.translate(lo, hi, access);
    if (outcome === WALK.mapped) return TRANSLATED;
    this.processor.tlb.invalidatePage(lo, hi);
    if (outcome === WALK.pageFault) {
      this.processor.events.pageFault(lo, hi, VECTOR.pageFault, translator.errorCode, translator.level);
      return interruption.raise(VECTOR.pageFault, translator.errorCode, lo, hi);
    }
    if (outcome === WALK.nestedPageFault) {
      const { qualification, qualificationHi, gpaLo, gpaHi } = space.result;
      return interruption.exitNestedPageFault(qualification, qualificationHi, gpaLo, gpaHi);
    }
    vmcs[VMCS.guest_physical_address] = space.result.gpaLo;
    vmcs[VMCS.guest_physical_address + 1] = space.result.gpaHi;
    if (outcome === WALK.eptMisconfiguration) return interruption.exit(EXIT_REASON.ept_misconfiguration, 0, 0);
    vmcs[VMCS.guest_linear_address] = lo;
    vmcs[VMCS.guest_linear_address + 1] = hi;
    return interruption.exit(EXIT_REASON.ept_violation, space.result.qualification, 0);
  }
}
