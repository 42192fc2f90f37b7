import { COUNTER } from '../../state/counters';
import type { TranslationSpace } from '../translationSpace';
import { EFFECTS, WALK } from '../walkOutcome';
import type { WalkResult } from '../walkResult';
import { refuse, refuseAsNested } from '../walkRefusal';

/** A specialized walk met something rare, changed nothing, and leaves the walk to `walk`. */
export const HANDED_OVER = -1;

const WALK_REFERENCES = COUNTER.walk_references;

/** Ends a walk of one dimension that has read `references` entries and found its page. */
export function mapped(space: TranslationSpace, references: number): number {
  const { counters, result } = space;
  result.references += references;
  if (counters !== undefined) counters[WALK_REFERENCES]! += references;
  result.outcome = WALK.mapped;
  return WALK.mapped;
}

/** Ends a walk of one dimension that the last of `references` entries, of `level`, refuses. */
export function refuseAt(space: TranslationSpace, level: number, references: number, why: number, rights: number): number {
  const { counters, result } = space;
  result.level = level;
  result.references += references;
  if (counters !== undefined) counters[WALK_REFERENCES]! += references;
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
  result.hpaLo = final.hpaLo;
  result.hpaHi = final.hpaHi;
  result.nestedRights = final.rights;
  result.dirty &= final.dirty;
  if (final.pageShift < result.pageShift) result.effectiveShift = final.pageShift;
  result.references += final.references;
  result.outcome = WALK.mapped;
  return WALK.mapped;
}
