/** Steps between two looks at the clock, and at whether a pause is asked for. */
export const STRIDE = 256;
/** The same where nobody looks into what is executed: far below a millisecond. */
export const STRETCH = 8192;
/** Lines of listings that such a stretch should not go far beyond: a few milliseconds. */
export const LINES_A_STRETCH = 2048;

/** A run that is taken to a step. */
export interface Passage {
  /** The step that it has come to. */
  readonly step: () => number;
  /** It is where it should be, or cannot go on. */
  readonly isThere: () => boolean;
  /** At least one step, and none beyond. */
  readonly advance: () => void;
}

/** Takes a run there in slices; false when a pause has broken it off on the way. */
export function* inSlices({ step, isThere, advance }: Passage, isPauseAsked: () => boolean): Generator<undefined, boolean> {
  for (let looked = step(); !isThere();) {
    advance();
    if (step() - looked < STRIDE) continue;
    looked = step();
    yield undefined;
    if (isPauseAsked()) return false;
  }
  return true;
}
