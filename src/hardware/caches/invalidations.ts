import { ACTOR } from '../events/eventTable';
import { COUNTER } from '../state/counters';
import { FLUSH } from '../events/flushCauses';
import { invalidationRows } from './invalidationRows';
import { isCanonical } from '../paging/compiledFormat';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import { TLB_CONTROL } from '../svm/vmcb';
import type { TranslationCaches } from './translationCaches';
import { WALK } from '../paging/walkOutcome';
import type { WriteFlush } from '../processor/registerFile';

const ROOT_LO = ~0xfff;

/** INVPCID types. SDM Vol. 2, "INVPCID". */
export const INVPCID = { address: 0, context: 1, allWithGlobals: 2, all: 3 } as const;

/**
 * What operations invalidate: each names its row of `invalidationRows`, and is counted and told of; what faults
 * and refusals invalidate beside is neither.
 */
export class Invalidations {
  constructor(
    private readonly caches: TranslationCaches, private readonly spaces: ProcessorSpaces, private readonly counters: Float64Array,
    private readonly events: ProcessorEvents,
  ) {}

  /** What a MOV to a control register invalidates, once its value is in force. */
  byWrite(what: WriteFlush): void {
    if (what.kind === 'none') return;
    this.caches.invalidate(invalidationRows[what.row]);
    this.count(ACTOR.guest, what.cause, 0, 0);
  }

  /** VM entry and VM exit without VPID. */
  byTransition(cause: number): void {
    this.caches.invalidate(invalidationRows.vmTransition);
    this.count(ACTOR.vmm, cause, 0, 0);
  }

  /** What VMRUN invalidates: a `TLB_CONTROL`; ASIDs stand where VPIDs do. APM Vol. 2, "TLB Flush". */
  byTlbControl(control: number): void {
    if (control === TLB_CONTROL.nothing) return;
    this.caches.given.vpid = this.spaces.vpid;
    this.caches.invalidate(control === TLB_CONTROL.everything ? invalidationRows.everyAsid
      : control === TLB_CONTROL.guest ? invalidationRows.asid : invalidationRows.asidKeepingGlobals);
    this.count(ACTOR.vmm, FLUSH.tlbControl, 0, 0);
  }

  /** A translation that ends in a fault, an EPT violation or the like; `outcome`: a `WALK` outcome other than mapped. */
  byRefusal(outcome: number, lo: number, hi: number): void {
    const { caches } = this;
    const { gpaLo, gpaHi } = this.spaces.linear.result;
    this.nameAddress(lo, hi);
    caches.given.gpaLo = gpaLo;
    caches.given.gpaHi = gpaHi;
    // Of a misconfiguration no manual asks anything, and a processor may always invalidate more.
    caches.invalidate(outcome === WALK.pageFault ? invalidationRows.pageFault
      : outcome === WALK.nestedPageFault ? invalidationRows.nestedPageFault : invalidationRows.eptViolation);
  }

  /** A load of PDPTE registers that EPT refuses at a guest-physical address. */
  byPdpteRefusal(gpaLo: number, gpaHi: number): void {
    const { caches } = this;
    caches.given.gpaLo = gpaLo;
    caches.given.gpaHi = gpaHi;
    caches.invalidate(invalidationRows.eptViolationOfPdptes);
  }

  /** INVLPG of a linear address; of one that is not canonical it invalidates nothing. SDM Vol. 2, "INVLPG". */
  invlpg(lo: number, hi: number): void {
    this.nameAddress(lo, hi);
    if (isCanonical(this.spaces.linear.compiled, hi)) this.caches.invalidate(invalidationRows.invlpg);
    this.count(ACTOR.guest, FLUSH.invlpg, lo, hi);
  }

  /** INVPCID with a descriptor that is legal; `type`: an `INVPCID`. SDM Vol. 2, "INVPCID". */
  invpcid(type: number, pcid: number, lo: number, hi: number, actor: number = ACTOR.guest): void {
    this.nameAddress(lo, hi);
    this.caches.given.pcid = pcid;
    this.caches.invalidate(invpcidRows[type]!);
    this.count(actor, FLUSH.invpcid, type === INVPCID.address ? lo : 0, type === INVPCID.address ? hi : 0);
  }

  /** MOV to CR3 by a hypervisor without VMX, whose roots the guest runs on. */
  movCr3ByHost(): void {
    this.caches.invalidate(invalidationRows.movCr3);
    this.count(ACTOR.vmm, FLUSH.movCr3, 0, 0);
  }

  /** INVLPGA: a linear address of an ASID. APM Vol. 3, "INVLPGA". */
  invlpga(asid: number, lo: number, hi: number): void {
    this.nameAddress(lo, hi);
    this.caches.given.vpid = asid;
    this.caches.invalidate(invalidationRows.invlpga);
    this.count(ACTOR.vmm, FLUSH.invlpga, lo, hi);
  }

  /** INVEPT, single context: what was cached under the root of an EPT pointer. */
  invept(eptpLo: number, eptpHi: number): void {
    this.caches.given.rootLo = eptpLo & ROOT_LO;
    this.caches.given.rootHi = eptpHi;
    this.caches.invalidate(invalidationRows.inveptContext);
    this.count(ACTOR.vmm, FLUSH.invept, 0, 0);
  }

  /** INVEPT, all contexts. */
  inveptAll(): void {
    this.caches.invalidate(invalidationRows.inveptAll);
    this.count(ACTOR.vmm, FLUSH.invept, 0, 0);
  }

  /** INVVPID, single context; by default of the VPID in force. */
  invvpid(vpid = this.spaces.vpid): void {
    this.caches.given.vpid = vpid;
    this.caches.invalidate(invalidationRows.invvpidContext);
    this.count(ACTOR.vmm, FLUSH.invvpid, 0, 0);
  }

  /** INVVPID, individual address; by default of the VPID in force. */
  invvpidAddress(lo: number, hi: number, vpid = this.spaces.vpid): void {
    this.nameAddress(lo, hi);
    this.caches.given.vpid = vpid;
    this.caches.invalidate(invalidationRows.invvpidAddress);
    this.count(ACTOR.vmm, FLUSH.invvpidAddress, lo, hi);
  }

  /** INVVPID, all contexts. */
  invvpidAll(): void {
    this.caches.invalidate(invalidationRows.invvpidAll);
    this.count(ACTOR.vmm, FLUSH.invvpid, 0, 0);
  }

  /** INVVPID, single context, retaining global translations; by default of the VPID in force. */
  invvpidRetainingGlobals(vpid = this.spaces.vpid): void {
    this.caches.given.vpid = vpid;
    this.caches.invalidate(invalidationRows.invvpidContextRetainingGlobals);
    this.count(ACTOR.vmm, FLUSH.invvpid, 0, 0);
  }

  private nameAddress(lo: number, hi: number): void {
    this.caches.given.lo = lo;
    this.caches.given.hi = hi;
  }

  private count(actor: number, cause: number, lo: number, hi: number): void {
    this.counters[COUNTER['tlb.flushes']]!++;
    this.events.tlbFlush(actor, cause, lo, hi);
  }
}

/** By type. */
const invpcidRows = [
  invalidationRows.invpcidAddress, invalidationRows.invpcidContext, invalidationRows.invpcidAllWithGlobals, invalidationRows.invpcidAll,
] as const;
