import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { NPF_INFO_HI } from '../../hardware/svm/exitInformation';
import { accessEmulation } from '../accessEmulation';
import { give, when, type ListingProcedure } from '../listing';
import { directPageFaultOf } from '../tdp/directPageFault';
import { mmioFaultOf } from '../tdp/mmioFault';
import { STOP_REASON } from '../vcpuState';
import { vmcbControl } from '../vmcbControl';
import { NPT_TABLES } from './nptFormat';
import type { NptMmu } from './nptMmu';

export const { walkOperand, emulateAccess } = accessEmulation<NptMmu>(vmcbControl, {
  purpose: 'An access that no NPT entry can let the guest make itself, MMIO or a write to ROM: done for the guest.',
});

/** Gives a `RESUME`. */
export const directPageFault = directPageFaultOf<NptMmu>(NPT_TABLES, {
  name: 'direct_page_fault',
  information: 'error_code',
  writes: (code) => (code & PFEC.W) !== 0,
  isFinal: (_, codeHi) => (codeHi & NPF_INFO_HI.finalAddress) !== 0,
  emulateAccess,
  beforeLog: [],
});

/** Gives a `RESUME`. */
export const handleMmioPageFault = mmioFaultOf<NptMmu>(NPT_TABLES, {
  name: 'handle_mmio_page_fault',
  purpose: 'An NPT entry with a reserved bit: one that says MMIO, made so on purpose. No slot need be looked for.',
  stop: STOP_REASON.reservedBit,
  emulateAccess,
  pageFault: {
    text: 'direct_page_fault(gpa, as of a read)',
    run: (mmu, gpaLo, gpaHi) => mmu.call(directPageFault, gpaLo, gpaHi, PFEC.U, NPF_INFO_HI.finalAddress),
  },
});

const V = { gpa: 0, error_code: 1 } as const;

/** Gives a `RESUME`. */
export const npfInterception: ListingProcedure<NptMmu> = {
  name: 'npf_interception',
  purpose: 'The nested tables have refused an access. Its error code is that of a page fault; the linear address is not told.',
  values: [{ name: 'gpa', kind: 'gpa' }, { name: 'error_code', kind: 'number' }],
  parameters: 2,
  body: [
    when('error_code has RSVD: an entry was made to fault', (_, f) => (f.lo(V.error_code) & PFEC.RSVD) !== 0, [
      give('handle_mmio_page_fault(gpa)', (mmu, f) => mmu.call(handleMmioPageFault, f.lo(V.gpa), f.hi(V.gpa))),
    ]),
    give('direct_page_fault(gpa, error_code)', (mmu, f) => (
      mmu.call(directPageFault, f.lo(V.gpa), f.hi(V.gpa), f.lo(V.error_code), f.hi(V.error_code))
    )),
  ],
};
