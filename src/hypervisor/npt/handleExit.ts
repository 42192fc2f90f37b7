import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { VMCB } from '../../hardware/svm/vmcb';
import { commonExits } from '../commonExits';
import { give, line, when, type ListingProcedure } from '../listing';
import { svmVcpuRun } from '../svmGuest';
import { vmcbControl } from '../vmcbControl';
import { npfInterception } from './nestedPageFault';
import type { NptMmu } from './nptMmu';

const E = { exit_code: 0 } as const;

const common = commonExits<NptMmu>(vmcbControl);

/** Handlers of exits that have nothing to do with memory. */
export const instructionHandlers = common.handlers;
export const { completeInterrupts } = common;

/** Gives a `RESUME`. */
export const handleExit: ListingProcedure<NptMmu> = {
  name: 'svm_handle_exit',
  purpose: 'Every #VMEXIT begins here. Page faults, control registers and INVLPG are the guest\'s own and do not exit.',
  values: [{ name: 'exit_code', kind: 'number' }],
  parameters: 0,
  body: [
    line('exit_code = EXITCODE of the VMCB', {}, (mmu, f) => f.set(E.exit_code, mmu.vmcb(VMCB.exitcode), mmu.vmcb(VMCB.exitcode + 1))),
    when('exit_code is SVM_EXIT_NPF', ({ processor }) => vmcbControl.exitReason(processor) === EXIT_REASON.npf, [
      give('npf_interception(EXITINFO2, EXITINFO1)', (mmu) => mmu.call(npfInterception,
        mmu.vmcb(VMCB.exitinfo2), mmu.vmcb(VMCB.exitinfo2 + 1), mmu.vmcb(VMCB.exitinfo1), mmu.vmcb(VMCB.exitinfo1 + 1))),
    ]),
    ...common.lines,
  ],
};

/** What comes before each VMRUN. */
export const vcpuRun = svmVcpuRun<NptMmu>();
