import { frameInEntry } from '../hardware/memory/frameNumber';
import type { Registry } from '../hardware/state/registry';
import { ownerOfAddress } from '../language/hostActions';
import { setPairAt } from './arithmetic';

/** Words of a process: its root, then its PCID, as pairs of halves. */
const PROCESS_WORDS = 4;

/** The guest's processes, by number: root and PCID as the kernel library sets them; 0 before it has. */
export class ProcessTable {
  private readonly words: Int32Array;

  constructor(registry: Registry, private readonly count: number) {
    this.words = registry.block('processes', PROCESS_WORDS * Math.max(1, count));
  }

  /** Puts field `field` (0 root, 1 pcid) of `process` into the pair at `at`; 0 for a number that is no process's. */
  get(process: number, field: number, words: Int32Array, at: number): void {
    const from = PROCESS_WORDS * process + 2 * field;
    setPairAt(words, at, this.words[from] ?? 0, this.words[from + 1] ?? 0);
  }

  set(process: number, field: number, lo: number, hi: number): void {
    setPairAt(this.words, PROCESS_WORDS * process + 2 * field, lo, hi);
  }

  /** Guest frame of the root table of `process`, or 0 when it has none yet. */
  rootFrame(process: number): number {
    return frameInEntry(this.words[PROCESS_WORDS * process]!, this.words[PROCESS_WORDS * process + 1]!);
  }

  /** The same of the process in whose tables an address is asked about; `word` is what `addressOwner` made of it. */
  rootFrameOf(word: number): number {
    const { process } = ownerOfAddress(word);
    if (process === undefined) throw new Error('invariant: a question about a VM whose process is not named');
    return this.rootFrame(process);
  }

  /** Guest frames of all root tables there are. */
  rootFrames(): readonly number[] {
    return Array.from({ length: this.count }, (_, process) => this.rootFrame(process)).filter((frame) => frame !== 0);
  }
}
