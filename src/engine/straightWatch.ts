/** What straight code has to mind while others look at where a run comes by. */
export interface StraightWatch {
  /** Instructions that are looked at before they run: straight code ends before each, and it is executed alone. */
  readonly instructions: ReadonlySet<number>;
  /** Whether events may be listened to: then each is told on the machine as it stands right there. */
  readonly isHeard: boolean;
  /** Straight code ends where it has come down to a frame at this depth; left out: it ends at none. */
  readonly floor?: number;
}

/** Nobody looks, and nobody listens but to `SINGLE_STEP_KINDS`. */
export const UNWATCHED: StraightWatch = { instructions: new Set(), isHeard: false };

/** What all of them have to mind together; undefined when one has to look at every step. */
export function joinedWatch(watches: readonly (StraightWatch | undefined)[]): StraightWatch | undefined {
  const instructions = new Set<number>();
  let isHeard = false;
  for (const watch of watches) {
    if (watch === undefined) return undefined;
    for (const instruction of watch.instructions) instructions.add(instruction);
    isHeard ||= watch.isHeard;
  }
  return { instructions, isHeard };
}

/** Watches of the same key have the same code. */
export function watchKey({ instructions, isHeard }: StraightWatch): string {
  return `${isHeard ? 'heard' : 'unheard'} ${[...instructions].sort((a, b) => a - b).join(' ')}`;
}
