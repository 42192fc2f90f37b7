import type { ListingProcedure } from '../listing';
import { handleCrAccess } from './controlRegisters';
import { emulateAccess, walkOther as walkOtherOf } from './emulateAccess';
import { emulatePageTableWrite } from './emulatePageTableWrite';
import { handleExit, instructionHandlers } from './handleExit';
import { loadPdptrs } from './loadRoot';
import { makePagesAvailable } from './makePagesAvailable';
import { enableLogDirty, flushShadowMemslot } from './memslotChanges';
import { handleMmioPageFault } from './mmioFault';
import type { ShadowProcedures } from './shadowMmu';
import { unmapGfnRange } from './unmapGfnRange';
import { unprotectPage as unprotectPageOf } from './unprotectPage';

/** What a listing with write-protected tables has in its own form besides. */
export interface TableProcedures {
  readonly trackWrite: ListingProcedure<never>;
  readonly loadPaeRoots: ListingProcedure<never>;
  /** Left out: that of shadow-wp. */
  readonly walkOther?: ListingProcedure<never>;
  readonly unprotectPage?: ListingProcedure<never>;
}

/** The listing of a hypervisor that write-protects guest tables, as far as others have it too. */
export function listingOf(own: ShadowProcedures, { trackWrite, loadPaeRoots, walkOther = walkOtherOf, unprotectPage = unprotectPageOf }: TableProcedures): readonly ListingProcedure<never>[] {
  return [
    handleExit, own.handlePageFault, makePagesAvailable, own.fetch, own.getShadowPage, emulatePageTableWrite, trackWrite, unprotectPage,
    emulateAccess, walkOther, handleCrAccess, own.loadRoot, loadPaeRoots, loadPdptrs, own.handleInvlpg, own.handleInvpcid,
    ...instructionHandlers, unmapGfnRange, handleMmioPageFault, flushShadowMemslot, enableLogDirty,
  ];
}
