import type { Selection } from './lineFilter';

/** What one operation invalidates, by kind of mapping; a kind left out stays. */
export interface InvalidationRow {
  readonly linear?: Selection;
  readonly combined?: Selection;
  readonly guestPhysical?: Selection;
}

/** Of linear addresses: linear and combined mappings alike. */
function ofLinear(selection: Selection): InvalidationRow {
  return { linear: selection, combined: selection };
}

const everything: Selection = { vpid: 'any', pcid: 'any', globals: 'also', eptRoot: 'any', translations: 'all', structures: 'all' };
const currentVpid: Selection = { ...everything, vpid: 'current' };
const currentPcid: Selection = { ...currentVpid, pcid: 'current' };
const givenPcid: Selection = { ...currentVpid, pcid: 'given' };
const givenVpid: Selection = { ...everything, vpid: 'given' };
const givenRoot: Selection = { ...everything, eptRoot: 'given' };
const theAddress = { translations: 'of the address', structures: 'of the address' } as const;

/**
 * Who invalidates what: at least this much, and this processor invalidates no more. The operations of a guest concern
 * the current VPID or ASID, under every EPT root. SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure
 * Caches", "Operations That Invalidate Cached Mappings"; APM Vol. 2, "TLB Control", "TLB Management".
 *
 * Nothing: MOV to CR3 with bit 63 while CR4.PCIDE is 1; VM entries and exits with VPID; VM function 0.
 */
export const invalidationRows = {
  /** The page with whatever PCID its global line has; all paging-structure lines of the PCID. */
  invlpg: ofLinear({ ...currentPcid, translations: 'of the address' }),
  /** The PCID is the new one; 0 while CR4.PCIDE is 0. */
  movCr3: ofLinear({ ...currentPcid, globals: 'kept' }),
  /** CR0.PG 1 to 0. */
  pagingOff: ofLinear(currentVpid),
  /** CR4.PGE changed, CR4.PCIDE 1 to 0. */
  everyPcid: ofLinear(currentVpid),
  /** CR4.PAE changed, CR4.SMEP 0 to 1. */
  currentPcid: ofLinear(currentPcid),
  invpcidAddress: ofLinear({ ...givenPcid, globals: 'kept', ...theAddress }),
  invpcidContext: ofLinear({ ...givenPcid, globals: 'kept' }),
  invpcidAllWithGlobals: ofLinear(currentVpid),
  invpcidAll: ofLinear({ ...currentVpid, globals: 'kept' }),
  /** So that a fault that the tables do not call for any more does not come twice. */
  pageFault: ofLinear({ ...currentPcid, ...theAddress }),
  /** VM entry and VM exit without VPID. */
  vmTransition: ofLinear({ ...everything, vpid: '0' }),
  eptViolation: {
    combined: { ...currentPcid, eptRoot: 'current', ...theAddress },
    guestPhysical: { ...everything, eptRoot: 'current', ...theAddress },
  },
  /** An EPT violation at the address of PDPTEs, which has no linear address. */
  eptViolationOfPdptes: { guestPhysical: { ...everything, eptRoot: 'current', ...theAddress } },
  invvpidAddress: ofLinear({ ...givenVpid, ...theAddress }),
  invvpidContext: ofLinear(givenVpid),
  invvpidAll: ofLinear({ ...everything, vpid: 'any but 0' }),
  invvpidContextRetainingGlobals: ofLinear({ ...givenVpid, globals: 'kept' }),
  inveptContext: { combined: givenRoot, guestPhysical: givenRoot },
  inveptAll: { combined: everything, guestPhysical: everything },
  /** AMD: the nested tables refused. The ASID stands for VPID and root. */
  nestedPageFault: {
    combined: { ...currentPcid, ...theAddress },
    guestPhysical: { ...currentVpid, ...theAddress },
  },
  invlpga: ofLinear({ ...givenVpid, translations: 'of the address' }),
  /** TLB_CONTROL 1, 3 and 7 at VMRUN. */
  everyAsid: { ...ofLinear(everything), guestPhysical: everything },
  asid: { ...ofLinear(givenVpid), guestPhysical: givenVpid },
  asidKeepingGlobals: { ...ofLinear({ ...givenVpid, globals: 'kept' }), guestPhysical: givenVpid },
} as const satisfies Record<string, InvalidationRow>;

export type InvalidationName = keyof typeof invalidationRows;
