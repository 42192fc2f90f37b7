import type { Registry } from '../../hardware/state/registry';

const REPEATS = 0;
const CODE = 1;
const ADDRESS = 2;
const PC = 4;
const DEPTH = 5;
const VECTOR = 6;
const WORDS = 7;

/** How often the access of one CPU that is under way has faulted in the same way, with a handler between. */
export class FaultRepeats {
  private readonly words: Int32Array;

  constructor(registry: Registry, cpu: number) {
    this.words = registry.block(`cpu ${cpu} fault repeats`, WORDS);
  }

  /**
   * Counts faults of one access in a row: the same vector, address and code, met by the instruction at `pc` of the frame
   * at `depth`. Gives how many it has been.
   */
  note(vector: number, code: number, lo: number, hi: number, pc: number, depth: number): number {
    const { words } = this;
    const isSame =
      words[VECTOR] === vector &&
      words[CODE] === code &&
      words[ADDRESS] === lo &&
      words[ADDRESS + 1] === hi &&
      words[PC] === pc &&
      words[DEPTH] === depth;
    const repeats = isSame ? words[REPEATS]! + 1 : 1;
    words.set([repeats, code, lo, hi, pc, depth, vector]);
    return repeats;
  }

  /** An access has faulted and is not completed yet. */
  get isCounting(): boolean {
    return this.words[REPEATS] !== 0;
  }

  /** The access at `pc` of the frame at `depth` has completed: its faults are no longer in a row. */
  noteCompleted(pc: number, depth: number): void {
    const { words } = this;
    if (words[REPEATS] === 0) return;
    if (words[PC] === pc && words[DEPTH] === depth) words[REPEATS] = 0;
  }
}
