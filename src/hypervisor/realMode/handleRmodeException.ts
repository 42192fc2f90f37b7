import { RESUME } from '../../hardware/processor/rootMode';
import { injectException } from '../injection';
import { give, line, type ListingProcedure } from '../listing';
import { EXCEPTION as V, type PrivilegedEmulation, privilegedInstructions } from '../privilegedInstructions';
import type { RmodeOwner } from './rmodeListing';

/** Gives a `RESUME`. */
export function handleRmodeException<M extends RmodeOwner>(emulation: PrivilegedEmulation<M>): ListingProcedure<M> {
  return {
    name: 'handle_rmode_exception',
    purpose: 'An exception in virtual-8086 mode: CPL 3 has been refused what real-address mode may do, or it is the guest\'s own.',
    values: [{ name: 'vector', kind: 'number' }, { name: 'error_code', kind: 'number' }],
    parameters: 2,
    body: [
      ...privilegedInstructions<M>(emulation),
      line('the guest\'s own: VM-entry interruption information = it', { writes: ['vmcs'] }, (mmu, f) => {
        injectException(mmu.processor, f.lo(V.vector), f.lo(V.error_code));
      }),
      give('to the guest, to whom it is delivered', RESUME.retry),
    ],
  };
}
