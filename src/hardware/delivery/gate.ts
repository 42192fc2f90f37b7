import type { DeliveredEvent } from './deliveredEvent';
import { VECTOR } from './exceptions';

/*
 * A gate of the IDT as two words, or four in long mode. SDM Vol. 3, "IDT Descriptors", "64-Bit Mode IDT".
 *
 *   word 0   31:16 selector                          15:0 offset 15:0
 *   word 1   31:16 offset 31:16   15 P  14:13 DPL  12 S = 0  11:8 type   2:0 IST (long mode)
 *   word 2   offset 63:32
 *   word 3   12:8 must be zero
 */
const TYPE_SHIFT = 8;
const TYPE_MASK = 0x1f;
const DPL_SHIFT = 13;
const PRESENT = 1 << 15;
const IST_MASK = 7;
const UPPER_TYPE = 0x1f << 8;

/** Types of a system descriptor that may stand in the IDT, S being 0. SDM Vol. 3, "System Descriptor Types". */
export const GATE_TYPE = { task: 0x5, interrupt16: 0x6, trap16: 0x7, interrupt: 0xe, trap: 0xf } as const;

/** A gate once it is read. */
export class Gate {
  type = 0;
  dpl = 0;
  present = 0;
  selector = 0;
  /** Interrupt-stack-table index: 0 for none. */
  ist = 0;
  offsetLo = 0;
  offsetHi = 0;
  /** Bits of the upper half that must be zero. */
  reserved = 0;

  decode(word0: number, word1: number, word2: number, word3: number): void {
    this.type = (word1 >>> TYPE_SHIFT) & TYPE_MASK;
    this.dpl = (word1 >>> DPL_SHIFT) & 3;
    this.present = (word1 & PRESENT) === 0 ? 0 : 1;
    this.selector = word0 >>> 16;
    this.ist = word1 & IST_MASK;
    this.offsetLo = (word0 & 0xffff) | (word1 & 0xffff_0000);
    this.offsetHi = word2;
    this.reserved = word3 & UPPER_TYPE;
  }

  /** Interrupt gates clear RFLAGS.IF, trap gates leave it. */
  get clearsInterruptFlag(): boolean {
    return this.type === GATE_TYPE.interrupt || this.type === GATE_TYPE.interrupt16;
  }

  /** Of the 80286: a frame of 16-bit words. */
  get is16Bit(): boolean {
    return this.type === GATE_TYPE.interrupt16 || this.type === GATE_TYPE.trap16;
  }
}

/** Why a gate is not gone through: the exception, whose error code names the gate. */
export interface GateRule {
  readonly name: string;
  readonly vector: number;
  readonly broken: (gate: Gate, event: DeliveredEvent, cpl: number) => boolean;
}

const legacyTypes: readonly number[] = Object.values(GATE_TYPE);

const checkedByProgram: GateRule = {
  name: 'the gate\'s DPL is below the CPL of the program that asks for it', vector: VECTOR.generalProtection,
  broken: (gate, event, cpl) => event.isCheckedByGate && gate.dpl < cpl,
};
const notPresent: GateRule = { name: 'the gate is not present', vector: VECTOR.segmentNotPresent, broken: (gate) => gate.present === 0 };

/** In order. SDM Vol. 2, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure"; Vol. 3, "Protection of Exception- and Interrupt-Handler Procedures". */
export const longModeGateRules: readonly GateRule[] = [
  {
    name: 'the gate is no 64-bit interrupt or trap gate', vector: VECTOR.generalProtection,
    broken: (gate) => gate.type !== GATE_TYPE.interrupt && gate.type !== GATE_TYPE.trap || gate.reserved !== 0,
  },
  checkedByProgram,
  notPresent,
];

export const protectedModeGateRules: readonly GateRule[] = [
  { name: 'the gate is no interrupt, trap or task gate', vector: VECTOR.generalProtection, broken: (gate) => !legacyTypes.includes(gate.type) },
  checkedByProgram,
  notPresent,
];

/** The first rule that a gate breaks. */
export function brokenGateRule(rules: readonly GateRule[], gate: Gate, event: DeliveredEvent, cpl: number): GateRule | undefined {
  return rules.find((rule) => rule.broken(gate, event, cpl));
}
