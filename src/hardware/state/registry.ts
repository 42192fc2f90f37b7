import { ReachedWords } from './reachedWords';
import { TrackedWords } from './trackedWords';

/** A moment that `Registry.restore` can go back to. Belongs to the registry that made it. */
export interface Checkpoint {
  /** Place among the registry's live checkpoints, from 1; moves down when an earlier one is forgotten. */
  number: number;
  readonly blocks: readonly Int32Array[];
  readonly numbers: readonly Float64Array[];
  readonly reached: readonly Int32Array[];
}

/** What a checkpoint copies. */
type Copies = Pick<Checkpoint, 'blocks' | 'numbers' | 'reached'>;

/** Copies of so many checkpoints that are no more are kept to be written over. */
const MOST_SPARE = 32;

/** Where state is claimed: the registry itself, or a room of it. */
export interface StateClaims {
  block(name: string, words: number): Int32Array;
  numbers(name: string, count: number): Float64Array;
  reached(name: string, words: number): ReachedWords;
  tracked(name: string, words: number): TrackedWords;
  /** The same place for one of several alike: whatever is claimed there has `prefix` before its name. */
  room(prefix: string): StateClaims;
}

/**
 * All state of a machine: processors, memory, and the hypervisor's, host's and scheduler's own
 * structures. Nothing that a run can change lives anywhere else, so a checkpoint of the registry
 * is a checkpoint of the machine.
 *
 * Four kinds, by size: `block` (small; copied whole at a checkpoint), `numbers` (the same, for
 * counters and steps, exact to 2^53), `reached` (mostly unused; copied as far as it has come into use) and `tracked` (large; only
 * what is written is saved).
 * All of them are claimed while the machine is built, before the first checkpoint.
 */
export class Registry implements StateClaims {
  private readonly blocks = new Map<string, Int32Array>();
  private readonly numberBlocks = new Map<string, Float64Array>();
  private readonly reachedBlocks = new Map<string, ReachedWords>();
  private readonly trackedBlocks = new Map<string, TrackedWords>();
  private live: Checkpoint[] = [];
  /** Of checkpoints that are no more: to make fresh copies costs the host more than to copy. */
  private readonly spare: Copies[] = [];
  /** Bytes of what a checkpoint copies whole. */
  private smallBytes = 0;

  /** Claims `words` 32-bit words under `name`, zeroed. */
  block(name: string, words: number): Int32Array {
    this.smallBytes += words * Int32Array.BYTES_PER_ELEMENT;
    return this.claim(this.blocks, name, new Int32Array(words));
  }

  /** Claims `count` exact integers (doubles) under `name`, zeroed. */
  numbers(name: string, count: number): Float64Array {
    this.smallBytes += count * Float64Array.BYTES_PER_ELEMENT;
    return this.claim(this.numberBlocks, name, new Float64Array(count));
  }

  /** Claims `words` words under `name`, zeroed, of which whoever writes them says before how far they are in use. */
  reached(name: string, words: number): ReachedWords {
    return this.claim(this.reachedBlocks, name, new ReachedWords(words));
  }

  /** Claims a large or growing array of words under `name`. */
  tracked(name: string, words: number): TrackedWords {
    return this.claim(this.trackedBlocks, name, new TrackedWords(words));
  }

  /** The same registry for one of several alike: whatever is claimed there has `prefix` before its name. */
  room(prefix: string): StateClaims {
    return {
      block: (name, words) => this.block(prefix + name, words),
      numbers: (name, count) => this.numbers(prefix + name, count),
      reached: (name, words) => this.reached(prefix + name, words),
      tracked: (name, words) => this.tracked(prefix + name, words),
      room: (more) => this.room(prefix + more),
    };
  }

  checkpoint(): Checkpoint {
    for (const tracked of this.trackedBlocks.values()) tracked.checkpoint();
    const checkpoint: Checkpoint = { number: this.live.length + 1, ...this.copies() };
    this.live.push(checkpoint);
    return checkpoint;
  }

  /** Puts every word back. Checkpoints made after `checkpoint` are void from here on. */
  restore(checkpoint: Checkpoint): void {
    this.putBack(checkpoint);
    for (const tracked of this.trackedBlocks.values()) tracked.restore(checkpoint.number);
    for (let later = checkpoint.number; later < this.live.length; later++) this.keepSpare(this.live[later]!);
    this.live.length = checkpoint.number;
  }

  /** True until `checkpoint` is given up, or time goes back to before it. */
  isLive(checkpoint: Checkpoint): boolean {
    return this.live[checkpoint.number - 1] === checkpoint;
  }

  /**
   * Writes the contents at `checkpoint`, which must be live, over the present ones, as any writes are made: no checkpoint
   * becomes void, and a later one still gives the present contents back.
   */
  rewrite(checkpoint: Checkpoint): void {
    this.putBack(checkpoint);
    for (const tracked of this.trackedBlocks.values()) tracked.rewrite(checkpoint.number);
  }

  /** Gives a checkpoint up: nothing will be restored to it. What it saved joins the one before it. */
  forget(checkpoint: Checkpoint): void {
    for (const tracked of this.trackedBlocks.values()) tracked.forget(checkpoint.number);
    this.live.splice(checkpoint.number - 1, 1);
    this.keepSpare(checkpoint);
    for (let i = checkpoint.number - 1; i < this.live.length; i++) this.live[i]!.number = i + 1;
  }

  /** Bytes that the live checkpoints hold, for a budget of history. */
  get historyBytes(): number {
    let bytes = this.live.length * this.smallBytes;
    for (const { reached } of this.live) for (const copy of reached) bytes += copy.byteLength;
    for (const tracked of this.trackedBlocks.values()) bytes += tracked.historyBytes;
    return bytes;
  }

  /** Of them, bytes that have been saved since the newest checkpoint. */
  get newestBytes(): number {
    let bytes = 0;
    for (const tracked of this.trackedBlocks.values()) bytes += tracked.newestBytes;
    return bytes;
  }

  /** Names of what has changed since `checkpoint`, the newest one: a tracked array when it was written at all. */
  changedSince(checkpoint: Checkpoint): readonly string[] {
    const changed: string[] = [];
    let i = 0;
    for (const [name, block] of this.blocks) if (differ(block, checkpoint.blocks[i++]!)) changed.push(name);
    i = 0;
    for (const [name, block] of this.numberBlocks) if (differ(block, checkpoint.numbers[i++]!)) changed.push(name);
    i = 0;
    for (const [name, block] of this.reachedBlocks) if (block.differsFrom(checkpoint.reached[i++]!)) changed.push(name);
    for (const [name, tracked] of this.trackedBlocks) if (tracked.isWritten) changed.push(name);
    return changed;
  }

  /** Every named array as it stands, in the order of claiming: for tests and fingerprints. */
  contents(): ReadonlyMap<string, Int32Array | Float64Array> {
    const all = new Map<string, Int32Array | Float64Array>();
    for (const [name, block] of this.blocks) all.set(name, block);
    for (const [name, block] of this.numberBlocks) all.set(name, block);
    for (const [name, { words }] of this.reachedBlocks) all.set(name, words);
    for (const [name, tracked] of this.trackedBlocks) all.set(name, tracked.words);
    return all;
  }

  private copies(): Copies {
    const spare = this.spare.pop();
    const reached = [...this.reachedBlocks.values()].map((block, i) => block.copy(spare?.reached[i]));
    if (spare === undefined) return { blocks: [...this.blocks.values()].map((block) => block.slice()), numbers: [...this.numberBlocks.values()].map((block) => block.slice()), reached };
    const { blocks, numbers } = spare;
    let i = 0;
    for (const block of this.blocks.values()) blocks[i++]!.set(block);
    i = 0;
    for (const block of this.numberBlocks.values()) numbers[i++]!.set(block);
    return { blocks, numbers, reached };
  }

  /** What a checkpoint has copied. */
  private putBack({ blocks, numbers, reached }: Checkpoint): void {
    let i = 0;
    for (const block of this.blocks.values()) block.set(blocks[i++]!);
    i = 0;
    for (const block of this.numberBlocks.values()) block.set(numbers[i++]!);
    i = 0;
    for (const block of this.reachedBlocks.values()) block.putBack(reached[i++]!);
  }

  private keepSpare({ blocks, numbers, reached }: Checkpoint): void {
    if (this.spare.length < MOST_SPARE) this.spare.push({ blocks, numbers, reached });
  }

  private claim<T>(among: Map<string, T>, name: string, made: T): T {
    if ([this.blocks, this.numberBlocks, this.reachedBlocks, this.trackedBlocks].some((each) => each.has(name))) {
      throw new Error(`invariant: state block "${name}" is claimed twice`);
    }
    among.set(name, made);
    return made;
  }
}

function differ(a: Int32Array | Float64Array, b: Int32Array | Float64Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return true;
  return false;
}
