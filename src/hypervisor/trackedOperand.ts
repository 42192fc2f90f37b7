import type { Processor } from '../hardware/processor/processor';
import { line, repeat, type ListingFrame, type ListingNode } from './listing';
import type { OperandPages } from './operandPages';
import type { OperandPart, WriteTracking } from './writeTracking';

/** A hypervisor that emulates writes which somebody must see. */
interface TrackedEmulator {
  readonly cpu: number;
  readonly processor: Processor;
  readonly operand: OperandPages;
  readonly tracking?: WriteTracking | undefined;
}

/** What comes before the emulation of an access and after it. */
export interface TrackedNodes<M> {
  readonly before: readonly ListingNode<M>[];
  readonly after: readonly ListingNode<M>[];
}

/** KVM's page_track for emulated accesses: the parts of an operand that write tracked frames. `part`: number of a value that is free for it. */
export function trackedOperand<M extends TrackedEmulator>(part: number): TrackedNodes<M> {
  return {
    before: [
      repeat('part = next part of the operand that writes a tracked frame', (mmu, f) => nextTracked(mmu, f, part), [
        line('trapped write to the page table there', { writes: ['counters'] }, (mmu, f) => mmu.tracking?.writes(mmu.cpu, partOf(mmu, f.lo(part)))),
      ]),
    ],
    after: [
      line('part = none yet', {}, (_, f) => f.set(part, 0, 0)),
      repeat('part = next part of the operand that wrote a tracked frame', (mmu, f) => nextTracked(mmu, f, part), [
        line('kvm_page_track_write(part): what was made of the old entries goes', {}, (mmu, f) => {
          const written = partOf(mmu, f.lo(part));
          mmu.tracking?.written(mmu.cpu, written, mmu.operand.bytesAt(written.gvaLo));
        }),
      ]),
    ],
  };
}

/** `part` counts from 1; 0: none yet. */
function nextTracked({ operand, tracking }: TrackedEmulator, f: ListingFrame, value: number): boolean {
  if (tracking === undefined) return false;
  for (let part = f.lo(value); part < 2; part++) {
    const gfn = operand.writtenGfn(part);
    if (gfn < 0 || !tracking.isTracked(gfn)) continue;
    f.set(value, part + 1, 0);
    return true;
  }
  return false;
}

function partOf({ processor: { pending }, operand }: TrackedEmulator, number: number): OperandPart {
  const part = number - 1;
  const { lo: gvaLo, hi: gvaHi } = part === 0 ? { lo: pending.gvaLo, hi: pending.gvaHi } : operand.otherGva(pending.gvaLo);
  const gfn = operand.writtenGfn(part);
  return { gvaLo, gvaHi, gpaLo: (gfn << 12) | (gvaLo & 0xfff), gpaHi: gfn >>> 20 };
}
