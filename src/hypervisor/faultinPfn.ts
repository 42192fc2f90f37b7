import { RESUME } from '../hardware/processor/rootMode';
import { give, line, when, type ListingFrame, type ListingNode, type ListingText } from './listing';
import { pageHi, pageLo } from './memslots';
import { readSequence } from './operandRetry';
import type { SlotMemory } from './slotMemory';
import { STOP_REASON, type VcpuState } from './vcpuState';

const OFFSET_MASK = 0xfff;

/** A hypervisor at work for one vCPU, as far as it asks what is behind a guest-physical address. */
export interface SlotAsker {
  readonly cpu: number;
  readonly memory: SlotMemory;
}

/** Places of a procedure's named values that the lines below read and set. */
export interface SlotValues {
  readonly gpa: number;
  readonly slot: number;
  readonly hva: number;
}

/** What the line says that finds the memslot of gpa. */
export const SLOT_OF_GPA: ListingText = {
  layered: 'slot = memslot that holds gpa; hva = its address in the VMM process', direct: 'slot = memslot that holds gpa, and is host frames of its own',
};

/** What it does: `slot` is -1 when none holds gpa; `hva` stays unset where there is no such address. Gives `slot`. */
export function lookUpSlot({ cpu, memory: { slots } }: SlotAsker, f: ListingFrame, { gpa, slot, hva }: SlotValues): number {
  const gfn = f.frame(gpa);
  const found = slots.lookup(gfn, cpu);
  f.set(slot, found, found >> 31);
  if (found < 0 || slots.isDirect(found)) return found;
  const page = slots.hvaPage(found, gfn);
  f.set(hva, pageLo(page) | (f.lo(gpa) & OFFSET_MASK), pageHi(page));
  return found;
}

export interface FaultinValues {
  readonly gpa: number;
  readonly hpa: number;
  readonly mmu_seq: number;
}

/** What sets one handler's story of it apart from another's. */
export interface FaultinStory<V> {
  /** The access is a write, so that the host's entry must have W. */
  readonly writes: (f: ListingFrame) => boolean;
  /** Who has the processor again after a retry. */
  readonly guest: 'the guest' | 'L2';
  /** Stops the VM for a `STOP_REASON`, and gives the `RESUME` of that. */
  readonly stop: (mmu: V, reason: number) => number;
}

/**
 * kvm_faultin_pfn and is_page_fault_stale: the host frame of gpa, which a slot holds, and whether the host has changed what it
 * knew since. Between the two KVM takes mmu_lock; until then the host may act, and other vCPUs may fill the same entry.
 */
export function faultinPfn<V extends SlotAsker & { readonly vcpu: VcpuState }>(
  { gpa, hpa, mmu_seq }: FaultinValues, { writes, guest, stop }: FaultinStory<V>,
): readonly ListingNode<V>[] {
  return [
    readSequence(mmu_seq),
    line({ layered: 'hpa = get_user_pages(hva), for a write if the access is one', direct: 'hpa = the slot\'s frame of gpa' }, {}, ({ cpu, memory }, f) => {
      const frame = memory.backFor(f.frame(gpa), cpu, writes(f) ? 1 : 0);
      f.set(hpa, frame << 12, frame >> 20);
    }),
    when({ layered: 'host memory is used up', direct: '' }, (_, f) => f.hi(hpa) < 0, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
    ]),
    when({ layered: 'mmu_invalidate_retry(mmu_seq): the host has changed a page on the way (copied this one, or swapped another out)', direct: '' }, ({ cpu, memory: { notifier } }, f) => {
      notifier.reportLock(f.frame(gpa), f.frame(hpa), cpu);
      return notifier.mustRetry(f.lo(mmu_seq));
    }, [
      give(`to ${guest}: the access runs again, and comes here again`, RESUME.retry),
    ]),
  ];
}
