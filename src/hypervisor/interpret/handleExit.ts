import { RESUME } from '../../hardware/processor/rootMode';
import { VMCB } from '../../hardware/svm/vmcb';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { accessEmulation } from '../accessEmulation';
import { commonExits } from '../commonExits';
import type { EmulatingVcpu } from '../emulatingVcpu';
import { give, line, when, type ListingProcedure } from '../listing';
import { svmVcpuRun } from '../svmGuest';
import { vmcbControl } from '../vmcbControl';

const E = { exit_code: 0 } as const;

const common = commonExits<EmulatingVcpu>(vmcbControl);

/** Handlers of exits that have nothing to do with memory. No exit breaks the delivery of an event off: each access of it is made, and it goes on. */
export const instructionHandlers = common.handlers.filter((handler) => handler !== common.completeInterrupts);

/** What comes before each VMRUN. */
export const vcpuRun = svmVcpuRun<EmulatingVcpu>();

export const { walkOperand, emulateAccess } = accessEmulation<EmulatingVcpu>(vmcbControl, {
  purpose: 'An access of the guest, by an instruction or by the delivery of an event: walked by software, and done by software.',
  accessOf: ({ processor: { vmcb } }) => vmcb[VMCB.exitinfo1]!,
});

/** Gives a `RESUME`. */
export const handleExit: ListingProcedure<EmulatingVcpu> = {
  name: 'handle_exit',
  purpose: 'Every #VMEXIT begins here, and every access of the guest is one. Control registers are the guest\'s own: nothing is made of them.',
  values: [{ name: 'exit_code', kind: 'number' }],
  parameters: 0,
  body: [
    line('exit_code = EXITCODE of the VMCB', {}, ({ processor: { vmcb } }, f) => f.set(E.exit_code, vmcb[VMCB.exitcode]!, vmcb[VMCB.exitcode + 1]!)),
    when('exit_code is that of an access', ({ processor }) => vmcbControl.exitReason(processor) === EXIT_REASON.interpreted_access, [
      give('emulate_access()', (mmu) => mmu.call(emulateAccess)),
    ]),
    when('exit_code is SVM_EXIT_INVLPG', ({ processor }) => vmcbControl.exitReason(processor) === EXIT_REASON.invlpg, [
      give('to the guest, behind the instruction: no translation is kept anywhere', RESUME.completed),
    ]),
    ...common.lines,
  ],
};

/** Gives how many entries are gone. */
export const unmapGfnRange: ListingProcedure<EmulatingVcpu> = {
  name: 'kvm_unmap_gfn_range',
  purpose: 'The host is about to change what backs guest frames. No entry maps them, and no TLB holds them: each access asks anew.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }],
  parameters: 2,
  body: [give('none is gone', 0)],
};
