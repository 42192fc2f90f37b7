import { KIND } from '../../hardware/events/eventTable';
import type { WalkResult } from '../../hardware/paging/walkResult';
import { WALK } from '../../hardware/paging/walkOutcome';
import { line, give, when, type ListingFrame, type ListingNode } from '../listing';
import type { NestedMmu } from './nestedMmu';
import { reportJudgement } from './nestedReports';
import { nestedVmexit, tellExit, type ExitByEpt } from './vmexit';

/** A walk of EPT12 that L0 has made for an access of L2. */
export interface Walk12 {
  /** What it has come to. */
  readonly result: (mmu: NestedMmu) => WalkResult;
  /** What vmcs02 is to tell of the access besides, which it does not tell yet. */
  readonly tell?: (mmu: NestedMmu, f: ListingFrame) => void;
  /** Qualification of the violation that it has come to. */
  readonly qualification: (mmu: NestedMmu, f: ListingFrame) => number;
}

/** What EPT12 says that L1 must hear of: the exit is L1's, and the procedure gives a `RESUME`. */
export function refusalsOf12({ result, tell = () => undefined, qualification }: Walk12): readonly ListingNode<NestedMmu>[] {
  const exit = (reason: ExitByEpt, ofAccess: (mmu: NestedMmu, f: ListingFrame) => number) => (mmu: NestedMmu, f: ListingFrame): void => {
    tell(mmu, f);
    tellExit(mmu, reason, ofAccess(mmu, f));
  };
  return [
    when('an entry of EPT12 is misconfigured', (mmu) => result(mmu).outcome === WALK.eptMisconfiguration, [
      line('exit reason of vmcs02 = EPT_MISCONFIGURATION: L1 must see it', { writes: ['vmcs'] }, exit('ept_misconfiguration', () => 0)),
      give('nested_vmx_vmexit()', (mmu) => mmu.call(nestedVmexit)),
    ]),
    when('a dirty flag of EPT12 is to be set, and the page-modification log of vmcs12 is full', (mmu) => result(mmu).outcome === WALK.modificationLogFull, [
      line('exit reason of vmcs02 = PML_FULL: L1 empties its log', { writes: ['vmcs'] }, exit('pml_full', () => 0)),
      give('nested_vmx_vmexit()', (mmu) => mmu.call(nestedVmexit)),
    ]),
    when('EPT12 itself refuses the access', (mmu) => result(mmu).outcome === WALK.eptViolation, [
      line('true fault: exit reason of vmcs02 = EPT_VIOLATION, with the rights of EPT12', { writes: ['vmcs'] }, (mmu, f) => {
        exit('ept_violation', qualification)(mmu, f);
        reportJudgement(mmu, KIND.true_fault, undefined, result(mmu).gpaLo, result(mmu).gpaHi, qualification(mmu, f));
      }),
      give('nested_vmx_vmexit()', (mmu) => mmu.call(nestedVmexit)),
    ]),
  ];
}
