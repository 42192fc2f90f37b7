import { OPERATION } from '../../hardware/paging/accessKinds';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { RESUME } from '../../hardware/processor/rootMode';
import { brokeIntoDelivery } from '../commonExits';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { readSequence, retryIfChanged } from '../operandRetry';
import { STOP_REASON } from '../vcpuState';
import { markWritten, PAGE_KNOWN, walkOperandPage } from '../walkOperandPage';
import type { OperandPart } from '../writeTracking';
import type { EptMmu } from './eptMmu';

const V = { gva: 0, error_code: 1, pages: 2, part: 3, mmu_seq: 4 } as const;

/** The one `walk_operand_page` of this listing. */
export const walkOperand = walkOperandPage<EptMmu>();

/** Gives a `RESUME`. */
export const emulateAccess: ListingProcedure<EptMmu> = {
  name: 'emulate_access',
  purpose: 'An access that no EPT entry can let the guest make itself, MMIO or a write to ROM: done for the guest.',
  values: [{ name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'part', kind: 'number' }, { name: 'mmu_seq', kind: 'number' }],
  parameters: 0,
  body: [
    when('the processor was delivering an event: there is no instruction to emulate', ({ processor }) => brokeIntoDelivery(processor), [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.deliveryEmulation;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('error_code = as a page fault would tell of the access', {}, (mmu, f) => {
      f.set(V.error_code, errorCodeOf(mmu), 0);
      f.set(V.pages, 0, 0);
    }),
    readSequence(V.mmu_seq),
    repeat('gva = where the operand begins in its next page', (mmu, f) => nextPage(mmu, f), [
      when('walk_operand_page(gva, error_code) does not come back with it', (mmu, f) => !findsPage(mmu, f), [
        give('what it came to', (mmu) => mmu.cameTo),
      ]),
    ]),
    retryIfChanged(V.mmu_seq),
    repeat('part = next part of the operand that writes a tracked frame', (mmu, f) => nextTracked(mmu, f), [
      line('trapped write to the page table there', { writes: ['counters'] }, (mmu, f) => mmu.tracking?.writes(mmu.cpu, partOf(mmu, f))),
    ]),
    line('perform the access: where nothing answers, a load gives ones; where nothing takes it, a store goes nowhere',
      { writes: ['memory', 'registers'] }, (mmu) => mmu.operand.perform()),
    markWritten<EptMmu>(),
    line('part = none yet', {}, (_, f) => f.set(V.part, 0, 0)),
    repeat('part = next part of the operand that wrote a tracked frame', (mmu, f) => nextTracked(mmu, f), [
      line('kvm_page_track_write(part): what was made of the old entries goes', {}, (mmu, f) => {
        mmu.tracking?.written(mmu.cpu, partOf(mmu, f), mmu.operand.bytesAt(partOf(mmu, f).gvaLo));
      }),
    ]),
    give('behind the instruction', RESUME.completed),
  ],
};

function errorCodeOf({ processor }: EptMmu): number {
  const { operation } = processor.pending;
  const kind = operation === OPERATION.load ? 0 : operation === OPERATION.fetch ? PFEC.ID : PFEC.W;
  return processor.level === 3 ? kind | PFEC.U : kind;
}

function nextPage({ processor, operand }: EptMmu, f: ListingFrame): boolean {
  const seen = f.lo(V.pages);
  f.set(V.pages, seen + 1, 0);
  if (seen === 0) {
    f.set(V.gva, processor.pending.gvaLo, processor.pending.gvaHi);
    return true;
  }
  if (seen > 1 || !operand.crosses) return false;
  const { lo, hi } = operand.otherGva(processor.pending.gvaLo);
  f.set(V.gva, lo, hi);
  return true;
}

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

function findsPage(mmu: EptMmu, f: ListingFrame): boolean {
  mmu.cameTo = mmu.call(walkOperand, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0);
  return mmu.cameTo === PAGE_KNOWN;
}
