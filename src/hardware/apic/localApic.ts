import { DELIVERY_MODE } from './deliveryMode';
import type { StateClaims } from '../state/registry';

const VECTORS = 256;
const VECTOR_WORDS = VECTORS / 32;
/** Vectors below are the processor's own. */
export const FIRST_INTERRUPT = 16;
const CLASS_MASK = 0xf0;
/** No vector: nothing is requested or in service. */
export const NO_VECTOR = -1;

/** Words of a local APIC's block. */
const WORD = { tpr: 0, svr: 1, icr: 2, esr: 4, nmi: 5, irr: 6, isr: 6 + VECTOR_WORDS, detected: 6 + 2 * VECTOR_WORDS } as const;
const WORDS = 7 + 2 * VECTOR_WORDS;
/** Spurious-interrupt vector FFH, and software-enabled: as a kernel's boot leaves it. SDM Vol. 3, "Spurious Interrupt". */
const SVR_AFTER_BOOT = 0x1ff;
const SVR_ENABLED = 1 << 8;
/** SDM Vol. 3, "Error Handling". */
export const APIC_ERROR = { sendIllegalVector: 1 << 5, receiveIllegalVector: 1 << 6 } as const;

/**
 * A local APIC as far as IPIs go: what is requested (IRR), what is being served (ISR), and which of both comes first.
 * It has no timer and no local vector table, since a machine without a clock has nothing that these would count.
 * SDM Vol. 3, "Handling Interrupts", "Task Priority and Processor Priority".
 */
export class LocalApic {
  private readonly words: Int32Array;

  /** `cpu`: number of its processor, which events carry; `id`: what IPIs are addressed to. */
  constructor(registry: StateClaims, readonly cpu: number, readonly id: number) {
    this.words = registry.block(`cpu${cpu}.apic`, WORDS);
    this.words[WORD.svr] = SVR_AFTER_BOOT;
  }

  get taskPriority(): number { return this.words[WORD.tpr]!; }
  set taskPriority(value: number) { this.words[WORD.tpr] = value; }
  get spurious(): number { return this.words[WORD.svr]!; }
  set spurious(value: number) { this.words[WORD.svr] = value; }
  /** The ESR: errors detected up to the last write to it. */
  get errors(): number { return this.words[WORD.esr]!; }
  get commandLo(): number { return this.words[WORD.icr]!; }
  get commandHi(): number { return this.words[WORD.icr + 1]!; }
  /** 1 while an NMI waits to be taken. */
  get hasNmi(): number { return this.words[WORD.nmi]!; }
  set hasNmi(value: number) { this.words[WORD.nmi] = value; }

  /** Cluster in bits 31:16, one bit of 15:0. SDM Vol. 3, "Logical Destination Mode in x2APIC Mode". */
  get logicalId(): number { return ((this.id >>> 4) << 16) | (1 << (this.id & 15)); }

  /** Word 0 to 7 of IRR or ISR. */
  request(index: number): number { return this.words[WORD.irr + index]!; }
  service(index: number): number { return this.words[WORD.isr + index]!; }

  setCommand(lo: number, hi: number): void {
    this.words[WORD.icr] = lo;
    this.words[WORD.icr + 1] = hi;
  }

  noteError(error: number): void {
    this.words[WORD.detected]! |= error;
  }

  /** A write to the ESR: it then has what was detected since the one before. SDM Vol. 3, "Error Handling". */
  latchErrors(): void {
    this.words[WORD.esr] = this.words[WORD.detected]!;
    this.words[WORD.detected] = 0;
  }

  /** An IPI arrives; `mode`: a `DELIVERY_MODE` of fixed or NMI. */
  accept(mode: number, vector: number): void {
    if (mode === DELIVERY_MODE.nmi) {
      this.words[WORD.nmi] = 1;
      return;
    }
    if ((this.words[WORD.svr]! & SVR_ENABLED) === 0) return;
    if (vector < FIRST_INTERRUPT) return this.noteError(APIC_ERROR.receiveIllegalVector);
    this.words[WORD.irr + (vector >>> 5)]! |= 1 << (vector & 31);
  }

  /** The higher of the task's priority and that of the interrupt being served. SDM Vol. 3, "Task and Processor Priorities". */
  get processorPriority(): number {
    const served = this.highest(WORD.isr);
    const tpr = this.taskPriority;
    const servedClass = served === NO_VECTOR ? 0 : served & CLASS_MASK;
    return (tpr & CLASS_MASK) >= servedClass ? tpr : servedClass;
  }

  /** The vector that is to be taken next, or NO_VECTOR: its class must be above the processor's. */
  get pending(): number {
    const requested = this.highest(WORD.irr);
    if (requested === NO_VECTOR) return NO_VECTOR;
    return (requested & CLASS_MASK) > (this.processorPriority & CLASS_MASK) ? requested : NO_VECTOR;
  }

  /** Takes the pending vector: from IRR to ISR. */
  acknowledge(): number {
    const vector = this.pending;
    if (vector === NO_VECTOR) throw new Error('invariant: an interrupt is acknowledged, and none is pending');
    const bit = 1 << (vector & 31);
    this.words[WORD.irr + (vector >>> 5)]! &= ~bit;
    this.words[WORD.isr + (vector >>> 5)]! |= bit;
    return vector;
  }

  /** The interrupt being served is done; without one nothing happens. SDM Vol. 3, "Signaling Interrupt Servicing Completion". */
  endOfInterrupt(): void {
    const vector = this.highest(WORD.isr);
    if (vector !== NO_VECTOR) this.words[WORD.isr + (vector >>> 5)]! &= ~(1 << (vector & 31));
  }

  private highest(at: number): number {
    for (let index = VECTOR_WORDS - 1; index >= 0; index--) {
      const word = this.words[at + index]!;
      if (word !== 0) return 32 * index + 31 - Math.clz32(word);
    }
    return NO_VECTOR;
  }
}
