import { INSTRUCTION_WORDS, OP } from '../program';

/** A place in the code that jumps may name before it is known. */
export interface Label {
  at: number;
}

/** Instructions and constants as they are written. Positions are instruction numbers, not words. */
export class CodeBuffer {
  private readonly words: number[] = [];
  private readonly pool: number[] = [];
  private readonly constantNumbers = new Map<bigint, number>();
  /** Jumps by the word that holds their target. */
  private readonly jumps: { readonly word: number; readonly label: Label }[] = [];

  /** Number of the next instruction. */
  get here(): number {
    return this.words.length / INSTRUCTION_WORDS;
  }

  emit(operation: number, a = 0, b = 0, c = 0): void {
    this.words.push(operation, a, b, c);
  }

  /** Register `target` := `value` (64 bits). */
  loadConstant(target: number, value: bigint): void {
    this.emit(OP.constant, target, this.constantNumber(value));
  }

  /** The first operands of all instructions of one operation between two places. */
  operandsOf(operation: number, from: number, to: number): readonly number[] {
    const found: number[] = [];
    for (let at = from * INSTRUCTION_WORDS; at < to * INSTRUCTION_WORDS; at += INSTRUCTION_WORDS) {
      const operand = this.words[at + 1];
      if (this.words[at] === operation && operand !== undefined) found.push(operand);
    }
    return found;
  }

  newLabel(): Label {
    return { at: -1 };
  }

  place(label: Label): void {
    label.at = this.here;
  }

  jump(label: Label): void {
    this.jumps.push({ word: this.words.length + 1, label });
    this.emit(OP.jump);
  }

  /** `operation` is one of jumpIf, jumpUnless (of a register) and jumpUnlessTechnique (of a set). */
  jumpOn(operation: number, condition: number, label: Label): void {
    this.jumps.push({ word: this.words.length + 2, label });
    this.emit(operation, condition);
  }

  /** The code with every jump's target filled in. */
  finish(): { readonly code: Int32Array; readonly constants: Int32Array } {
    for (const { word, label } of this.jumps) {
      if (label.at < 0) throw new Error('invariant: a jump leads nowhere');
      this.words[word] = label.at;
    }
    return { code: Int32Array.from(this.words), constants: Int32Array.from(this.pool) };
  }

  private constantNumber(value: bigint): number {
    const known = this.constantNumbers.get(value);
    if (known !== undefined) return known;
    const number = this.pool.length / 2;
    this.pool.push(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
    this.constantNumbers.set(value, number);
    return number;
  }
}
