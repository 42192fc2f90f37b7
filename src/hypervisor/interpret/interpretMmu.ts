import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { EmulatingVcpu } from '../emulatingVcpu';
import { setSvmGuestEfer, svmGuestEfer, usePdptesInMemory } from '../svmGuest';

/** What the listing of interpret works on: one virtual CPU. */
export class InterpretMmu extends EmulatingVcpu {
  get efer(): number {
    return svmGuestEfer(this.processor);
  }

  setEfer(lo: number): number {
    return setSvmGuestEfer(this.processor, lo);
  }

  override guestTables(): TranslationSpace {
    return usePdptesInMemory(super.guestTables(), this.processor);
  }

  vmcb(field: number): number {
    return this.processor.vmcb[field]!;
  }
}
