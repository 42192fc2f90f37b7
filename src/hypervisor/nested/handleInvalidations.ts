import { brokenEptPointerRule } from '../../hardware/vmx/eptPointerRules';
import { isCanonical } from '../../hardware/paging/compiledFormat';
import { VM_INSTRUCTION_ERROR } from '../../hardware/vmx/vmInstructionErrors';
import { INVEPT, INVVPID } from '../../hardware/vmx/vmxInvalidations';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import type { NestedMmu } from './nestedMmu';
import { failsWhen, onlyAtCpl0, vmsucceed } from './vmxOutcome';

const E = { type: 0, eptp: 1 } as const;

/** INVEPT by L1. Gives a `RESUME`. */
export const handleInvept: ListingProcedure<NestedMmu> = {
  name: 'handle_invept',
  purpose: 'INVEPT by L1: every write to a shadowed table of EPT12 was trapped, so only the TLB can be stale.',
  values: [{ name: 'type', kind: 'number' }, { name: 'eptp', kind: 'number' }],
  parameters: 2,
  body: [
    onlyAtCpl0,
    failsWhen('type is neither 1 nor 2, or 1 with an EPTP that breaks a rule', VM_INSTRUCTION_ERROR.invalidOperand, (mmu, f) => {
      if (f.lo(E.type) === INVEPT.all) return false;
      return f.lo(E.type) !== INVEPT.context || brokenEptPointerRule(f.lo(E.eptp), f.hi(E.eptp), mmu.entryContext) !== undefined;
    }),
    line('INVEPT of all contexts: those of EPT02 are some of them', { writes: ['tlb', 'counters'] }, (mmu) => {
      mmu.invalidateAll();
    }),
    give('VMsucceed', (mmu) => vmsucceed(mmu), { writes: ['vmcs'] }),
  ],
};

const P = { type: 0, vpid: 1, gva: 2 } as const;

/** INVVPID by L1. Gives a `RESUME`. */
export const handleInvvpid: ListingProcedure<NestedMmu> = {
  name: 'handle_invvpid',
  purpose: 'INVVPID by L1: whatever VPID L1 means, what L2 runs with is one of L0\'s.',
  values: [{ name: 'type', kind: 'number' }, { name: 'vpid', kind: 'number' }, { name: 'gva', kind: 'gva' }],
  parameters: 3,
  body: [
    onlyAtCpl0,
    failsWhen('type is above 3, or the descriptor breaks a rule of it', VM_INSTRUCTION_ERROR.invalidOperand, breaksVpidRule),
    when('VPIDs are in use', (mmu) => mmu.vpid02 !== 0, [
      line('INVVPID of the VPID that L2 runs with, of that type', { writes: ['tlb', 'counters'] }, (mmu, f) => {
        const type = f.lo(P.type) === INVVPID.all ? INVVPID.context : f.lo(P.type);
        mmu.modes.l2.vmxInvalidations.invvpid(type, mmu.vpid02, f.lo(P.gva), f.hi(P.gva));
      }),
    ]),
    give('VMsucceed', (mmu) => vmsucceed(mmu), { writes: ['vmcs'] }),
  ],
};

/** SDM Vol. 3, "INVVPID—Invalidate Translations Based on VPID". */
function breaksVpidRule(mmu: NestedMmu, f: ListingFrame): boolean {
  const type = f.lo(P.type) >>> 0;
  if (type > INVVPID.contextRetainingGlobals || f.hi(P.type) !== 0) return true;
  if (f.hi(P.vpid) !== 0 || f.lo(P.vpid) >>> 16 !== 0) return true;
  if (type !== INVVPID.all && f.lo(P.vpid) === 0) return true;
  return type === INVVPID.address && !isCanonical(mmu.processor.space.compiled, f.hi(P.gva));
}
