import { COUNTER } from '../../hardware/state/counters';
import { KIND } from '../../hardware/events/eventTable';
import { FAR_FRAME } from '../../hardware/memory/frameNumber';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { RESUME } from '../../hardware/processor/rootMode';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK } from '../../hardware/paging/walkOutcome';
import { faultinPfn, lookUpSlot, SLOT_OF_GPA } from '../faultinPfn';
import { gpteChanged } from '../gpteChanged';
import { MADE_ITSELF, makesItself } from '../commonExits';
import { injectPageFault } from '../injection';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { emulatePageTableWrite } from './emulatePageTableWrite';
import { accessOf } from '../walkOperandPage';
import { emulateAccess } from './emulateAccess';
import type { ShadowMmu } from './shadowMmu';
import { cannotBeLeft } from './leafRights';
import { makePagesAvailable } from './makePagesAvailable';
import { handleMmioPageFault } from './mmioFault';
import { unprotectPage } from './unprotectPage';

/** Numbers of its values, for lines that a way of keeping the shadow in step adds. */
export const PAGE_FAULT = { gva: 0, error_code: 1, gpa: 2, slot: 3, hva: 4, hpa: 5, mmu_seq: 6 } as const;
const V = PAGE_FAULT;

/** What `handle_page_fault` does where ways of keeping the shadow in step differ. */
export interface PageFaultVariation<M extends ShadowMmu> {
  /** With a fault that the guest is about to see. */
  readonly beforeTrueFault: readonly ListingNode<M>[];
  /** What is written to page tables: `trappedWrites`, where they are write-protected. */
  readonly beforeFill: readonly ListingNode<M>[];
  readonly afterFill: readonly ListingNode<M>[];
  /** `unprotectedWrites`, where rights of the shadow depend on U. */
  readonly unprotected: readonly ListingNode<M>[];
}

/** A write that must trap, of which the text says which those are. */
type Traps<M> = (mmu: M, gfn: number, errorCode: number) => boolean;

const emulates = <M extends ShadowMmu>(): ListingNode<M> => give('emulate_page_table_write(gva, error_code, gpa)', (mmu, f) => (
  mmu.call(emulatePageTableWrite, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0, f.lo(V.gpa), f.hi(V.gpa))
));

/** Which writes are emulated as writes to a page table, where all are stores. */
export const emulatedWrites = <M extends ShadowMmu>(text: string, traps: Traps<M>): ListingNode<M> => (
  when(text, (mmu, f) => writes(f) && traps(mmu, f.frame(V.gpa), f.lo(V.error_code)), [emulates()])
);

/**
 * The same where the processor itself may write there, a frame to a stack or a flag to a descriptor. KVM's
 * kvm_unprotect_and_retry_on_failure: what cannot be emulated is allowed, and the page table shadowed again when it is next walked.
 */
export function trappedWrites<M extends ShadowMmu>(text: string, traps: Traps<M>): Pick<PageFaultVariation<M>, 'beforeFill' | 'afterFill'> {
  const isTrapped = (mmu: M, f: ListingFrame): boolean => writes(f) && traps(mmu, f.frame(V.gpa), f.lo(V.error_code));
  return {
    beforeFill: [
      when(text, isTrapped, [
        when(MADE_ITSELF, ({ processor }) => makesItself(processor), [
          line('kvm_mmu_unprotect_page(gpa >> 12): then no shadow page stands for it', {}, (mmu, f) => void mmu.call(unprotectPage, f.frame(V.gpa), 0)),
        ]),
        when('it is a store', ({ processor }) => !makesItself(processor), [emulates()]),
      ]),
    ],
    afterFill: [
      when('the processor made it by itself, and writes there trap still: the way there has shadowed the table again, or it is a root in use', (mmu, f) => makesItself(mmu.processor) && isTrapped(mmu, f), [
        give('stop the VM', (mmu) => stop(mmu, STOP_REASON.ownTable), { writes: ['vcpu'] }),
      ]),
    ],
  };
}

/** Writes that are emulated for want of an SPTE that allows them and no more. */
export const unprotectedWrites = <M extends ShadowMmu>(): ListingNode<M> => (
  when('only CR0.WP = 0 lets the supervisor write this page, and no SPTE can say so', (mmu, f) => cannotBeLeft(mmu, f.lo(V.error_code)), [
    give('emulate_access(gva, error_code, gpa)', (mmu, f) => emulateFaulting(mmu, f)),
  ])
);

/** Gives a `RESUME`. */
export const pageFaultOf = <M extends ShadowMmu>(variation: PageFaultVariation<M>): ListingProcedure<M> => ({
  name: 'handle_page_fault',
  purpose: 'A page fault under the shadow tables: the guest\'s own, the hypervisor\'s, or a write to a page table.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'gpa', kind: 'gpa' },
    { name: 'slot', kind: 'number' }, { name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' },
    { name: 'mmu_seq', kind: 'number' },
  ],
  parameters: 2,
  body: [
    when('error_code has RSVD: an SPTE was made to fault', (_, f) => (f.lo(V.error_code) & PFEC.RSVD) !== 0, [
      when('handle_mmio_page_fault(gva, error_code) knows what to do', (mmu, f) => (
        mmu.call(handleMmioPageFault, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0) === 1
      ), [give('what it came to', (mmu) => mmu.cameTo)]),
    ]),
    line('guest = walk(guest CR3, gva) for this access; it sets the guest\'s A and D', { writes: ['memory', 'vm.dirty_bitmap'] }, (mmu, f) => {
      const space = mmu.guestTables();
      walk(space, f.lo(V.gva), f.hi(V.gva), accessOf(f.lo(V.error_code)), EFFECTS.hardware);
      f.set(V.gpa, space.result.gpaLo, space.result.gpaHi);
    }),
    when('a paging structure of the guest lies outside every memslot', (mmu) => mmu.guest.result.outcome === WALK.tableUnreachable, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.tableOutsideSlots), { writes: ['vcpu'] }),
    ]),
    when('the guest\'s own tables refuse the access', (mmu) => mmu.guest.result.outcome === WALK.pageFault, [
      line('true fault: the guest must see it, with the error code of its own walk', {}, (mmu, f) => {
        mmu.reportTrueFault(f.lo(V.gva), f.hi(V.gva), mmu.guest.result.errorCode);
      }),
      ...variation.beforeTrueFault,
      line('CR2 = gva; VM-entry interruption information = #PF with that error code', { writes: ['registers', 'vmcs', 'vcpu'] }, (mmu, f) => {
        injectPageFault(mmu.processor, mmu.vcpu, f.lo(V.gva), f.hi(V.gva), mmu.guest.result.errorCode);
      }),
      give('to the guest, whose VM entry delivers the fault', (mmu) => (mmu.vcpu.stop === 0 ? RESUME.retry : RESUME.stopped)),
    ]),
    line(SLOT_OF_GPA, {}, (mmu, f) => void lookUpSlot(mmu, f, V)),
    when('no slot holds gpa: that is MMIO', (_, f) => f.lo(V.slot) < 0, [
      when('an SPTE can say so, with a bit that is reserved', (mmu, f) => f.frame(V.gpa) !== FAR_FRAME && mmu.hasReservedBit, [
        line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
        line('fetch(gva, error_code, gpa >> 12, nowhere)', {}, (mmu, f) => {
          mmu.call(mmu.procedures.fetch, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0, f.frame(V.gpa), 0, -1, -1);
        }),
        when('rights were taken away on the way', (mmu) => mmu.mustFlush === 1, [
          line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold them, and what follows may end early',
            { writes: ['tlb', 'counters'] }, (mmu) => {
              mmu.flushRemoteTlbs();
              mmu.mustFlush = 0;
            }),
        ]),
      ]),
      give('emulate_access(gva, error_code, gpa)', (mmu, f) => emulateFaulting(mmu, f)),
    ]),
    when('the slot is read-only, and the access writes', (mmu, f) => writes(f) && mmu.memory.slots.isReadOnly(f.lo(V.slot)), [
      give('emulate_access(gva, error_code, gpa)', (mmu, f) => emulateFaulting(mmu, f)),
    ]),
    ...variation.beforeFill,
    ...variation.unprotected,
    when('the shadow tables allow the access by now', (mmu, f) => allowsAlready(mmu, f), [
      line('spurious fault: a stale TLB line made it, and the fault has dropped that line', { writes: ['counters'] }, (mmu, f) => {
        classify(mmu, f, KIND.spurious_fault, COUNTER['faults.spurious']);
      }),
      give('to the guest: the access runs again', RESUME.retry),
    ]),
    line('hidden fault: the guest maps gva, the shadow does not yet', { writes: ['counters'] }, (mmu, f) => {
      classify(mmu, f, KIND.hidden_fault, COUNTER['faults.hidden']);
    }),
    ...faultinPfn<M>(V, { writes, guest: 'the guest', stop }),
    gpteChanged<M>({ tables: 'the guest\'s tables', guest: 'the guest', walked: (mmu) => mmu.guest }),
    when('the access writes a page of a slot whose dirty pages are logged', (mmu, f) => writes(f) && mmu.memory.dirty.isLogged(f.frame(V.gpa)), [
      line('mark_page_dirty(gpa >> 12)', { writes: ['vm.dirty_bitmap'] }, (mmu, f) => mmu.memory.dirty.mark(f.frame(V.gpa), mmu.cpu)),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
    when('fetch(gva, error_code, gpa >> 12, hpa) finds no host memory', (mmu, f) => (
      mmu.call(mmu.procedures.fetch, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0, f.frame(V.gpa), 0, f.lo(V.hpa), f.hi(V.hpa)) === 0
    ), [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
    ]),
    when('rights were taken away on the way', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVVPID on every vCPU: a TLB may still hold them', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
    ]),
    ...variation.afterFill,
    give('to the guest: the access runs again', RESUME.retry),
  ],
});

export const handlePageFault = pageFaultOf<ShadowMmu>({
  beforeTrueFault: [],
  ...trappedWrites('the access writes a frame that holds a shadowed page table', (mmu, gfn) => mmu.isShadowed(gfn)),
  unprotected: [unprotectedWrites()],
});

/** `emulate_access` for the fault at hand. */
export function emulateFaulting(mmu: ShadowMmu, f: ListingFrame): number {
  return mmu.call(emulateAccess, f.lo(V.gva), f.hi(V.gva), f.lo(V.error_code), 0, f.lo(V.gpa), f.hi(V.gpa));
}

function writes(f: ListingFrame): boolean {
  return (f.lo(V.error_code) & PFEC.W) !== 0;
}

/** Walks the shadow tables as the processor would, without effects. */
function allowsAlready(mmu: ShadowMmu, f: ListingFrame): boolean {
  return mmu.processor.walkWithoutEffects(f.lo(V.gva), f.hi(V.gva), accessOf(f.lo(V.error_code))) === WALK.mapped;
}

function classify(mmu: ShadowMmu, f: ListingFrame, kind: number, counter: number): void {
  mmu.classify(kind, counter, f.lo(V.gva), f.hi(V.gva), f.lo(V.gpa), f.hi(V.gpa), f.lo(V.error_code));
}

function stop(mmu: ShadowMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
