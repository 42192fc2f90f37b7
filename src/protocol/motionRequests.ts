/**
 * Requests that move the scenario in ways DAP has no request for. Each is answered at once; a `continued` event follows, and
 * a `stopped` event when the motion is over, whose `text` is a sentence where there is something to be said: at the ends
 * of history too, which are never an error.
 */
export const MOTION_REQUEST = {
  reverseStepOut: 'pagewalk/reverseStepOut',
  nextExit: 'pagewalk/nextExit',
  previousExit: 'pagewalk/previousExit',
  lastWrite: 'pagewalk/lastWrite',
  seek: 'pagewalk/seek',
  reverseToCursor: 'pagewalk/reverseToCursor',
  moments: 'pagewalk/moments',
} as const;

/**
 * `reverseStepOut`: to where the top frame was begun: the call of a procedure, the access of a handler, the line or the VM exit
 * before a procedure of a listing, the reference or the access before a walk.
 */
export interface ReverseStepOutArguments {
  readonly threadId: number;
}

/** `nextExit`, `previousExit`: to a VM exit; a breakpoint that comes first stops as well. */
export interface ExitArguments {
  readonly threadId: number;
  /** Of the thread's own CPU, or of any; left out: of its own. */
  readonly of?: 'thread' | 'any';
}

/** `lastWrite`: to the last write before the present moment. */
export interface LastWriteArguments {
  /** `SPACE:0x…`, as nodes and memory references have it; it is looked up in the tables as they stand. */
  readonly memoryReference: string;
  /** How many bytes, of one page; left out: 8. */
  readonly bytes?: number;
  /** Whose linear address it is; left out: of the thread that has come to the stop. */
  readonly threadId?: number;
}

/** A moment of the run: before step `step` (event 0), or right at its `event`-th event. */
export interface MomentOfRun {
  readonly step: number;
  readonly event: number;
}

/** `seek`: to any moment; breakpoints do not stop on the way. */
export interface SeekArguments {
  /** `start`: the first that history shows; `end`: the latest that a motion has stopped at; or a step, with an event of it. */
  readonly to: 'start' | 'end' | { readonly step: number; readonly event?: number };
}

/** `reverseToCursor`: to where a line was passed last, in a scenario, the library or a listing. A breakpoint that was passed later stops as well. */
export interface ReverseToCursorArguments {
  readonly threadId: number;
  /** A DAP `Source`. */
  readonly source: { readonly name?: string; readonly path?: string; readonly sourceReference?: number };
  readonly line: number;
  readonly column?: number;
}

/** `moments`: where in the run one stands. */
export interface MomentsResponse {
  readonly present: MomentOfRun;
  /** The first that history shows. */
  readonly first: MomentOfRun;
  /** The latest that a motion has stopped at. */
  readonly latest: MomentOfRun;
  readonly isInThePast: boolean;
}
