import type { LineSettings } from '../caches/cachedLines';
import type { ProcessorFeatures } from './processorFeatures';
import type { WalkCacheSettings } from '../caches/walkCaches';
/** How one instruction of the guest ended. */
export const STATUS = {
  done: 0,
  /** A vector is delivered: `Processor.vector`, `errorCode`, and CR2 for a page fault. */
  exception: 1,
  /** The machine cannot go on: `Processor.stopReason` says why. */
  stopped: 2,
  /** Root mode has entered another guest: the processor is no more in the program that the instruction belongs to. */
  switched: 3,
} as const;

/** What root mode answers to a VM exit. */
export const RESUME = {
  /** Enter the guest; the instruction runs again. */
  retry: 0,
  /** Root mode has done the pending operation; enter the guest behind it. */
  completed: 1,
  /** The guest is not entered again. */
  stopped: 2,
  /**
   * Root mode has made another VMCS current: its guest is entered, and nothing of the operation under way is left to do.
   * (3 and 4 are EXCEPTION and TRANSLATED.)
   */
  switched: 5,
  /** Root mode has delivered an event in the processor's place (`Processor.noteDelivered`): the guest is entered in the handler. (6 to 8 are taken likewise.) */
  delivered: 9,
  /** As completed, but the guest is not entered: the virtual CPU waits in root mode, as one that HLT has stopped. */
  halted: 10,
} as const;

/** The software in VMX root mode: a hypervisor. */
export interface RootMode {
  /** Handles the VM exit that the VMCS of `cpu` tells of; a `RESUME`. Guest state for the entry is in the VMCS. */
  handleExit(cpu: number): number;
  /**
   * 1: the guest's CPU waits for an interrupt, and no field of its control block says so: root mode halts in its place. What
   * wakes the processor makes the guest exit.
   */
  isWaiting?(cpu: number): number;
}

/** Told of each store that is about to be written, while somebody listens to `page_table_write`. */
export interface StoreObserver {
  /** Linear and host-physical address of the first byte; `size` bytes within one page. */
  beforeStore(gvaLo: number, gvaHi: number, hpaLo: number, hpaHi: number, size: number): void;
}

/** The operation under way, for an emulator in root mode. */
export class PendingOperation {
  /** An `OPERATION`. */
  operation = 0;
  gvaLo = 0;
  gvaHi = 0;
  size = 0;
  /** Value of a store, operand of a read-modify-write, or what a register is to hold. */
  operandLo = 0;
  operandHi = 0;
  /** An `RMW`, for a read-modify-write. */
  rmw = 0;
  /** Bits 63:0 of the descriptor of an INVPCID, INVEPT or INVVPID whose descriptor is given. */
  descriptorLo = 0;
  descriptorHi = 0;
  /** What a compare-exchange compares with. */
  expectedLo = 0;
  expectedHi = 0;
  /** `SEGMENT` register that a memory operation goes through: decides between #GP and #SS. */
  segment = 0;
  /** A `REGISTER` number, for a register operation. */
  register = 0;
  /** Result of a load or of reading a register; what a read-modify-write found. Root mode may set it for an operation it completes. */
  valueLo = 0;
  valueHi = 0;
  /** The rule by which INVPCID refused its operand, as a clause; empty when it did not. */
  brokenRule = '';

  /** A load or a store of `size` bytes at a linear address, of what no instruction names as its operand. */
  beginAccess(operation: number, gvaLo: number, gvaHi: number, size: number, valueLo: number, valueHi: number): void {
    this.operation = operation;
    this.gvaLo = gvaLo;
    this.gvaHi = gvaHi;
    this.size = size;
    this.operandLo = valueLo;
    this.operandHi = valueHi;
  }
}

export interface ProcessorSettings {
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly tlbEntries: number;
  readonly tlbWays: number;
  /** A second level of TLB; left out: there is none. */
  readonly tlbL2?: LineSettings;
  /** log2 of the page sizes that TLB lines hold whole; left out: all. */
  readonly tlbPageShifts?: readonly number[];
  /** Paging-structure caches and the nested TLB, of the usual sizes or of these; left out: off. */
  readonly walkCaches?: 'on' | 'off' | WalkCacheSettings;
  /** When a TLB line's rights refuse an access: walk again, or deliver the fault by the line. */
  readonly rewalkOnPermissionFault: 'on' | 'off';
  /**
   * How events reach their handlers: memory, through the IDT, TSS and stack in memory; direct (the default), by their vector
   * alone, and whoever runs the program finds the handler.
   */
  readonly delivery?: 'direct' | 'memory';
  /** Its APIC ID, where several machines' processors stand side by side; left out: its number. */
  readonly apicId?: number;
  /** Optional features that differ from the table's defaults. */
  readonly features?: Partial<ProcessorFeatures>;
}
