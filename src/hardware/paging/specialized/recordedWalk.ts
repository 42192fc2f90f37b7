import type { ReferenceRing } from '../../events/referenceRing';
import type { TranslationSpace } from '../translationSpace';
import { WALK } from '../walkOutcome';
import { CACHED, SPECIALIZED, walkSpecialized, walkSpecializedTold } from './specializedWalk';
import { HANDED_OVER, WALK_REFERENCES } from './walkEndings';
import { watchEntries } from './recordedTables';
import { walkEpt4Told, walkNpt4Told } from './wholeWalks';

type Walk = (space: TranslationSpace, lo: number, hi: number, access: number) => number;

/*
 * Walks that the ring is told of and nobody else. One that reads its last entry alone, since the ones above it are
 * remembered, is recorded in one go: the ring has learned, from a walk that read them all, what it would have been told.
 */

/** As `walkSpecializedTold` of a space that is no other's nested one, while only the ring is told of reads. */
export function walkRecorded(space: TranslationSpace, lo: number, hi: number, access: number): number {
  const { nested, memory, recorded } = space;
  const { ring } = space.bus;
  if (ring === undefined || space.isNested !== 0 || space.specialized >= CACHED) return walkSpecializedTold(space, lo, hi, access);
  const row = recorded.find(space, ring, lo, hi);
  if (row < 0) return walkAndLearn(walkSpecializedTold, space, ring, lo, hi, access);
  const word = recorded.lastEntry(row, lo);
  const entryLo = memory.words[word]!;
  const entryHi = memory.words[word + 1]!;
  const outcome = walkSpecialized(space, lo, hi, access);
  if (outcome === HANDED_OVER) return walkSpecializedTold(space, lo, hi, access);
  ring.addWalk(recorded.pattern(row), (lo >>> 12) & 0x1ff, lo, hi, entryLo, entryHi, lo, hi);
  // A page fault of the guest's own comes before the final address is translated.
  if (nested !== undefined && outcome !== WALK.pageFault) {
    recordFinal(space.specialized === SPECIALIZED.long4BehindEpt4 ? walkEpt4Told : walkNpt4Told, nested, ring);
  }
  return outcome;
}

/** Records what the nested walk of a final address has read, which was told nobody. */
function recordFinal(walkTold: Walk, nested: TranslationSpace, ring: ReferenceRing): void {
  const { recorded, memory, result, counters } = nested;
  const { addressLo: lo, addressHi: hi, references } = result;
  const row = recorded.find(nested, ring, lo, hi);
  if (row >= 0) {
    const word = recorded.lastEntry(row, lo);
    ring.addWalk(
      recorded.pattern(row), (lo >>> 12) & 0x1ff, nested.servedLo, nested.servedHi, memory.words[word]!, memory.words[word + 1]!, lo, hi);
    return;
  }
  // Walked again for the ring alone: no flag is to be set any more, or the walk would have been handed over.
  const counted = counters === undefined ? 0 : counters[WALK_REFERENCES]!;
  walkAndLearn(walkTold, nested, ring, lo, hi, result.access);
  if (counters !== undefined) counters[WALK_REFERENCES] = counted;
  result.references = references;
}

/** The walk that tells the ring of each read; the second one through a region is learned. */
function walkAndLearn(walkTold: Walk, space: TranslationSpace, ring: ReferenceRing, lo: number, hi: number, access: number): number {
  const wasSeen = space.recorded.wasSeen(space, ring, lo, hi);
  const before = ring.added;
  const outcome = walkTold(space, lo, hi, access);
  if (wasSeen && outcome === WALK.mapped && space.result.level === 1) learn(space, ring, before, lo, hi);
  return outcome;
}

function learn(space: TranslationSpace, ring: ReferenceRing, before: number, lo: number, hi: number): void {
  const { memory } = space;
  const entries = ring.entriesSince(before, space.isNested);
  const last = entries.pop();
  if (last === undefined || !watchEntries(memory, entries)) return;
  const word = memory.wordAt(last.hpaLo, last.hpaHi);
  if (word === 0) return;
  space.recorded.learn(space, lo, hi, ring.patternSince(before, space.isNested), word & ~0x3ff);
}
