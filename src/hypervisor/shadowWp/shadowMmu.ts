import { CR0, CR4, EFER } from '../../hardware/processor/controlRegisters';
import { EntryChange } from '../../hardware/paging/entryChange';
import { setPair, type EventBus } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { ListingProcedure, ListingRunner } from '../listing';
import { GuestLeaf } from './guestLeaf';
import { GuestPdptes } from '../guestPdptes';
import { takesControl } from '../guestControls';
import { type GuestControls, type GuestPaging, guestPagingOf, PAE_ROOT_LEVEL, rootLevelOf, setGuestMode } from './guestMode';
import { LARGE_FRAMES } from '../host/hostFrames';
import { OperandPages } from '../operandPages';
import type { MmuNotifier } from '../host/mmuNotifier';
import type { Rmode } from '../realMode/rmode';
import type { SlotMemory } from '../slotMemory';
import type { VcpuState } from '../vcpuState';
import { isDirect, modeOf } from './role';
import type { ShadowPages } from './shadowPages';
import type { Sptes } from './sptes';

/** Bits 51:12 of an entry are for an address, as far as the processor has them. */
const ADDRESS_BITS = 52;

/** Procedures that each way of keeping a shadow in step with the guest's tables has in its own form. */
export interface ShadowProcedures {
  readonly handlePageFault: ListingProcedure<never>;
  readonly fetch: ListingProcedure<never>;
  readonly getShadowPage: ListingProcedure<never>;
  readonly loadRoot: ListingProcedure<never>;
  readonly handleInvlpg: ListingProcedure<never>;
  readonly handleInvpcid: ListingProcedure<never>;
}

/** What the exit has of a load of CR3: none, one that drops translations of its PCID, or one that keeps them (bit 63). */
export const CR3_LOAD = { none: 0, drops: 1, keeps: 2 } as const;

/** What the listing of shadow-wp works on: one virtual CPU's view of the shadow MMU while it handles an exit. */
export class ShadowMmu {
  runner!: ListingRunner<never>;
  procedures!: ShadowProcedures;
  /** Its guest in real-address mode. */
  rmode!: Rmode;
  /** 1: rights were taken away in this exit, and the TLB may still hold them. */
  mustFlush = 0;
  /** A `CR3_LOAD`. */
  cr3Load: number = CR3_LOAD.none;
  /** Where the operand lies, for an access that is emulated. */
  readonly operand: OperandPages;
  /** What an emulated store makes of an entry. */
  readonly change: EntryChange;
  /** What a procedure that was asked for a condition came to: a `RESUME`. */
  cameTo = 0;
  /** What a guest entry asks of its SPTE. */
  readonly leaf = new GuestLeaf();
  /** PDPTEs on their way into the guest's registers. */
  readonly guestPdptes: GuestPdptes;
  /** Guest frame of an operand's other page. */
  otherGfn = 0;
  /** Whose step this is, as events tell: this vCPU's but while the host's memory manager speaks through its notifiers. */
  actor: number;

  constructor(
    readonly cpu: number,
    readonly processor: Processor,
    readonly bus: EventBus,
    readonly pages: ShadowPages,
    readonly sptes: Sptes,
    readonly memory: SlotMemory,
    readonly vcpu: VcpuState,
    /** The guest's own tables, walked in software with the guest's registers. */
    readonly guest: TranslationSpace,
    /** What follows an emulated write to a page table. */
    readonly update: 'eager' | 'zap',
    /** Of all vCPUs of the VM. */
    private readonly processors: readonly Processor[],
    readonly notifier: MmuNotifier,
  ) {
    this.operand = new OperandPages(processor, memory.reach);
    this.actor = cpu;
    this.change = new EntryChange(guest.memory);
    this.guestPdptes = new GuestPdptes(guest.maxphyaddr);
  }

  /** Physical addresses have fewer than 52 bits: an entry's bit 51 is reserved, and makes it fault. */
  get hasReservedBit(): boolean {
    return this.guest.maxphyaddr < ADDRESS_BITS;
  }

  /** What shadow entries took back is in no TLB any more. KVM makes the other vCPUs do it by IPI; here it is done at once. */
  flushRemoteTlbs(): void {
    for (const processor of this.processors) this.flushTlbOf(processor);
  }

  /** The guest's translations go from the TLB of one of its vCPUs. */
  flushTlbOf(processor: Processor): void {
    processor.invvpid();
  }

  /** Those of one linear address, from this vCPU's. */
  flushAddress(gvaLo: number, gvaHi: number): void {
    this.processor.invvpidAddress(gvaLo, gvaHi);
  }

  /** Gives the guest these control registers, and the processor what goes with them. */
  setControls(controls: GuestControls): void {
    setGuestMode(this, controls);
  }

  /** Does CR0, CR3 or CR4 (`cr`) take the value? */
  takesControl(cr: number, lo: number, hi: number): boolean {
    return takesControl(this, cr, lo, hi);
  }

  /** Half of a VMCS field: `VMCS.…` is the word of the low one. */
  vmcs(field: number): number {
    return this.processor.vmcs[field]!;
  }

  setVmcs(at: number, lo: number, hi: number): void {
    this.processor.vmcs[at] = lo;
    this.processor.vmcs[at + 1] = hi;
  }

  /** Guest's CR0 and CR4 as the guest sees them: the bits the hypervisor owns are in the read shadows. */
  get cr0(): number {
    const mask = this.vmcs(VMCS.cr0_guest_host_mask);
    return (this.vmcs(VMCS.guest_cr0) & ~mask) | (this.vmcs(VMCS.cr0_read_shadow) & mask);
  }

  get cr4(): number {
    const mask = this.vmcs(VMCS.cr4_guest_host_mask);
    return (this.vmcs(VMCS.guest_cr4) & ~mask) | (this.vmcs(VMCS.cr4_read_shadow) & mask);
  }

  /** EFER as the guest sees it: its low half. */
  get efer(): number {
    return this.vcpu.efer;
  }

  /** NXE is part of every role: the root of another one. Gives a `RESUME`. */
  setEfer(lo: number): number {
    this.setControls({ cr0: this.cr0, cr4: this.cr4, efer: lo });
    return this.call(this.procedures.loadRoot);
  }

  /** How the guest translates. */
  get paging(): GuestPaging {
    return guestPagingOf(this);
  }

  /** Level of the entries in the table that the processor's CR3 names. */
  get rootLevel(): number {
    return rootLevelOf(this);
  }

  /** Guest frame that guest CR3 names. */
  get cr3Frame(): number {
    return frameInEntry(this.vcpu.cr3Lo, this.vcpu.cr3Hi);
  }

  /** The mode part of the role, from the guest's registers. */
  get mode(): number {
    const { cr0, cr4, efer } = this;
    return modeOf({
      wp: cr0 & CR0.WP ? 1 : 0, smep: cr4 & CR4.SMEP ? 1 : 0, smap: cr4 & CR4.SMAP ? 1 : 0,
      nxe: efer & EFER.NXE ? 1 : 0, paging: this.paging, pse: cr4 & CR4.PSE ? 1 : 0,
      keys: cr4 & (CR4.PKE | CR4.PKS) ? 1 : 0,
    });
  }

  /** Do shadow pages of this mode part of a role stand for the guest's tables as its registers are now? */
  isInForce(mode: number): boolean {
    return mode === this.mode;
  }

  /** The guest's tables as they stand, ready to walk. */
  guestTables(): TranslationSpace {
    const { cr0, cr4, efer, processor: { registers } } = this;
    const missing = this.guest.usePaging({
      cr0, cr4, efer, rflags: registers[2 * REGISTER.rflags]!, pkru: registers[2 * REGISTER.pkru]!, pkrs: registers[2 * REGISTER.pkrs]!,
    });
    if (missing !== undefined) throw new Error(`invariant: the guest is in ${missing} paging, which has no format`);
    this.guest.useRoot(this.vcpu.cr3Lo, this.vcpu.cr3Hi);
    return this.guest;
  }

  /** Shadow page of `page` is root of GByte `index` from now on, or of everything; 0: none is. */
  pinRoot(index: number, page: number): void {
    const old = this.vcpu.rootPageOf(index);
    if (old !== 0) this.pages.addRoot(old, -1);
    if (page !== 0) this.pages.addRoot(page, 1);
    this.vcpu.setRootPage(index, page);
  }

  /** Shadow page that the way to linear address (`gvaLo`, …) starts at, and its level. */
  rootFor(gvaLo: number): { readonly page: number; readonly level: number } {
    const level = this.rootLevel;
    return level === PAE_ROOT_LEVEL
      ? { page: this.vcpu.rootPageOf(gvaLo >>> 30), level: level - 1 } : { page: this.vcpu.rootPage, level };
  }

  /** A host page for the PDPTEs of a guest without a fourth level, of set `set` of roots. */
  addPaeRoot(set = 0): void {
    this.vcpu.setPaeRoot(set, this.sptes.createPaeRoot(this.cpu));
  }

  /** PDPTE `index` of that set leads to the table of shadow page `page`, or to none (0). */
  setPaeRoot(index: number, page: number, set = 0): void {
    this.sptes.linkPaeRoot(this.vcpu.paeRootOf(set), index, page, this.cpu);
  }

  /** Drops what the TLB holds, as a load of CR3 does; shadow pages that gave way may be in the TLB of any vCPU. */
  flushForRoot(): void {
    if (this.mustFlush === 1) this.flushRemoteTlbs();
    else this.flushTlbOf(this.processor);
    this.mustFlush = 0;
  }

  /** What a leaf for the walk made last has beside frame and rights: `Sptes.setLeaf`. */
  get leafMarks(): number {
    return this.guest.result.key;
  }

  /** Runs another procedure of the listing with these parameters (pairs of halves): that of its name. */
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number {
    return this.runner.call(procedure, this as never, this.cpu, parameters);
  }

  /** Reports a judgement on a fault, and counts it. `fields` in the order gva, gpa, code. */
  classify(kind: number, counter: number, gvaLo: number, gvaHi: number, gpaLo: number, gpaHi: number, code: number): void {
    this.processor.counters[counter]!++;
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, ACTOR.vmm, this.cpu);
    setPair(record, field.gva.at, gvaLo, gvaHi);
    setPair(record, field.gpa.at, gpaLo, gpaHi);
    record[field.code.at] = code;
    this.bus.commit();
  }

  /** True when `gfn` holds a guest table that a shadow page stands for. */
  isShadowed(gfn: number): boolean {
    for (let page = this.pages.nextOf(gfn, 0); page !== 0; page = this.pages.nextOf(gfn, page)) {
      if (!isDirect(this.pages.roleOf(page))) return true;
    }
    return false;
  }

  /** Among the 2 MBytes of `gfn` is a guest table that a shadow page stands for: no SPTE may map them all (KVM's disallow_lpage). */
  disallowsLargePage(gfn: number): boolean {
    const large = Math.floor(gfn / LARGE_FRAMES);
    for (let page = 1; page < this.pages.end; page++) {
      if (this.pages.isInUse(page) && Math.floor(this.pages.gfnOf(page) / LARGE_FRAMES) === large && !isDirect(this.pages.roleOf(page))) return true;
    }
    return false;
  }

  /** True when writes to `gfn` must trap: no SPTE that maps it may have W. */
  isProtected(gfn: number): boolean {
    return this.isShadowed(gfn);
  }

  /** True fault: no counter of its own, since delivery counts it. */
  reportTrueFault(gvaLo: number, gvaHi: number, code: number): void {
    if (!this.bus.on[KIND.true_fault]) return;
    const record = this.bus.begin(KIND.true_fault, ACTOR.vmm, this.cpu);
    setPair(record, field.gva.at, gvaLo, gvaHi);
    record[field.code.at] = code;
    this.bus.commit();
  }
}
