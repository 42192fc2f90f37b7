import { OPERATION } from '../../hardware/paging/accessKinds';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { RESUME } from '../../hardware/processor/rootMode';
import { brokeIntoDelivery } from '../commonExits';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { markWritten, PAGE_KNOWN, walkOperandPage } from '../walkOperandPage';
import type { EptMmu } from './eptMmu';

const V = { gva: 0, error_code: 1, pages: 2 } as const;

/** The one `walk_operand_page` of this listing. */
export const walkOperand = walkOperandPage<EptMmu>();

/** Gives a `RESUME`. */
export const emulateAccess: ListingProcedure<EptMmu> = {
  name: 'emulate_access',
  purpose: 'An access that no EPT entry can let the guest make itself, MMIO or a write to ROM: done for the guest.',
  values: [{ name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'pages', kind: 'number' }],
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
    repeat('gva = where the operand begins in its next page', (mmu, f) => nextPage(mmu, f), [
      when('walk_operand_page(gva, error_code) does not come back with it', (mmu, f) => !findsPage(mmu, f), [
        give('what it came to', (mmu) => mmu.cameTo),
      ]),
    ]),
    line('perform the access: where nothing answers, a load gives ones; where nothing takes it, a store goes nowhere',
      { writes: ['memory', 'registers'] }, (mmu) => mmu.operand.perform()),
    markWritten<EptMmu>(),
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

function findsPage(mmu: EptMmu, f: ListingFrame): boolean {
  mmu.cameTo = mmu.call(walkOperand, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0);
  return mmu.cameTo === PAGE_KNOWN;
}
