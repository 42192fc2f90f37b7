import { accessEmulation } from '../accessEmulation';
import { line, repeat, type ListingFrame, type ListingNode } from '../listing';
import { vmcsControl } from '../vmcsControl';
import type { OperandPart } from '../writeTracking';
import type { EptMmu } from './eptMmu';

/** Number of the value of `emulate_access` that is free for what is besides to be done. */
const V = { part: 4 } as const;

const before: readonly ListingNode<EptMmu>[] = [
  repeat('part = next part of the operand that writes a tracked frame', (mmu, f) => nextTracked(mmu, f), [
    line('trapped write to the page table there', { writes: ['counters'] }, (mmu, f) => mmu.tracking?.writes(mmu.cpu, partOf(mmu, f))),
  ]),
];

const after: readonly ListingNode<EptMmu>[] = [
  line('part = none yet', {}, (_, f) => f.set(V.part, 0, 0)),
  repeat('part = next part of the operand that wrote a tracked frame', (mmu, f) => nextTracked(mmu, f), [
    line('kvm_page_track_write(part): what was made of the old entries goes', {}, (mmu, f) => {
      mmu.tracking?.written(mmu.cpu, partOf(mmu, f), mmu.operand.bytesAt(partOf(mmu, f).gvaLo));
    }),
  ]),
];

export const { walkOperand, emulateAccess } = accessEmulation<EptMmu>(vmcsControl, {
  purpose: 'An access that no EPT entry can let the guest make itself, MMIO or a write to ROM: done for the guest.',
  values: [{ name: 'part', kind: 'number' }], before, after,
});

/** `part` counts from 1; 0: none yet. */
function nextTracked({ operand, tracking }: EptMmu, f: ListingFrame): boolean {
  if (tracking === undefined) return false;
  for (let part = f.lo(V.part); part < 2; part++) {
    const gfn = operand.writtenGfn(part);
    if (gfn < 0 || !tracking.isTracked(gfn)) continue;
    f.set(V.part, part + 1, 0);
    return true;
  }
  return false;
}

function partOf({ processor: { pending }, operand }: EptMmu, f: ListingFrame): OperandPart {
  const part = f.lo(V.part) - 1;
  const { lo: gvaLo, hi: gvaHi } = part === 0 ? { lo: pending.gvaLo, hi: pending.gvaHi } : operand.otherGva(pending.gvaLo);
  const gfn = operand.writtenGfn(part);
  return { gvaLo, gvaHi, gpaLo: (gfn << 12) | (gvaLo & 0xfff), gpaHi: gfn >>> 20 };
}
