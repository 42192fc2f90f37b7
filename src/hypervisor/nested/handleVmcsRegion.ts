import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { LAUNCH_STATE, VMCS_REVISION } from '../../hardware/vmx/vmcs';
import { VM_INSTRUCTION_ERROR } from '../../hardware/vmx/vmInstructionErrors';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { L1_MEMORY } from './guestHypervisorMemory';
import type { NestedMmu } from './nestedMmu';
import { failsWhen, onlyAtCpl0, vmsucceed } from './vmxOutcome';

const V = { vmptr: 0 } as const;
const NONE = -1;

/** VMCLEAR by L1. Gives a `RESUME`. */
export const handleVmclear: ListingProcedure<NestedMmu> = {
  name: 'handle_vmclear',
  purpose: 'VMCLEAR by L1: the launch state in the region is clear, and a VMCS that was current is so no more.',
  values: [{ name: 'vmptr', kind: 'gpa' }],
  parameters: 1,
  body: [
    ...onlyARegion(VM_INSTRUCTION_ERROR.vmclearInvalidAddress, VM_INSTRUCTION_ERROR.vmclearVmxonPointer),
    when('vmptr is the current VMCS', (mmu, f) => mmu.state.current === f.frame(V.vmptr), [
      line('there is no current VMCS', { writes: ['nested'] }, (mmu) => { mmu.state.current = NONE; }),
    ]),
    when({ layered: 'a memslot holds vmptr, and get_user_pages(hva of vmptr) gives its page', direct: 'a memslot holds vmptr' }, (mmu, f) => mmu.l1.back(f.frame(V.vmptr)), [
      line('vmcs12.launch_state = clear', { writes: L1_MEMORY }, (mmu, f) => {
        mmu.vmcs12.use(f.frame(V.vmptr));
        mmu.vmcs12.launchState = LAUNCH_STATE.clear;
      }),
    ]),
    give('VMsucceed', (mmu) => vmsucceed(mmu), { writes: ['vmcs'] }),
  ],
};

/** VMPTRLD by L1. Gives a `RESUME`. */
export const handleVmptrld: ListingProcedure<NestedMmu> = {
  name: 'handle_vmptrld',
  purpose: 'VMPTRLD by L1: the VMCS in the region is current from here on.',
  values: [{ name: 'vmptr', kind: 'gpa' }],
  parameters: 1,
  body: [
    ...onlyARegion(VM_INSTRUCTION_ERROR.vmptrldInvalidAddress, VM_INSTRUCTION_ERROR.vmptrldVmxonPointer),
    failsWhen('the region has another revision identifier; where no memory is, it reads as ones', VM_INSTRUCTION_ERROR.vmptrldWrongRevision, (mmu, f) => {
      mmu.vmcs12.use(f.frame(V.vmptr));
      return mmu.vmcs12.revision !== VMCS_REVISION;
    }),
    line('the current VMCS is vmptr', { writes: ['nested'] }, (mmu, f) => { mmu.state.current = f.frame(V.vmptr); }),
    give('VMsucceed', (mmu) => vmsucceed(mmu), { writes: ['vmcs'] }),
  ],
};

/** What both begin with: `vmptr` may be a region. */
function onlyARegion(invalidAddress: number, vmxonPointer: number): readonly ListingNode<NestedMmu>[] {
  return [
    onlyAtCpl0,
    failsWhen('vmptr is no page\'s address', invalidAddress, isNoPage),
    failsWhen('vmptr is the VMXON pointer', vmxonPointer, isVmxonPointer),
  ];
}

/** SDM Vol. 3, "VMPTRLD—Load Pointer to Virtual-Machine Control Structure": bits 11:0, and those beyond the physical-address width. */
function isNoPage(mmu: NestedMmu, f: ListingFrame): boolean {
  const beyond = -(1 << (mmu.processor.settings.maxphyaddr - 32));
  return (f.lo(V.vmptr) & 0xfff) !== 0 || (f.hi(V.vmptr) & beyond) !== 0;
}

function isVmxonPointer(mmu: NestedMmu, f: ListingFrame): boolean {
  return frameOfAddress(f.lo(V.vmptr), f.hi(V.vmptr)) === mmu.parts.vmxonFrame;
}
