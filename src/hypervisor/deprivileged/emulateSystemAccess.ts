import { accessEmulation } from '../accessEmulation';
import { line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { trackWrite } from '../shadowWp/trackWrite';
import { vmcsControl } from '../vmcsControl';
import { accessOf, walkOperandPage } from '../walkOperandPage';
import type { DeprivilegedMmu } from './deprivilegedMmu';

/** Number of the value of `emulate_system_access` that is its own. */
const V = { part: 4 } as const;

/** The `walk_operand_page` of this listing: of an access that the hypervisor makes on its own account it knows more than an error code tells. */
export const walkOther = walkOperandPage<DeprivilegedMmu>(vmcsControl, {
  kindOf: (mmu, errorCode) => mmu.systemAccess ?? accessOf(errorCode),
});

/** Gives a `RESUME`. */
export const { emulateAccess: emulateSystemAccess } = accessEmulation<DeprivilegedMmu>(vmcsControl, {
  name: 'emulate_system_access',
  purpose: 'An access to a gate, a descriptor, task state or a stack of the guest\'s, which its processor would make by itself: with the guest\'s rights for it, byte by byte where it belongs.',
  walkOperand: walkOther,
  accessOf: ({ systemAccess }) => {
    if (systemAccess === undefined) throw new Error('invariant: no system access is under way');
    return systemAccess;
  },
  values: [{ name: 'part', kind: 'number' }],
  after: [
    line('part = none yet', {}, (_, f) => f.set(V.part, 0, 0)),
    repeat('part = next part of the operand that wrote a shadowed page table', (mmu, f) => nextTable(mmu, f), [
      line('track_write(part)', {}, (mmu, f) => track(mmu, f.lo(V.part) - 1)),
    ]),
    when('a present SPTE is gone', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => {
        mmu.flushRemoteTlbs();
        mmu.mustFlush = 0;
      }),
    ]),
  ],
}) as { readonly emulateAccess: ListingProcedure<DeprivilegedMmu> };

/** `part` counts from 1; 0: none yet. */
function nextTable(mmu: DeprivilegedMmu, f: ListingFrame): boolean {
  for (let part = f.lo(V.part); part < 2; part++) {
    const gfn = mmu.operand.writtenGfn(part);
    if (gfn < 0 || !mmu.isShadowed(gfn)) continue;
    f.set(V.part, part + 1, 0);
    return true;
  }
  return false;
}

function track(mmu: DeprivilegedMmu, part: number): void {
  const { operand, processor: { pending } } = mmu;
  const lo = part === 0 ? pending.gvaLo : operand.otherGva(pending.gvaLo).lo;
  const gfn = operand.writtenGfn(part);
  mmu.call(trackWrite, (gfn << 12) | (lo & 0xfff), gfn >>> 20, operand.bytesAt(lo), 0);
}
