import { EPT_QUALIFICATION } from '../../hardware/vmx/exitQualification';
import { give, line, when, type ListingFrame, type ListingNode } from '../listing';
import { directPageFaultOf, type DirectPageFault } from '../tdp/directPageFault';
import { emulateAccess } from './emulateAccess';
import { EPT_TABLES } from './eptFormat';
import type { EptMmu } from './eptMmu';

const V = { gpa: 0, qualification: 1 } as const;

const beforeLog: readonly ListingNode<EptMmu>[] = [
  when('the access writes a tracked frame: EPT tables of a guest hypervisor are shadowed there', (mmu, f) => writes(f.lo(V.qualification)) && isTracked(mmu, f), [
    when('it is no store: the processor sets a flag in a guest paging structure', (_, f) => !isFinal(f.lo(V.qualification)), [
      line('kvm_mmu_unprotect_page(gpa >> 12): then nothing is tracked there', {}, (mmu, f) => mmu.tracking?.unprotect(mmu.cpu, f.frame(V.gpa))),
    ]),
    when('it is a store', (_, f) => isFinal(f.lo(V.qualification)), [give('emulate_access()', (mmu) => mmu.call(emulateAccess))]),
  ]),
];

/** How an EPT violation tells of the access. */
export const eptViolation: DirectPageFault<EptMmu> = {
  name: 'handle_ept_violation', information: 'qualification', writes, isFinal, emulateAccess, beforeLog,
};

/** Gives a `RESUME`. */
export const handleEptViolation = directPageFaultOf<EptMmu>(EPT_TABLES, eptViolation);

function isFinal(qualification: number): boolean {
  return (qualification & EPT_QUALIFICATION.translationResult) !== 0;
}

function writes(qualification: number): boolean {
  return (qualification & EPT_QUALIFICATION.write) !== 0;
}

function isTracked(mmu: EptMmu, f: ListingFrame): boolean {
  return mmu.tracking?.isTracked(f.frame(V.gpa)) === true;
}
