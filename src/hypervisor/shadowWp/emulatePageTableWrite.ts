import { COUNTER } from '../../hardware/state/counters';
import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { RESUME } from '../../hardware/processor/rootMode';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { readSequence, retryIfChanged } from '../operandRetry';
import { STOP_REASON } from '../vcpuState';
import { findOtherPage, trackOtherPage } from './emulateAccess';
import { markWritten } from '../walkOperandPage';
import type { ShadowMmu } from './shadowMmu';
import { trackWrite } from './trackWrite';

const V = { gva: 0, error_code: 1, gpa: 2, hpa: 3, mmu_seq: 4 } as const;

/** Gives a `RESUME`. */
export const emulatePageTableWrite: ListingProcedure<ShadowMmu> = {
  name: 'emulate_page_table_write',
  purpose: 'A guest store to a frame that holds shadowed page tables: done for the guest, and carried into the shadow.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'gpa', kind: 'gpa' }, { name: 'hpa', kind: 'hpa' },
    { name: 'mmu_seq', kind: 'number' },
  ],
  parameters: 3,
  body: [
    readSequence(V.mmu_seq),
    findOtherPage,
    when({ layered: 'the host does not map gpa with W (yet)', direct: '' }, (mmu, f) => !mmu.memory.isWritable(f.frame(V.gpa)), [
      when('get_user_pages(memslot and hva of gpa) finds no host memory', (mmu, f) => mmu.memory.backFor(f.frame(V.gpa), mmu.cpu) < 0, [
        give('stop the VM', (mmu) => {
          mmu.vcpu.stop = STOP_REASON.hostMemory;
          return RESUME.stopped;
        }, { writes: ['vcpu'] }),
      ]),
    ]),
    retryIfChanged(V.mmu_seq),
    line('trapped write to the page table at gpa', { writes: ['counters'] }, (mmu, f) => {
      const frame = mmu.memory.frameOf(f.frame(V.gpa));
      f.set(V.hpa, (frame << 12) | (f.lo(V.gpa) & 0xfff), frame >>> 20);
      mmu.operand.set(f.lo(V.gva), f.frame(V.gpa), frame, 'writes');
      report(mmu, f);
    }),
    line('perform the store on guest memory, at hpa', { writes: ['memory', 'registers'] }, (mmu) => mmu.operand.perform()),
    markWritten<ShadowMmu>(),
    line('track_write(gpa, bytes)', {}, (mmu, f) => {
      mmu.call(trackWrite, f.lo(V.gpa), f.hi(V.gpa), mmu.operand.bytesAt(f.lo(V.gva)), 0);
    }),
    trackOtherPage,
    when('a present SPTE is gone', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
    ]),
    give('to the guest, behind the store', RESUME.completed),
  ],
};

function report(mmu: ShadowMmu, f: ListingFrame): void {
  mmu.processor.counters[COUNTER.page_table_writes_trapped]!++;
  if (!mmu.bus.on[KIND.page_table_write_trapped]) return;
  const { pending } = mmu.processor;
  const record = mmu.bus.begin(KIND.page_table_write_trapped, ACTOR.vmm, mmu.cpu);
  setPair(record, field.gva.at, f.lo(V.gva), f.hi(V.gva));
  setPair(record, field.gpa.at, f.lo(V.gpa), f.hi(V.gpa));
  setPair(record, field.address.at, f.lo(V.gpa), f.hi(V.gpa));
  setPair(record, field.hpa.at, f.lo(V.hpa), f.hi(V.hpa));
  const bytes = mmu.operand.bytesAt(f.lo(V.gva));
  const { change } = mmu;
  change.foresee(pending, f.lo(V.hpa), f.hi(V.hpa), mmu.operand.skippedAt(f.lo(V.gva)), mmu.guest.format.entryBytes);
  setPair(record, field.old.at, change.oldLo, change.oldHi);
  setPair(record, field.value.at, change.newLo, change.newHi);
  record[field.size.at] = bytes;
  record[field.space.at] = SPACE.guest;
  mmu.bus.commit();
}
