import type { EventBus } from '../../hardware/events/eventBus';
import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { NOTIFIER } from '../../hardware/events/hostEventNames';
import type { StateClaims } from '../../hardware/state/registry';
import { pageHi, pageLo, type Memslots } from '../memslots';

const PAGE_BYTES = 4096;
const SEQUENCE = 0;
const IN_PROGRESS = 1;
const WORDS = 2;

/** A hypervisor as the host's memory manager knows it. */
export interface MmuNotifierListener {
  /**
   * KVM's kvm_unmap_gfn_range: what backs guest frames `gfn` to `gfn + pages - 1` (guest-physical address >> 12) is about to
   * change. When this returns, no entry that a processor can walk maps one of them, and no TLB of any vCPU holds a
   * translation to what backs them now; the next access faults and asks get_user_pages again. Guest tables among these frames
   * keep their contents: whatever was made of them may stay.
   *
   * `actor` is whose step this happens in, the number that events carry: a CPU of this VM or of another, or a host thread.
   */
  unmapGfnRange(gfn: number, pages: number, actor: number): void;
}

/**
 * The VM's end of the host's MMU notifiers: before the host changes what a host-virtual page of the VMM process maps, the
 * hypervisor forgets it. `mmu_invalidate_seq` tells a fault handler that has asked get_user_pages before the change, and would
 * fill an entry after it, to try again.
 */
export class MmuNotifier {
  /** Undefined until a technique has the VM. */
  listener: MmuNotifierListener | undefined;
  private readonly words: Int32Array;

  constructor(claims: StateClaims, private readonly slots: Memslots, private readonly bus: EventBus) {
    this.words = claims.block('vm.mmu_notifier', WORDS);
  }

  /** mmu_invalidate_seq: to be read before get_user_pages. */
  get sequence(): number {
    return this.words[SEQUENCE]!;
  }

  /** mmu_invalidate_retry: what get_user_pages gave after `sequence` was read may not be what backs the page any more. */
  mustRetry(sequence: number): boolean {
    return this.words[IN_PROGRESS] !== 0 || this.words[SEQUENCE] !== sequence;
  }

  /**
   * mmu_lock is about to be taken by `cpu`, which was given `frame` for guest frame `gfn`: until here the host and other vCPUs
   * may act, and nothing of the hypervisor's structures is half changed. What `hold … before mmu_lock` stops at.
   */
  reportLock(gfn: number, frame: number, cpu: number): void {
    if (!this.bus.on[KIND.mmu_lock]) return;
    const record = this.bus.begin(KIND.mmu_lock, ACTOR.vmm, cpu);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    this.bus.commit();
  }

  /** mmu_notifier_invalidate_range_start: `pages` host-virtual pages from `hvaPage` (HVA >> 12) on are about to change. */
  rangeStart(hvaPage: number, pages: number, actor: number): void {
    this.words[IN_PROGRESS]!++;
    this.report(NOTIFIER.rangeStart, hvaPage, pages, actor);
    const { slots } = this;
    for (let slot = 0; slot < slots.count; slot++) {
      const base = slots.baseGfn(slot);
      const first = Math.max(base, base + hvaPage - slots.hvaPage(slot, base));
      const end = Math.min(base + slots.pages(slot), base + hvaPage + pages - slots.hvaPage(slot, base));
      if (first < end) this.listener?.unmapGfnRange(first, end - first, actor);
    }
  }

  /** mmu_notifier_invalidate_range_end: they have changed. */
  rangeEnd(hvaPage: number, pages: number, actor: number): void {
    this.words[SEQUENCE]!++;
    this.words[IN_PROGRESS]!--;
    this.report(NOTIFIER.rangeEnd, hvaPage, pages, actor);
  }

  private report(what: number, hvaPage: number, pages: number, actor: number): void {
    if (!this.bus.on[KIND.mmu_notifier]) return;
    const record = this.bus.begin(KIND.mmu_notifier, ACTOR.host, actor);
    setPair(record, field.hva.at, pageLo(hvaPage), pageHi(hvaPage));
    record[field.size.at] = pages * PAGE_BYTES;
    record[field.what.at] = what;
    this.bus.commit();
  }
}
