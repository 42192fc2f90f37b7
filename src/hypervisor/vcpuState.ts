import type { StateClaims } from '../hardware/state/registry';
import { PDPTE_WORDS } from '../hardware/paging/translationSpace';

const GUEST_CR3 = 0;
const STOP = 2;
const REQUESTS = 3;
const REQUEST_WORDS = 8;
const EFER = REQUESTS + REQUEST_WORDS;
const PDPTES = EFER + 1;
const PAE_ROOT = PDPTES + PDPTE_WORDS;
/** Sets of roots: under deprivileged each way that the guest is run in has one. */
const MOST_SETS = 3;
const ROOT_PAGES = PAE_ROOT + MOST_SETS;
/** A guest without a fourth level of tables has a root for each GByte. */
const MOST_ROOTS = 4 * MOST_SETS;
const HALTED = ROOT_PAGES + MOST_ROOTS;
const INFORMATION = HALTED + 1;
const WORDS = INFORMATION + 1;

/** Why the hypervisor gave up: index into `stopReasons`. */
export const STOP_REASON = { none: 0, unhandledExit: 1, hostMemory: 2, cr3OutsideSlots: 3, tableOutsideSlots: 4, tripleFault: 5,
  deliveryEmulation: 6, misconfiguredEntry: 7, realMode: 8, eptpOutsideSlots: 9, foreignTables: 10, nestedTable: 11, reservedBit: 12,
  leftProtectedMode: 13, taskSwitch: 14, noOperand: 15, ownTable: 16,
} as const;
export const stopReasons = [
  '',
  'a VM exit that its listing does not handle; leave out the instruction that exits, or run the scenario under native',
  'no free host frame is left; give the platform more RAM',
  'CR3 names a guest frame outside every memory slot; load it with a table that lies in RAM',
  'a paging structure of the guest lies outside every memory slot; let CR3 and the entries above it name frames of RAM',
  'the guest triple-faulted: write a handler for the exception, or `expect stopped(triple_fault)`',
  'the delivery of an event touched MMIO or wrote ROM, and there is no instruction to emulate; keep stacks and descriptor tables in RAM',
  'an EPT entry is misconfigured; take back what set_epte wrote there',
  'the guest is in real-address mode with a segment that virtual-8086 mode cannot have (a base of selector × 16 and 64 KBytes); load its segment registers before it clears CR0.PE, or run it under ept with unrestricted_guest on',
  'the EPTP of the VMCS that the guest hypervisor has made names a guest frame outside every memory slot; give EPT a root in its RAM',
  'the processor walks other tables than those that the hypervisor keeps, which is what `sabotage load_guest_cr3_raw` does; `expect stopped(internal_error)`',
  'the processor is to write a flag of a paging structure of the nested guest that lies in ROM, or in a table of the very EPT that maps it; give the structure a page of RAM of its own',
  'an NPT entry has a reserved bit set that the hypervisor did not set; take back what was written there',
  'the guest has gone to real-address or virtual-8086 mode, and its hypervisor keeps all of it at CPL 3 of protected mode; leave CR0.PE and RFLAGS.VM alone, or run it under ept',
  'the guest asks for a switch of tasks by hardware, which is not simulated: use an interrupt or trap gate, and keep RFLAGS.NT 0',
  'an instruction that is no load or store (IRET, a load of a segment register, one that asks the TSS) touched MMIO or wrote ROM, and its hypervisor emulates loads and stores alone; keep stacks, descriptor tables and task state in RAM',
  'the delivery of an event, or an instruction that is no store, writes a page table by which the processor reaches that very place, or whose page a vCPU has as root: no store is there to emulate; keep stacks and descriptor tables out of page tables',
] as const;

/** What the hypervisor keeps for one virtual CPU beside its VMCS. */
export class VcpuState {
  private readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number) {
    this.words = registry.block(`vcpu ${cpu}`, WORDS);
  }

  /** CR3 as the guest wrote it. */
  get cr3Lo(): number {
    return this.words[GUEST_CR3]!;
  }

  get cr3Hi(): number {
    return this.words[GUEST_CR3 + 1]!;
  }

  setCr3(lo: number, hi: number): void {
    this.words[GUEST_CR3] = lo;
    this.words[GUEST_CR3 + 1] = hi;
  }

  /** Under shadow paging: EFER (low half) as the guest has it; the processor's has LME only while the guest has paging on. */
  get efer(): number {
    return this.words[EFER]!;
  }

  set efer(lo: number) {
    this.words[EFER] = lo;
  }

  /** Under shadow paging: the PDPTE registers as the guest's loads of CR3 left them; the processor's lead to shadow pages. */
  get pdptes(): Int32Array {
    return this.words.subarray(PDPTES, PDPTES + PDPTE_WORDS);
  }

  /** Under shadow paging: host frame with the four PDPTEs of a guest that has no fourth level; 0: none yet. */
  get paeRoot(): number {
    return this.paeRootOf(0);
  }

  set paeRoot(frame: number) {
    this.setPaeRoot(0, frame);
  }

  /** The same of set `set` of roots. */
  paeRootOf(set: number): number {
    return this.words[PAE_ROOT + set]!;
  }

  setPaeRoot(set: number, frame: number): void {
    this.words[PAE_ROOT + set] = frame;
  }

  /** Number of the shadow page that is root, of the first GByte where there are four; 0: none. */
  get rootPage(): number {
    return this.rootPageOf(0);
  }

  /** The same of GByte `index`. */
  rootPageOf(index: number): number {
    return this.words[ROOT_PAGES + index]!;
  }

  setRootPage(index: number, page: number): void {
    this.words[ROOT_PAGES + index] = page;
  }

  /** An interrupt waits for the guest to let it in. */
  requestInterrupt(vector: number): void {
    this.words[REQUESTS + (vector >>> 5)]! |= 1 << (vector & 31);
  }

  get hasInterrupt(): boolean {
    return this.words.subarray(REQUESTS, REQUESTS + REQUEST_WORDS).some((word) => word !== 0);
  }

  /** The highest vector that waits, which then waits no more; 0 when none does. */
  takeInterrupt(): number {
    for (let word = REQUEST_WORDS - 1; word >= 0; word--) {
      const requests = this.words[REQUESTS + word]!;
      if (requests === 0) continue;
      const bit = 31 - Math.clz32(requests);
      this.words[REQUESTS + word] = requests & ~(1 << bit);
      return 32 * word + bit;
    }
    return 0;
  }

  /** Under SVM, 1: the vCPU has executed HLT and waits for an interrupt (KVM's mp_state). */
  get isHalted(): number {
    return this.words[HALTED]!;
  }

  set isHalted(isHalted: number) {
    this.words[HALTED] = isHalted;
  }

  /** Under ept with virtualization exceptions: the guest frame that it has named for their information area; -1: none. */
  get informationGfn(): number {
    return this.words[INFORMATION]! - 1;
  }

  set informationGfn(gfn: number) {
    this.words[INFORMATION] = gfn + 1;
  }

  get stop(): number {
    return this.words[STOP]!;
  }

  set stop(reason: number) {
    this.words[STOP] = reason;
  }
}
