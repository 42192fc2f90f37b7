/** Words in one granule: the unit that is saved before its first write after a checkpoint (64 bytes). */
const GRANULE_SHIFT = 4;
const GRANULE_WORDS = 1 << GRANULE_SHIFT;

/** Who watches a granule: walks, which are told by `watchVersion`; the search for a writer, by `isUnwritten`. */
const WALKS = 1;
const HISTORY = 2;

/** What was saved since one checkpoint: runs of [granule number, its 16 old words]. */
class UndoLog {
  words = new Int32Array(0);
  length = 0;

  /** `expected`: words that will be wanted, as far as one can tell. */
  constructor(private readonly expected = 0) {}

  reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.words.length) {
      const grown = new Int32Array(Math.max(1024, this.expected, this.length * 2));
      grown.set(this.words);
      this.words = grown;
    }
    return at;
  }
}

/**
 * A growing array of 32-bit words whose earlier contents can be had back.
 *
 * Between two checkpoints the old contents of each 64-byte granule are saved once, before its
 * first write; going back applies what was saved, newest first. Words past the end read as zero
 * once `ensure` has made them, so growth itself needs no undoing.
 *
 * Read `words` directly; write through `write` only, or the past is lost. `words` is replaced
 * when the array grows: never keep it over a call to `ensure`.
 */
export class TrackedWords {
  words: Int32Array;
  /** Epoch in which a granule was last saved; equal to `epoch` means: already saved. */
  private savedIn: Int32Array;
  private epoch = 1;
  /** For whom the next write to each granule is to be told; none of those that are watched is saved in this epoch. */
  private watched: Uint8Array;
  /** Changes at the next write to a granule that is watched, and when contents are put back. Derived. */
  watchVersion = 1;
  /** By granule, the merge in which it was last met; made when logs are first merged. */
  private merged: Int32Array | undefined;
  private merges = 0;
  /** logs[i] takes the contents at checkpoint i + 1 to those at checkpoint i. */
  private logs: UndoLog[] = [];

  constructor(words: number) {
    const rounded = Math.ceil(Math.max(words, GRANULE_WORDS) / GRANULE_WORDS) * GRANULE_WORDS;
    this.words = new Int32Array(rounded);
    this.savedIn = new Int32Array(rounded >> GRANULE_SHIFT);
    this.watched = new Uint8Array(rounded >> GRANULE_SHIFT);
  }

  /** Makes at least `count` words addressable; new ones are zero. */
  ensure(count: number): void {
    if (count <= this.words.length) return;
    let size = this.words.length;
    while (size < count) size *= 2;
    const words = new Int32Array(size);
    words.set(this.words);
    this.words = words;
    const savedIn = new Int32Array(size >> GRANULE_SHIFT);
    savedIn.set(this.savedIn);
    this.savedIn = savedIn;
    const watched = new Uint8Array(size >> GRANULE_SHIFT);
    watched.set(this.watched);
    this.watched = watched;
  }

  write(index: number, value: number): void {
    const granule = index >> GRANULE_SHIFT;
    if (this.savedIn[granule] !== this.epoch) this.save(granule);
    this.words[index] = value;
  }

  /**
   * Has the next write to the granule of a word change `watchVersion`. Costs other writes nothing: a watched granule passes
   * for one that was not saved yet, and to save one twice is harmless, since the older copy is applied last.
   */
  watch(index: number): void {
    this.watchFor(WALKS, index);
  }

  /** From here on `isUnwritten` tells whether the granule of a word has been written, whoever else watches it. */
  watchWrites(index: number): void {
    this.watchFor(HISTORY, index);
  }

  isUnwritten(index: number): boolean {
    return (this.watched[index >> GRANULE_SHIFT]! & HISTORY) !== 0;
  }

  private watchFor(whom: number, index: number): void {
    const granule = index >> GRANULE_SHIFT;
    if ((this.watched[granule]! & whom) !== 0) return;
    this.watched[granule]! |= whom;
    this.savedIn[granule] = 0;
  }

  /** True when a word, or one near it, may have been written between checkpoint `number` and the later one `until` (left out: the present). */
  wasWritten(index: number, number: number, until = this.logs.length + 1): boolean {
    const granule = index >> GRANULE_SHIFT;
    for (let i = number - 1; i < until - 1; i++) {
      const { words, length } = this.logs[i]!;
      for (let at = 0; at < length; at += 1 + GRANULE_WORDS) if (words[at] === granule) return true;
    }
    return false;
  }

  /** Starts a new stretch of history; gives the number to hand to `restore`. */
  checkpoint(): number {
    this.logs.push(new UndoLog(this.logs[this.logs.length - 1]?.length));
    this.epoch++;
    return this.logs.length;
  }

  /** Puts the contents back to those at checkpoint `number`, which stays the newest one. */
  restore(number: number): void {
    for (let i = this.logs.length - 1; i >= number - 1; i--) this.apply(this.logs[i]!);
    this.logs.length = number;
    this.logs[number - 1] = new UndoLog();
    this.epoch++;
    this.watchVersion = this.watchVersion + 1 | 0;
  }

  /** Writes the contents at checkpoint `number` over the present ones, by ordinary writes: every checkpoint stays. */
  rewrite(number: number): void {
    const rewritten = new Set<number>();
    // A granule's contents at the checkpoint are what the oldest of the logs since then has saved of it first.
    for (let i = number - 1; i < this.logs.length; i++) {
      const log = this.logs[i]!;
      const { words, length } = log;
      for (let at = 0; at < length; at += 1 + GRANULE_WORDS) {
        const granule = words[at]!;
        if (rewritten.has(granule)) continue;
        rewritten.add(granule);
        for (let k = 0; k < GRANULE_WORDS; k++) this.write((granule << GRANULE_SHIFT) + k, words[at + 1 + k]!);
      }
    }
  }

  /** Forgets checkpoint `number`: what was saved since it joins what was saved since the one before it. */
  forget(number: number): void {
    const into = this.logs[number - 2];
    const from = this.logs[number - 1];
    if (from === undefined) throw new Error('invariant: a checkpoint that is not live is forgotten');
    // What the newest log goes on to save may stand in the older one already: a further copy is harmless,
    // since the older one is applied last.
    if (into !== undefined && from.length > 0) this.merge(into, from);
    this.logs.splice(number - 1, 1);
    this.epoch++;
  }

  /** Adds to a log what a later one has saved of other granules. */
  private merge(into: UndoLog, from: UndoLog): void {
    this.merged ??= new Int32Array(0);
    if (this.merged.length < this.savedIn.length) this.merged = new Int32Array(this.savedIn.length);
    const { merged } = this;
    const stamp = ++this.merges;
    for (let i = 0; i < into.length; i += 1 + GRANULE_WORDS) merged[into.words[i]!] = stamp;
    let added = 0;
    for (let i = 0; i < from.length; i += 1 + GRANULE_WORDS) if (merged[from.words[i]!] !== stamp) added += 1 + GRANULE_WORDS;
    const words = new Int32Array(into.length + added);
    words.set(into.words.subarray(0, into.length));
    let at = into.length;
    for (let i = 0; i < from.length; i += 1 + GRANULE_WORDS) {
      if (merged[from.words[i]!] === stamp) continue;
      for (let k = 0; k <= GRANULE_WORDS; k++) words[at + k] = from.words[i + k]!;
      at += 1 + GRANULE_WORDS;
    }
    into.words = words;
    into.length = at;
  }

  /** True when something was written since the newest checkpoint. */
  get isWritten(): boolean {
    const newest = this.logs[this.logs.length - 1];
    return newest !== undefined && newest.length > 0;
  }

  /** Bytes that history holds, for the budget of checkpoints. */
  get historyBytes(): number {
    let words = 0;
    for (const log of this.logs) words += log.length;
    return words * 4;
  }

  /** Of them, bytes that the newest checkpoint has come to hold. */
  get newestBytes(): number {
    return (this.logs[this.logs.length - 1]?.length ?? 0) * 4;
  }

  private save(granule: number): void {
    const savedBefore = this.savedIn[granule]!;
    this.savedIn[granule] = this.epoch;
    // Who watches a granule has made it pass for one that was never saved: of others this is all that is read.
    if (savedBefore === 0 && this.watched[granule] !== 0) {
      this.watched[granule] = 0;
      this.watchVersion = this.watchVersion + 1 | 0;
    }
    const log = this.logs[this.logs.length - 1];
    if (log === undefined) return;
    const at = log.reserve(1 + GRANULE_WORDS);
    log.words[at] = granule;
    const from = granule << GRANULE_SHIFT;
    for (let i = 0; i < GRANULE_WORDS; i++) log.words[at + 1 + i] = this.words[from + i]!;
  }

  private apply(log: UndoLog): void {
    for (let at = log.length - 1 - GRANULE_WORDS; at >= 0; at -= 1 + GRANULE_WORDS) {
      const from = log.words[at]! << GRANULE_SHIFT;
      for (let i = 0; i < GRANULE_WORDS; i++) this.words[from + i] = log.words[at + 1 + i]!;
    }
  }
}
