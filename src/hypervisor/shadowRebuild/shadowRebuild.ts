import { handleInvlpg, handleInvpcid } from '../shadowWp/controlRegisters';
import { fetch } from '../shadowWp/fetch';
import { getShadowPage } from '../shadowWp/getShadowPage';
import { handlePageFault } from '../shadowWp/pageFault';
import { listingOf } from '../shadowWp/protectedTables';
import { ShadowWp, type ShadowFlavour } from '../shadowWp/shadowWp';
import { zapOrphans } from '../shadowWp/zapOrphans';
import type { VirtualMachine } from '../virtualMachine';
import { compose } from './compose';
import { loadPaeRoots, loadRoot } from './loadRoot';
import { RebuildMmu } from './rebuildMmu';
import { trackWrite } from './trackWrite';

const procedures = { handlePageFault, fetch, getShadowPage, loadRoot, handleInvlpg, handleInvpcid };

const flavour: ShadowFlavour = {
  name: 'shadow-rebuild',
  mostRoots: 1,
  procedures,
  listing: [...listingOf(procedures, { trackWrite, loadPaeRoots }), compose, zapOrphans],
  makeMmu: (...parts) => new RebuildMmu(...parts),
};

/**
 * Shadow paging that keeps nothing from one address space to the next: each load of CR3 composes the whole shadow of the
 * guest's tables as they stand, write-protects them, and forgets what there was. A store to one of them is carried into the
 * shadow at once. What is left to faults is what an eager SPTE must not hide: A and D that are not set, memory not yet there.
 * Each vCPU composes for itself, with its own registers; what others run on stays in step, and where they alone lead to an
 * entry that is written, its SPTE goes, and comes back with a fault of theirs.
 */
export class ShadowRebuild extends ShadowWp {
  constructor(vm: VirtualMachine, { shadowPages }: { readonly shadowPages: number }) {
    super(vm, { shadowPages, update: 'eager' }, flavour);
  }
}
