import type { Registry } from '../state/registry';
import type { TrackedWords } from '../state/trackedWords';

/** Frames of one directory: 1 GiB of 4 KiB frames. */
const DIRECTORY_FRAMES = 1 << 18;
const FRAME_WORDS = 1024;
/** Places of the lowest frames are made room for by so many at once: 256 MiB. */
const LOW_FRAMES = 1 << 16;
/** Bits of an address's high half that no physical address has: 63:52. */
const BEYOND_HI = ~0xfffff;

/** A range of host-physical addresses that memory answers at. */
export interface MemoryRange {
  readonly from: number;
  readonly to: number;
  readonly kind: 'ram' | 'rom';
}

/**
 * Host-physical memory: sparse, so an untouched 64 GiB cost nothing. A frame gets a place in the
 * arena at the first write that is not 0; frames without one read as zero. An address outside installed memory
 * reads as all ones and takes no write, as on a bus where no device answers.
 *
 * Addresses are host-physical, as two int32 halves; a word is 32 bits, little-endian, at an
 * address that is a multiple of 4. A place once given is kept (it is not state: a frame that is
 * taken back to before its first write is zero again by the arena's own history).
 */
export class PhysicalMemory {
  /** Places of the frames below 4 GiB, as far up as one was given: nearly all there are, by one look. */
  private low = new Int32Array(LOW_FRAMES);
  /** Of the frames above, by GiB. */
  private readonly directories: (Int32Array | undefined)[] = [];
  private readonly arena: TrackedWords;
  private usedPlaces = 1; // place 0 is never given: it means "no place"

  /** `bytes`: end of installed memory; `ranges`: where in it memory is, by addresses; left out: all of it is RAM. */
  constructor(registry: Registry, private readonly bytes: number, private readonly ranges?: readonly MemoryRange[]) {
    this.arena = registry.tracked('memory', 64 * FRAME_WORDS);
  }

  isInstalled(lo: number, hi: number): boolean {
    return this.has(lo, hi, 'read');
  }

  /**
   * The arena's words, and the index in them of the word at an address: 0 when its frame has no place yet, and `load32`
   * must say what it reads. For reading neighbours within a frame; `words` is replaced when memory grows.
   */
  get words(): Int32Array {
    return this.arena.words;
  }

  wordAt(lo: number, hi: number): number {
    // In full for low frames: walks have this in their text as often as they read, and the compiler inlines only so much.
    if (hi !== 0) return this.highWordAt(lo, hi);
    const { low } = this;
    const frame = lo >>> 12;
    const place = frame < low.length ? low[frame]! : 0;
    return place === 0 ? 0 : (place << 10) | ((lo >>> 2) & 1023);
  }

  private highWordAt(lo: number, hi: number): number {
    const place = this.highPlaceOf(lo, hi);
    return place === 0 ? 0 : (place << 10) | ((lo >>> 2) & 1023);
  }

  /** Changes at the first write to a word that was given to `watch`, by whomever, and when memory goes back in time. */
  get structureVersion(): number {
    return this.arena.watchVersion;
  }

  /** Has the next write to the word at an index of `words`, or near it, change `structureVersion`. */
  watch(word: number): void {
    this.arena.watch(word);
  }

  /** From here on `isUnwritten` tells whether the word at an index of `words`, or one near it, has been written. */
  watchWrites(word: number): void {
    this.arena.watchWrites(word);
  }

  isUnwritten(word: number): boolean {
    return this.arena.isUnwritten(word);
  }

  /** True when the word at an index of `words`, or one near it, may have been written between two checkpoints, given by their numbers; without the later one until now. */
  wasWritten(word: number, from: number, until?: number): boolean {
    return this.arena.wasWritten(word, from, until);
  }

  load32(lo: number, hi: number): number {
    const place = this.placeOf(lo, hi);
    if (place === 0) return this.isInstalled(lo, hi) ? 0 : -1;
    return this.arena.words[(place << 10) | ((lo >>> 2) & 1023)]!;
  }

  store32(lo: number, hi: number, value: number): void {
    let place = this.placeOf(lo, hi);
    if (place === 0) {
      // Zero is what it reads as without a place.
      if (value === 0 || !this.has(lo, hi, 'write')) return;
      place = this.givePlace(lo, hi);
    }
    this.arena.write((place << 10) | ((lo >>> 2) & 1023), value);
  }

  load8(lo: number, hi: number): number {
    return (this.load32(lo & ~3, hi) >>> ((lo & 3) << 3)) & 0xff;
  }

  store8(lo: number, hi: number, value: number): void {
    const shift = (lo & 3) << 3;
    const old = this.load32(lo & ~3, hi);
    this.store32(lo & ~3, hi, (old & ~(0xff << shift)) | ((value & 0xff) << shift));
  }

  /** Reads of ROM, which holds zeros, find it; writes do not. */
  private has(lo: number, hi: number, how: 'read' | 'write'): boolean {
    const address = hi * 4294967296 + (lo >>> 0);
    if (hi < 0 || address >= this.bytes) return false;
    const { ranges } = this;
    return ranges === undefined || ranges.some(({ from, to, kind }) => address >= from && address < to && (how === 'read' || kind === 'ram'));
  }

  /** 0: the frame has none, or is no frame: bits that the index would lose must not alias another. */
  private placeOf(lo: number, hi: number): number {
    if (hi !== 0) return this.highPlaceOf(lo, hi);
    const { low } = this;
    const frame = lo >>> 12;
    return frame < low.length ? low[frame]! : 0;
  }

  private highPlaceOf(lo: number, hi: number): number {
    if ((hi & BEYOND_HI) !== 0) return 0;
    const directory = this.directories[(hi << 2) | (lo >>> 30)];
    return directory === undefined ? 0 : directory[(lo >>> 12) & (DIRECTORY_FRAMES - 1)]!;
  }

  private givePlace(lo: number, hi: number): number {
    const place = this.usedPlaces++;
    this.arena.ensure((place + 1) << 10);
    if (hi === 0) this.lowPlaces(lo >>> 12)[lo >>> 12] = place;
    else this.directoryOf(lo, hi)[(lo >>> 12) & (DIRECTORY_FRAMES - 1)] = place;
    return place;
  }

  /** The places of low frames, with room for this one. */
  private lowPlaces(frame: number): Int32Array {
    if (frame >= this.low.length) {
      const grown = new Int32Array(Math.ceil((frame + 1) / LOW_FRAMES) * LOW_FRAMES);
      grown.set(this.low);
      this.low = grown;
    }
    return this.low;
  }

  private directoryOf(lo: number, hi: number): Int32Array {
    return (this.directories[(hi << 2) | (lo >>> 30)] ??= new Int32Array(DIRECTORY_FRAMES));
  }
}
