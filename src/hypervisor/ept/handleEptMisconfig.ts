import { EPT_QUALIFICATION } from '../../hardware/vmx/exitQualification';
import { mmioFaultOf } from '../tdp/mmioFault';
import { STOP_REASON } from '../vcpuState';
import { emulateAccess } from './emulateAccess';
import { EPT_TABLES } from './eptFormat';
import type { EptMmu } from './eptMmu';
import { handleEptViolation } from './handleEptViolation';

/** Gives a `RESUME`. */
export const handleEptMisconfig = mmioFaultOf<EptMmu>(EPT_TABLES, {
  name: 'handle_ept_misconfig',
  purpose: 'An EPT entry that no processor takes: one that says MMIO, made so on purpose. No slot need be looked for.',
  stop: STOP_REASON.misconfiguredEntry,
  emulateAccess,
  pageFault: {
    text: 'handle_ept_violation(gpa, as of a read)',
    run: (mmu, gpaLo, gpaHi) => mmu.call(handleEptViolation, gpaLo, gpaHi, EPT_QUALIFICATION.read | EPT_QUALIFICATION.translationResult, 0),
  },
});
