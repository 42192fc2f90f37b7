import { COUNTER } from '../../hardware/state/counters';
import { KIND } from '../../hardware/events/eventTable';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { RESUME } from '../../hardware/processor/rootMode';
import { refuseOwnAccess } from '../commonExits';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { readSequence, retryIfChanged } from '../operandRetry';
import { STOP_REASON } from '../vcpuState';
import { vmcsControl } from '../vmcsControl';
import { markWritten, PAGE_KNOWN, walkOperandPage } from '../walkOperandPage';
import { trackWrite } from './trackWrite';
import type { ShadowMmu } from './shadowMmu';

const V = { gva: 0, error_code: 1, gpa: 2, hpa: 3, mmu_seq: 4 } as const;

/** The `walk_operand_page` of these listings, unless one has its own. */
export const walkOther = walkOperandPage<ShadowMmu>(vmcsControl);

/** What an emulation begins with, its gva and error code being its first values: an operand in two pages needs both. */
export const findOtherPage = when<ShadowMmu>('the operand goes on in another page', (mmu) => mmu.operand.crosses, [
  when('walk_operand_page(its gva, error_code) does not come back with it', (mmu, f) => !findsOther(mmu, f.lo(V.gva), f.lo(V.error_code)), [
    give('what it came to', (mmu) => mmu.cameTo),
  ]),
]);

/** `after`: what the shadow makes of what was written; `first`: what cannot be emulated. Gives a `RESUME`. */
export const emulateAccessOf = <M extends ShadowMmu>(
  after: readonly ListingNode<M>[], first: readonly ListingNode<M>[] = [refuseOwnAccess()],
): ListingProcedure<M> => ({
  name: 'emulate_access',
  purpose: 'An access that no SPTE can let the guest make itself: done for the guest, byte by byte where it belongs.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'gpa', kind: 'gpa' }, { name: 'hpa', kind: 'hpa' },
    { name: 'mmu_seq', kind: 'number' },
  ],
  parameters: 3,
  body: [
    ...first,
    readSequence(V.mmu_seq),
    findOtherPage,
    when('no slot holds gpa', (mmu, f) => mmu.memory.slots.find(f.frame(V.gpa)) < 0, [
      line('MMIO, and no device answers: a load gives ones, a store goes nowhere', { writes: ['counters'] }, (mmu, f) => {
        mmu.processor.counters[COUNTER['faults.mmio']]!++;
        mmu.operand.set(f.lo(V.gva), -1, -1, 'writes');
        f.set(V.hpa, -1, -1);
      }),
    ]),
    when('a slot holds gpa', (mmu, f) => mmu.memory.slots.find(f.frame(V.gpa)) >= 0, [
      when('it is read-only, and the access writes', (mmu, f) => isWriteToRom(mmu, f), [
        line('MMIO too: what takes the write, if anything does, is the VMM process\'s to say', { writes: ['counters'] }, (mmu) => {
          mmu.processor.counters[COUNTER['faults.mmio']]!++;
        }),
      ]),
      when('else', (mmu, f) => !isWriteToRom(mmu, f), [
        line('hidden fault: the guest maps gva, the shadow does not', { writes: ['counters'] }, (mmu, f) => {
          mmu.classify(KIND.hidden_fault, COUNTER['faults.hidden'], f.lo(V.gva), f.hi(V.gva), f.lo(V.gpa), f.hi(V.gpa), f.lo(V.error_code));
        }),
      ]),
      line({ layered: 'hpa = get_user_pages(memslot and hva of gpa)', direct: 'hpa = the slot\'s frame of gpa' }, {}, (mmu, f) => {
        const frame = mmu.memory.backFor(f.frame(V.gpa), mmu.cpu, (f.lo(V.error_code) & PFEC.W) !== 0 ? 1 : 0);
        f.set(V.hpa, (frame << 12) | (f.lo(V.gpa) & 0xfff), frame >> 20);
        mmu.operand.set(f.lo(V.gva), f.frame(V.gpa), frame, mmu.memory.slots.isReadOnly(mmu.memory.slots.find(f.frame(V.gpa))) ? 'reads' : 'writes');
      }),
      when({ layered: 'host memory is used up', direct: '' }, (_, f) => f.hi(V.hpa) < 0, [
        give('stop the VM', (mmu) => {
          mmu.vcpu.stop = STOP_REASON.hostMemory;
          return RESUME.stopped;
        }, { writes: ['vcpu'] }),
      ]),
    ]),
    retryIfChanged(V.mmu_seq),
    line('perform the access, at hpa', { writes: ['memory', 'registers'] }, (mmu) => mmu.operand.perform()),
    markWritten<M>(),
    ...after,
    give('to the guest, behind the access', RESUME.completed),
  ],
});

/** What follows an emulation whose first value is the gva, where tables are write-protected: of an operand in two pages either may be one. */
export const trackOtherPage = when<ShadowMmu>('it wrote a shadowed page table in the other page', (mmu) => wroteOtherTable(mmu), [
  line('track_write(the other page)', {}, (mmu, f) => trackOther(mmu, f.lo(V.gva))),
]);

/** What follows where tables are write-protected. */
export const afterAccess: readonly ListingNode<ShadowMmu>[] = [
  trackOtherPage,
  when('a present SPTE is gone', (mmu) => mmu.mustFlush === 1, [
    line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold it', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
  ]),
];

export const emulateAccess: ListingProcedure<ShadowMmu> = emulateAccessOf<ShadowMmu>(afterAccess);

function isWriteToRom({ memory: { slots } }: ShadowMmu, f: ListingFrame): boolean {
  return (f.lo(V.error_code) & PFEC.W) !== 0 && slots.isReadOnly(slots.find(f.frame(V.gpa)));
}

/** Runs `walk_operand_page`; false when there is nothing left to do but what it came to. */
function findsOther(mmu: ShadowMmu, gvaLo: number, errorCode: number): boolean {
  const { lo, hi } = mmu.operand.otherGva(gvaLo);
  mmu.cameTo = mmu.call(walkOther, lo, hi, errorCode, 0);
  mmu.otherGfn = frameOfAddress(mmu.guest.result.gpaLo, mmu.guest.result.gpaHi);
  return mmu.cameTo === PAGE_KNOWN;
}

/** The operand's other page, if it has one, holds a shadowed page table and was written. */
function wroteOtherTable(mmu: ShadowMmu): boolean {
  return mmu.operand.crosses && mmu.operand.isWritten && mmu.isShadowed(mmu.otherGfn);
}

/** `track_write` for the bytes that lie in the page which the exit at `gvaLo` is not about. */
function trackOther(mmu: ShadowMmu, gvaLo: number): void {
  const { lo } = mmu.operand.otherGva(gvaLo);
  mmu.call(trackWrite, (mmu.otherGfn << 12) | (lo & 0xfff), mmu.otherGfn >>> 20, mmu.operand.bytesAt(lo), 0);
}

