import { ACTOR } from '../events/eventTable';
import { COUNTER } from '../state/counters';
import { FLUSH } from '../events/flushCauses';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import { TLB_CONTROL } from '../svm/vmcb';
import type { Tlb } from './tlb';
import type { WriteFlush } from '../processor/registerFile';

const ROOT_LO = ~0xfff;

/**
 * What instructions invalidate, each counted and told of. SDM Vol. 3, "Operations that Invalidate TLBs and
 * Paging-Structure Caches", "Operations that Invalidate Cached Mappings".
 */
export class Invalidations {
  constructor(
    private readonly tlb: Tlb, private readonly spaces: ProcessorSpaces, private readonly counters: Float64Array,
    private readonly events: ProcessorEvents,
  ) {}

  /** What a MOV invalidates: everything by the VPID it ran under, a PCID's lines by the PCID that it made current. */
  byWrite(what: WriteFlush, when: 'before reload' | 'after reload'): void {
    if (when === 'before reload' && what.kind === 'all') this.tlb.invalidateVpid(this.spaces.vpid);
    if (when === 'before reload' || what.kind === 'none') return;
    if (what.kind === 'pcid') this.tlb.invalidatePcid(this.spaces.pcid);
    this.count(ACTOR.guest, what.cause, 0, 0);
  }

  /** VM entry and VM exit without VPID. */
  byTransition(cause: number): void {
    this.tlb.invalidateVpid(0);
    this.count(ACTOR.vmm, cause, 0, 0);
  }

  /** What VMRUN invalidates: a `TLB_CONTROL`; ASIDs stand where VPIDs do. APM Vol. 2, "TLB Flush". */
  byTlbControl(control: number): void {
    if (control === TLB_CONTROL.nothing) return;
    if (control === TLB_CONTROL.everything) this.tlb.invalidateEverything();
    else if (control === TLB_CONTROL.guest) this.tlb.invalidateVpid(this.spaces.vpid);
    else this.tlb.invalidateVpidNonGlobal(this.spaces.vpid);
    this.count(ACTOR.vmm, FLUSH.tlbControl, 0, 0);
  }

  /** INVLPG of a linear address; of one that is not canonical it invalidates nothing. */
  invlpg(lo: number, hi: number): void {
    this.tlb.invalidatePage(lo, hi);
    this.count(ACTOR.guest, FLUSH.invlpg, lo, hi);
  }

  /** INVEPT, single context. */
  invept(eptpLo: number, eptpHi: number): void {
    this.tlb.invalidateEptRoot(eptpLo & ROOT_LO, eptpHi);
    this.count(ACTOR.vmm, FLUSH.invept, 0, 0);
  }

  /** INVVPID, single context: the VPID in force. */
  invvpid(): void {
    this.tlb.invalidateVpid(this.spaces.vpid);
    this.count(ACTOR.vmm, FLUSH.invvpid, 0, 0);
  }

  /** INVVPID, individual address: one linear address of the VPID in force. */
  invvpidAddress(lo: number, hi: number): void {
    this.tlb.invalidateVpidAddress(this.spaces.vpid, lo, hi);
    this.count(ACTOR.vmm, FLUSH.invvpidAddress, lo, hi);
  }

  private count(actor: number, cause: number, lo: number, hi: number): void {
    this.counters[COUNTER['tlb.flushes']]!++;
    this.events.tlbFlush(actor, cause, lo, hi);
  }
}
