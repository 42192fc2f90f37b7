import type { Processor } from '../hardware/processor/processor';
import { PFEC } from '../hardware/paging/pageFaultErrorCode';
import { ACCESS, ACCESS_KIND_MASK } from '../hardware/paging/accessKinds';
import { RESUME } from '../hardware/processor/rootMode';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import { walk } from '../hardware/paging/walk';
import { EFFECTS, WALK } from '../hardware/paging/walkOutcome';
import type { ControlBlock } from './controlBlock';
import { lookUpSlot, SLOT_OF_GPA } from './faultinPfn';
import { injectGeneralProtection, injectPageFault } from './injection';
import { give, line, when, type ListingNode, type ListingProcedure } from './listing';
import type { OperandPages } from './operandPages';
import type { SlotMemory } from './slotMemory';
import { STOP_REASON, type VcpuState } from './vcpuState';

/** What `walkOperandPage` gives when the page is known; anything else is a `RESUME`. */
export const PAGE_KNOWN = 16;

const V = { gva: 0, error_code: 1, gpa: 2, slot: 3, hva: 4, hpa: 5 } as const;

/** The hypervisor on whose behalf an operand is completed. */
export interface OperandOwner {
  readonly cpu: number;
  readonly processor: Processor;
  readonly memory: SlotMemory;
  readonly vcpu: VcpuState;
  readonly operand: OperandPages;
  /** The guest's tables as they stand, ready to walk. */
  guestTables(): TranslationSpace;
  reportTrueFault(gvaLo: number, gvaHi: number, code: number): void;
}

/** What sets the pages of one hypervisor's guests apart. */
export interface WalkVariant<V> {
  /** The access, where the error code of its fault does not tell all of it. */
  readonly kindOf?: (mmu: V, errorCode: number) => number;
  /** What is walked, in the line's words. Where a table or a page lies, in the slots, is what the walk says as host-physical. */
  readonly tables?: string;
  /** What else the walk may have come to; the page's address is value 0. */
  readonly afterWalk?: readonly ListingNode<V>[];
  /** Lines with a fault that the guest is about to see. */
  readonly beforeFault?: (fault: '#GP' | '#PF') => readonly ListingNode<V>[];
}

/**
 * The procedure, for the listing of a hypervisor `V`. As the processor does, both pages are translated before a byte is
 * read or written: when the guest's tables refuse this one, the guest gets the fault and nothing has been done. Gives
 * `PAGE_KNOWN` or a `RESUME`; leaves its guest frame in the walk's result.
 */
export function walkOperandPage<V extends OperandOwner>(control: ControlBlock, variant: WalkVariant<V> = {}): ListingProcedure<V> {
  const { block, words } = control;
  const { kindOf = (_: V, errorCode: number) => accessOf(errorCode), tables = 'guest CR3, gva', afterWalk = [], beforeFault = () => [] } = variant;
  return {
    name: 'walk_operand_page',
    purpose: 'A page of an operand that is emulated, by the guest\'s tables: nothing is read or written before all its pages are known.',
    values: [
      { name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'gpa', kind: 'gpa' },
      { name: 'slot', kind: 'number' }, { name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' },
    ],
    parameters: 2,
    body: [
      when('gva is not canonical', (mmu, f) => mmu.processor.walkWithoutEffects(f.lo(V.gva), f.hi(V.gva), ACCESS.read) === WALK.nonCanonical, [
        ...beforeFault('#GP'),
        line(`${words.injection} = #GP(0)`, { writes: [block] }, (mmu) => injectGeneralProtection(mmu.processor, control)),
        give(`to the guest, whose ${words.entry} delivers the fault`, RESUME.retry),
      ]),
      line(`guest = walk(${tables}) for this access; it sets the guest's A and D`, { writes: ['memory', 'vm.dirty_bitmap'] }, (mmu, f) => {
        const space = mmu.guestTables();
        walk(space, f.lo(V.gva), f.hi(V.gva), kindOf(mmu, f.lo(V.error_code)), EFFECTS.hardware);
        f.set(V.gpa, space.result.hpaLo, space.result.hpaHi);
      }),
      ...afterWalk,
      when('a paging structure of the guest lies outside every memslot', (mmu) => outcome(mmu) === WALK.tableUnreachable, [
        give('stop the VM', (mmu) => stop(mmu, STOP_REASON.tableOutsideSlots), { writes: ['vcpu'] }),
      ]),
      when('the guest\'s own tables refuse the access', (mmu) => outcome(mmu) === WALK.pageFault, [
        line('true fault: the guest must see it, with the error code of its own walk', {}, (mmu, f) => {
          mmu.reportTrueFault(f.lo(V.gva), f.hi(V.gva), mmu.guestTables().result.errorCode);
        }),
        ...beforeFault('#PF'),
        line(`CR2 = gva; ${words.injection} = #PF with that error code`, { writes: ['registers', block, 'vcpu'] }, (mmu, f) => {
          injectPageFault(mmu.processor, mmu.vcpu, f.lo(V.gva), f.hi(V.gva), mmu.guestTables().result.errorCode, control);
        }),
        give(`to the guest, whose ${words.entry} delivers the fault`, (mmu) => (mmu.vcpu.stop === 0 ? RESUME.retry : RESUME.stopped)),
      ]),
      line(SLOT_OF_GPA, {}, (mmu, f) => {
        lookUpSlot(mmu, f, V);
        mmu.operand.set(f.lo(V.gva), -1, -1, 'writes');
      }),
      when('a slot holds gpa', (_, f) => f.lo(V.slot) >= 0, [
        line({ layered: 'hpa = get_user_pages(hva)', direct: 'hpa = the slot\'s frame of gpa' }, {}, (mmu, f) => {
          const frame = mmu.memory.backFor(f.frame(V.gpa), mmu.cpu, (f.lo(V.error_code) & PFEC.W) !== 0 ? 1 : 0);
          f.set(V.hpa, frame << 12, frame >> 20);
          mmu.operand.set(f.lo(V.gva), f.frame(V.gpa), frame, mmu.memory.slots.isReadOnly(f.lo(V.slot)) ? 'reads' : 'writes');
        }),
        when({ layered: 'host memory is used up', direct: '' }, (_, f) => f.hi(V.hpa) < 0, [
          give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
        ]),
      ]),
      give('the page is known', PAGE_KNOWN),
    ],
  };
}

/** What follows an operation that the hypervisor has done for the guest, while dirty pages are logged. */
export function markWritten<V extends OperandOwner>(): ListingNode<V> {
  return when('dirty pages are logged', (mmu) => mmu.memory.slots.logging > 0, [
    line('mark_page_dirty(each page that it wrote)', { writes: ['vm.dirty_bitmap'] }, (mmu) => mmu.operand.markDirty(mmu.memory.dirty, mmu.cpu)),
  ]);
}

/** The access that a page-fault error code tells of. */
export function accessOf(errorCode: number): number {
  const kind = errorCode & PFEC.ID ? ACCESS.fetch : errorCode & PFEC.W ? ACCESS.write : ACCESS.read;
  return errorCode & PFEC.U ? kind | ACCESS.user : kind;
}

/** Its inverse: what the error code tells of an access (`ACCESS`), and no more. */
export function errorCodeOf(access: number): number {
  const kind = access & ACCESS_KIND_MASK;
  return (kind === ACCESS.fetch ? PFEC.ID : kind === ACCESS.write ? PFEC.W : 0) | (access & ACCESS.user ? PFEC.U : 0);
}

function outcome(mmu: OperandOwner): number {
  return mmu.guestTables().result.outcome;
}

function stop(mmu: OperandOwner, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
