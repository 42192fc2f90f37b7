import { OwnTablesTechnique, type OwnTablesParts } from '../ownTablesTechnique';
import type { VirtualMachine } from '../virtualMachine';
import type { TdpMmu } from './tdpMmu';
import type { TdpSlots } from './tdpSlots';

/** What one kind of second dimension is made of. */
export type TdpParts<M extends TdpMmu> = Omit<OwnTablesParts<M>, 'listing'>;

/**
 * Two-dimensional paging: the guest's CR3 and tables are its own, the processor translates every guest-physical address once
 * more by tables that the hypervisor fills as they are first used.
 */
export abstract class Tdp<M extends TdpMmu> extends OwnTablesTechnique<M> {
  abstract readonly slots: TdpSlots<M>;

  constructor(vm: VirtualMachine, parts: TdpParts<M>) {
    super(vm, { ...parts, listing: `${parts.space}.vmm` });
  }
}
