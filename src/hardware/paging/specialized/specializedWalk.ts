import type { CompiledFormat } from '../compiledFormat';
import type { TranslationSpace } from '../translationSpace';
import { HANDED_OVER } from './walkEndings';
import {
  SHAPES, walkEpt4, walkLong4, walkLong4BehindEpt4, walkLong4BehindNpt4, walkLong5, walkNpt4,
} from './walks';
import {
  walkEpt4Told, walkLong4BehindEpt4Cached, walkLong4BehindEpt4Told, walkLong4BehindNpt4Cached, walkLong4BehindNpt4Told,
  walkLong4Cached, walkLong4Told, walkLong5Cached, walkLong5Told, walkNpt4Told,
} from './wholeWalks';
import { walkShape } from './walkShape';

/** The generated walks; those with caches of paging structures are `CACHED` more. */
export const SPECIALIZED = { none: 0, long4: 1, long5: 2, ept4: 3, npt4: 4, long4BehindEpt4: 5, long4BehindNpt4: 6 } as const;
export const CACHED = 8;

/** Shapes are made once a compiled format: they are asked for at every change of a register. */
const shapes = new WeakMap<CompiledFormat, string>();

/**
 * The generated walk of a space, a `SPECIALIZED`. It stands for `walk` as long as the space's format, nested space, tables
 * and caches stay: whoever changes one of them asks again.
 */
export function specializedWalkOf(space: TranslationSpace): number {
  const { nested, compiled, walkCache } = space;
  const cached = walkCache === undefined ? 0 : CACHED;
  const shape = shapeOf(compiled);
  if (nested === undefined) {
    if (space.direct === 0) return SPECIALIZED.none;
    if (shape === SHAPES.Long4) return cached | SPECIALIZED.long4;
    if (shape === SHAPES.Long5) return cached | SPECIALIZED.long5;
    if (cached !== 0) return SPECIALIZED.none;
    return shape === SHAPES.Ept4 ? SPECIALIZED.ept4 : shape === SHAPES.Npt4 ? SPECIALIZED.npt4 : SPECIALIZED.none;
  }
  if (shape !== SHAPES.Long4 || (nested.walkCache === undefined) !== (walkCache === undefined) || nested.direct === 0) return SPECIALIZED.none;
  const nestedShape = shapeOf(nested.compiled);
  return nestedShape === SHAPES.Ept4 ? cached | SPECIALIZED.long4BehindEpt4
    : nestedShape === SHAPES.Npt4 ? cached | SPECIALIZED.long4BehindNpt4 : SPECIALIZED.none;
}

/** As `walk` with EFFECTS.hardware while nobody listens to walks or reads; or HANDED_OVER, and nothing has been changed. */
export function walkSpecialized(space: TranslationSpace, lo: number, hi: number, access: number): number {
  switch (space.specialized) {
    case SPECIALIZED.long4: return walkLong4(space, lo, hi, access);
    case SPECIALIZED.long4BehindEpt4: return walkLong4BehindEpt4(space, lo, hi, access);
    case SPECIALIZED.long4BehindNpt4: return walkLong4BehindNpt4(space, lo, hi, access);
    case SPECIALIZED.long5: return walkLong5(space, lo, hi, access);
    case SPECIALIZED.ept4: return walkEpt4(space, lo, hi, access);
    case SPECIALIZED.npt4: return walkNpt4(space, lo, hi, access);
    default: return walkCached(space, lo, hi, access);
  }
}

/** The same while somebody listens to reads. */
export function walkSpecializedTold(space: TranslationSpace, lo: number, hi: number, access: number): number {
  switch (space.specialized) {
    case SPECIALIZED.long4: return walkLong4Told(space, lo, hi, access);
    case SPECIALIZED.long4BehindEpt4: return walkLong4BehindEpt4Told(space, lo, hi, access);
    case SPECIALIZED.long4BehindNpt4: return walkLong4BehindNpt4Told(space, lo, hi, access);
    case SPECIALIZED.long5: return walkLong5Told(space, lo, hi, access);
    case SPECIALIZED.ept4: return walkEpt4Told(space, lo, hi, access);
    case SPECIALIZED.npt4: return walkNpt4Told(space, lo, hi, access);
    default: return walkCached(space, lo, hi, access);
  }
}

/** The walks with caches, which tell of their reads where somebody listens. */
function walkCached(space: TranslationSpace, lo: number, hi: number, access: number): number {
  switch (space.specialized) {
    case CACHED | SPECIALIZED.long4BehindEpt4: return walkLong4BehindEpt4Cached(space, lo, hi, access);
    case CACHED | SPECIALIZED.long4BehindNpt4: return walkLong4BehindNpt4Cached(space, lo, hi, access);
    case CACHED | SPECIALIZED.long4: return walkLong4Cached(space, lo, hi, access);
    case CACHED | SPECIALIZED.long5: return walkLong5Cached(space, lo, hi, access);
    default: return HANDED_OVER;
  }
}

function shapeOf(compiled: CompiledFormat): string {
  let shape = shapes.get(compiled);
  if (shape === undefined) {
    shape = walkShape(compiled);
    shapes.set(compiled, shape);
  }
  return shape;
}
