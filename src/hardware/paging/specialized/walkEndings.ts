import { BUS_ACCESS } from '../../memory/busAccess';
import { COUNTER } from '../../state/counters';
import { reportBusError } from '../../events/busEvents';
import type { TranslationSpace } from '../translationSpace';
import { EFFECTS, WALK } from '../walkOutcome';
import { RECORD, type WalkResult } from '../walkResult';
import { refuse, refuseAsNested } from '../walkRefusal';

/** A specialized walk met something rare, changed nothing, and leaves the walk to `walk`. */
export const HANDED_OVER = -1;
/** A straight fill has dealt with a miss in full, or has changed nothing and leaves it to search, walk and `Tlb.add`. */
export const FILLED = 1;
export const NOT_STRAIGHT = 0;

export const WALK_REFERENCES = COUNTER.walk_references;
/** What a word reads as where no memory is. */
const ABSENT = -1;

/** Ends a walk of one dimension that has read `references` entries and found its page. */
export function mapped(space: TranslationSpace, references: number): number {
  const { counters, result } = space;
  result.references += references;
  if (counters !== undefined) counters[WALK_REFERENCES]! += references;
  result.outcome = WALK.mapped;
  return WALK.mapped;
}

/** Ends a walk that the last of `references` entries of its own, (lo, hi) of `level`, refuses. */
export function refuseAt(
  space: TranslationSpace, level: number, references: number, why: number, rights: number, lo: number, hi: number,
): number {
  const { counters, nested, result } = space;
  result.level = level;
  result.levels[RECORD.entryLo + level] = lo;
  result.levels[RECORD.entryHi + level] = hi;
  result.references += references;
  let all = references;
  if (nested !== undefined) {
    nested.servedLevel = level;
    all += nested.result.references;
  }
  if (counters !== undefined) counters[WALK_REFERENCES]! += all;
  return refuse(space, why, rights, EFFECTS.hardware);
}

/** Ends a two-dimensional walk with what came of its final address; `references`: what only the tables took. */
export function through(space: TranslationSpace, final: WalkResult, outcome: number, references: number): number {
  const { counters, result } = space;
  if (counters !== undefined) counters[WALK_REFERENCES]! += references;
  result.effectiveShift = result.pageShift;
  result.hpaLo = result.gpaLo;
  result.hpaHi = result.gpaHi;
  if (outcome !== WALK.mapped) return refuseAsNested(space, outcome, EFFECTS.hardware);
  takeFinal(result, final);
  result.outcome = WALK.mapped;
  return WALK.mapped;
}

/** What the nested translation of the final address makes of a guest's. */
export function takeFinal(result: WalkResult, final: WalkResult): void {
  result.hpaLo = final.hpaLo;
  result.hpaHi = final.hpaHi;
  result.nestedRights = final.rights;
  result.dirty &= final.dirty;
  if (final.pageShift < result.pageShift) result.effectiveShift = final.pageShift;
  result.references += final.references;
}

/** Either half of an entry in a frame without words of its own: zero, or ones where no memory is. */
export function absentWord(space: TranslationSpace, lo: number, hi: number): number {
  const { memory, bus, cpu } = space;
  const word = memory.load32(lo, hi);
  if (word === ABSENT) reportBusError(memory, bus, cpu, lo, hi, BUS_ACCESS.tableRead);
  return word;
}
