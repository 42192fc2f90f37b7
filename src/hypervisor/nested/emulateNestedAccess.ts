import { VECTOR } from '../../hardware/delivery/exceptions';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { VMCS } from '../../hardware/vmx/vmcs';
import { EVENT_TYPE } from '../../hardware/delivery/deliveredEvent';
import { exceptionExits, recordException } from '../../hardware/vmx/vmxTransitions';
import { accessEmulation } from '../accessEmulation';
import { give, line, repeat, when, type ListingNode } from '../listing';
import { trackedOperand } from '../trackedOperand';
import { currentVmcsControl } from '../vmcsControl';
import type { NestedMmu } from './nestedMmu';
import { refusalsOf12 } from './refusalsOf12';
import { trackWrite02 } from './trackWrite02';
import { nestedVmexit } from './vmexit';

/** The page's address is the first value of the procedure for a page. */
const GVA = 0;
/** Number of the value of `emulate_access` that is free for what is besides to be done. */
const PART = 4;
const ENTRY_BYTES = 8;

/** What a walk of L2's tables can come to besides: by EPT12, and because they may lie in tables of EPT12. */
const afterWalk: readonly ListingNode<NestedMmu>[] = [
  repeat('entry = next of those that it has set a flag in, where a table of EPT12 is shadowed too', takeFlaggedTable, [
    line('kvm_mmu_track_write(entry, 8 bytes): what EPT02 made of the old one goes', {}, (mmu) => {
      const { flaggedLo, flaggedHi } = mmu.tablesOfL2;
      mmu.call(trackWrite02, flaggedLo, flaggedHi, ENTRY_BYTES, 0);
    }),
  ]),
  ...refusalsOf12({
    result: (mmu) => mmu.guestTables().result,
    qualification: (mmu) => mmu.guestTables().result.qualification,
    tell: (mmu, f) => {
      const { gpaLo, gpaHi } = mmu.guestTables().result;
      mmu.setVmcs(VMCS.guest_linear_address, f.lo(GVA), f.hi(GVA));
      mmu.setVmcs(VMCS.guest_physical_address, gpaLo, gpaHi);
    },
  }),
];

const vectors = { '#GP': VECTOR.generalProtection, '#PF': VECTOR.pageFault } as const;

/** Who hears of a fault of L2's first. */
function beforeFault(fault: keyof typeof vectors): readonly ListingNode<NestedMmu>[] {
  const vector = vectors[fault];
  return [
    when(`nested_vmx_check_exception(): L1 wants to hear of ${fault}`, (mmu) => exceptionExits(mmu.vmcs12.words, vector, errorCode(mmu, fault)), [
      line(`exit reason of vmcs02 = EXCEPTION_NMI, with ${fault} and what goes with it`, { writes: ['vmcs'] }, (mmu, f) => {
        const { processor: { registers, vmcs } } = mmu;
        mmu.setVmcs(VMCS.exit_reason, EXIT_REASON.exception_nmi, 0);
        recordException(registers, vmcs, vector, errorCode(mmu, fault), EVENT_TYPE.hardwareException);
        mmu.setVmcs(VMCS.exit_qualification, fault === '#PF' ? f.lo(GVA) : 0, fault === '#PF' ? f.hi(GVA) : 0);
      }),
      give('nested_vmx_vmexit()', (mmu) => mmu.call(nestedVmexit)),
    ]),
  ];
}

export const { walkOperand: walkOperandOfL2, emulateAccess: emulateNestedAccess } = accessEmulation<NestedMmu>(currentVmcsControl, {
  purpose: 'An access of L2 that no entry of EPT02 can let it make itself: done for L2, where L1\'s memory lies.',
  walk: { tables: 'CR3 of L2, gva; where it reads a table and where it ends, EPT12', afterWalk, beforeFault },
  values: [{ name: 'part', kind: 'number' }], ...trackedOperand<NestedMmu>(PART),
});

function errorCode(mmu: NestedMmu, fault: keyof typeof vectors): number {
  return fault === '#PF' ? mmu.guestTables().result.errorCode : 0;
}

function takeFlaggedTable({ tablesOfL2, ept02 }: NestedMmu): boolean {
  while (tablesOfL2.takeFlagged()) if (ept02.isShadowed(tablesOfL2.flaggedGfn)) return true;
  return false;
}
