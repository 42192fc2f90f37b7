import type { CompiledFormat } from '../compiledFormat';
import type { TranslationSpace } from '../translationSpace';
import { HANDED_OVER } from './walkEndings';
import {
  SHAPES, walkEpt4, walkLong4, walkLong4BehindEpt4, walkLong4BehindNpt4, walkLong5, walkNpt4,
} from './walks';
import { walkShape } from './walkShape';

/** The generated walks. */
export const SPECIALIZED = { none: 0, long4: 1, long5: 2, ept4: 3, npt4: 4, long4BehindEpt4: 5, long4BehindNpt4: 6 } as const;

/** Shapes are made once a compiled format: they are asked for at every change of a register. */
const shapes = new WeakMap<CompiledFormat, string>();

/**
 * The generated walk of a space, a `SPECIALIZED`. It stands for `walk` as long as the space's format, nested space and
 * tables stay: whoever changes one of them asks again. With caches of paging structures there is none.
 */
export function specializedWalkOf(space: TranslationSpace): number {
  const { nested, compiled, walkCache } = space;
  if (walkCache !== undefined) return SPECIALIZED.none;
  const shape = shapeOf(compiled);
  if (nested === undefined) {
    if (space.direct === 0) return SPECIALIZED.none;
    return shape === SHAPES.Long4 ? SPECIALIZED.long4 : shape === SHAPES.Long5 ? SPECIALIZED.long5
      : shape === SHAPES.Ept4 ? SPECIALIZED.ept4 : shape === SHAPES.Npt4 ? SPECIALIZED.npt4 : SPECIALIZED.none;
  }
  if (shape !== SHAPES.Long4 || nested.walkCache !== undefined || nested.direct === 0) return SPECIALIZED.none;
  const nestedShape = shapeOf(nested.compiled);
  return nestedShape === SHAPES.Ept4 ? SPECIALIZED.long4BehindEpt4
    : nestedShape === SHAPES.Npt4 ? SPECIALIZED.long4BehindNpt4 : SPECIALIZED.none;
}

/** As `walk` with EFFECTS.hardware while nobody listens to walks; or HANDED_OVER, and nothing has been changed. */
export function walkSpecialized(space: TranslationSpace, lo: number, hi: number, access: number): number {
  switch (space.specialized) {
    case SPECIALIZED.long4: return walkLong4(space, lo, hi, access);
    case SPECIALIZED.long4BehindEpt4: return walkLong4BehindEpt4(space, lo, hi, access);
    case SPECIALIZED.long4BehindNpt4: return walkLong4BehindNpt4(space, lo, hi, access);
    case SPECIALIZED.long5: return walkLong5(space, lo, hi, access);
    case SPECIALIZED.ept4: return walkEpt4(space, lo, hi, access);
    case SPECIALIZED.npt4: return walkNpt4(space, lo, hi, access);
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
