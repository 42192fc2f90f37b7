import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { RESUME } from '../../hardware/processor/rootMode';
import { INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import { commonExits } from '../commonExits';
import { vmcsControl } from '../vmcsControl';
import { give, line, when, type ListingNode, type ListingProcedure } from '../listing';
import type { EptMmu } from './eptMmu';
import { handleCrAccess } from './handleCrAccess';
import { handleRmodeException } from './handleRestrictedCrAccess';
import { handleEptMisconfig } from './handleEptMisconfig';
import { handleEptViolation } from './handleEptViolation';

const E = { reason: 0 } as const;
const CR_NUMBER = 0xf;
const CR_TYPE = 0x3;
const CR_TYPE_SHIFT = 4;

const common = commonExits<EptMmu>(vmcsControl, (_, f) => f.lo(E.reason));

/** Handlers of exits that have nothing to do with memory. */
export const instructionHandlers = common.handlers;
export const { completeInterrupts } = common;

/** Gives a `RESUME`. `exceptions`: lines for exits that only a restricted guest has. */
const handleExitOf = (exceptions: readonly ListingNode<EptMmu>[]): ListingProcedure<EptMmu> => ({
  name: 'handle_exit',
  purpose: 'Every VM exit begins here. Page faults, CR3 and INVLPG are the guest\'s own and do not exit.',
  values: [{ name: 'reason', kind: 'number' }],
  parameters: 0,
  body: [
    line('reason = VMREAD', {}, (mmu, f) => f.set(E.reason, mmu.vmcs(VMCS.exit_reason), 0)),
    when('reason is EPT_VIOLATION', (_, f) => f.lo(E.reason) === EXIT_REASON.ept_violation, [
      give('handle_ept_violation(guest-physical address, qualification)', (mmu) => mmu.call(handleEptViolation,
        mmu.vmcs(VMCS.guest_physical_address), mmu.vmcsHi, mmu.vmcs(VMCS.exit_qualification), 0)),
    ]),
    when('reason is EPT_MISCONFIGURATION', (_, f) => f.lo(E.reason) === EXIT_REASON.ept_misconfiguration, [
      give('handle_ept_misconfig(guest-physical address)', (mmu) => mmu.call(handleEptMisconfig,
        mmu.vmcs(VMCS.guest_physical_address), mmu.vmcsHi)),
    ]),
    when('reason is PML_FULL: its entries were marked before this', (_, f) => f.lo(E.reason) === EXIT_REASON.pml_full, [
      give('to the guest: the access runs again', RESUME.retry),
    ]),
    when('reason is CR_ACCESS', (_, f) => f.lo(E.reason) === EXIT_REASON.cr_access, [
      give('handle_cr_access(control register)', (mmu) => mmu.call(handleCrAccess,
        mmu.vmcs(VMCS.exit_qualification) & CR_NUMBER, 0, (mmu.vmcs(VMCS.exit_qualification) >>> CR_TYPE_SHIFT) & CR_TYPE, 0)),
    ]),
    ...exceptions,
    ...common.lines,
  ],
});

export const handleExit = handleExitOf([]);

/** The same for a guest in virtual-8086 mode, of which every exception exits. */
export const handleRestrictedExit = handleExitOf([
  when('reason is EXCEPTION_NMI: virtual-8086 mode lets every exception exit', (_, f) => f.lo(E.reason) === EXIT_REASON.exception_nmi, [
    give('handle_rmode_exception(vector, error code)', (mmu) => mmu.call(handleRmodeException,
      mmu.vmcs(VMCS.exit_interruption_info) & INTERRUPTION.vectorMask, 0, mmu.vmcs(VMCS.exit_interruption_error_code), 0)),
  ]),
]);
