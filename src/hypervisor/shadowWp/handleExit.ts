import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import { commonExits } from '../commonExits';
import { vmcsControl } from '../vmcsControl';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { handleCrAccess } from './controlRegisters';
import { handleRmodeException, rmodeProcedures } from './rmode';
import { CR3_LOAD, type ShadowMmu } from './shadowMmu';

const V = { reason: 0, qualification: 1 } as const;
const CR_NUMBER = 0xf;
const PAGE_FAULT = 14;
const CR_TYPE = 0x3;
const CR_TYPE_SHIFT = 4;

const common = commonExits<ShadowMmu>(vmcsControl);

/** Handlers of exits that have nothing to do with memory, and of what real-address mode takes. */
export const instructionHandlers = [...common.handlers, ...rmodeProcedures];
export const { completeInterrupts } = common;

/** Gives a `RESUME`. */
export const handleExit: ListingProcedure<ShadowMmu> = {
  name: 'handle_exit',
  purpose: 'Every VM exit begins here.',
  values: [{ name: 'reason', kind: 'number' }, { name: 'qualification', kind: 'number' }],
  parameters: 0,
  body: [
    line('reason, qualification = VMREAD', {}, (mmu, f) => {
      mmu.mustFlush = 0;
      mmu.cr3Load = CR3_LOAD.none;
      f.set(V.reason, mmu.vmcs(VMCS.exit_reason), 0);
      f.set(V.qualification, mmu.vmcs(VMCS.exit_qualification), mmu.vmcs(VMCS.exit_qualification + 1));
    }),
    when('reason is EXCEPTION_NMI: the bitmap lets page faults exit, and in virtual-8086 mode every exception', is(EXIT_REASON.exception_nmi), [
      when('it is no page fault', (mmu) => vectorOf(mmu) !== PAGE_FAULT, [
        give('handle_rmode_exception(vector, error code)', (mmu) => (
          mmu.call(handleRmodeException, vectorOf(mmu), 0, mmu.vmcs(VMCS.exit_interruption_error_code), 0)
        )),
      ]),
      give('handle_page_fault(qualification, error code)', (mmu, f) => (
        mmu.call(mmu.procedures.handlePageFault, f.lo(V.qualification), f.hi(V.qualification), mmu.vmcs(VMCS.exit_interruption_error_code), 0)
      )),
    ]),
    when('reason is CR_ACCESS', is(EXIT_REASON.cr_access), [
      give('handle_cr_access(control register, access type)', (mmu, f) => (
        mmu.call(handleCrAccess, f.lo(V.qualification) & CR_NUMBER, 0, (f.lo(V.qualification) >>> CR_TYPE_SHIFT) & CR_TYPE, 0)
      )),
    ]),
    when('reason is INVLPG', is(EXIT_REASON.invlpg), [
      give('handle_invlpg(qualification)', (mmu, f) => mmu.call(mmu.procedures.handleInvlpg, f.lo(V.qualification), f.hi(V.qualification))),
    ]),
    when('reason is INVPCID', is(EXIT_REASON.invpcid), [give('handle_invpcid()', (mmu) => mmu.call(mmu.procedures.handleInvpcid))]),
    ...common.lines,
  ],
};

function vectorOf(mmu: ShadowMmu): number {
  return mmu.vmcs(VMCS.exit_interruption_info) & INTERRUPTION.vectorMask;
}

function is(reason: number): (mmu: ShadowMmu, f: ListingFrame) => boolean {
  return (_, f) => f.lo(V.reason) === reason;
}

