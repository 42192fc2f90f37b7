import type { Debuggee, Motion, Stop, Who } from '../engine/debuggee';
import { motionRow } from './motionRows';
import { nextTurn } from './nextTurn';

/** How long the host is kept busy at a time; well below the 100 ms in which a pause must answer. */
const SLICE_MILLISECONDS = 10;

/**
 * Runs the debuggee in slices with a turn of the event loop between them, so that pause, disconnect
 * and every other request are served while a scenario runs.
 */
export class MotionDriver {
  private running: { readonly debuggee: Debuggee; readonly motion: Motion; isPauseAsked: boolean } | undefined;
  /** Changes that wait for the running motion to stand still. */
  private waiting: (() => void)[] = [];

  /**
   * `soon` has a motion's first slice run once the request for it is answered; `afterSlice` sees each slice's end (output); `done`
   * the stop, once; `failed` what a slice threw.
   */
  constructor(
    private readonly soon: (slice: () => void) => void,
    private readonly afterSlice: () => void,
    private readonly done: (stop: Stop, motion: Motion) => void,
    private readonly failed: (problem: unknown) => void,
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  start(debuggee: Debuggee, motion: Motion, cpu: number, who: Who = 'all'): void {
    const own = { debuggee, motion, isPauseAsked: false };
    this.running = own;
    debuggee.start(motion, cpu, who);
    const turn = (): void => {
      if (this.running !== own) return;
      let stop: Stop | undefined;
      try {
        const end = performance.now() + SLICE_MILLISECONDS;
        stop = debuggee.slice(() => performance.now() >= end);
        this.afterSlice();
      } catch (problem) {
        this.running = undefined;
        this.failed(problem);
        return;
      }
      const hasChanged = this.makeChanges(stop);
      // A change may have been the end of it.
      if (this.running !== own) return;
      const isInterrupted = hasChanged && stop?.kind === 'pause' && !own.isPauseAsked;
      if (isInterrupted) debuggee.start(motion, cpu, who);
      if (isInterrupted || stop === undefined) {
        nextTurn(turn);
        return;
      }
      this.running = undefined;
      this.done(stop, motion);
    };
    this.soon(turn);
  }

  /** The running motion ends with a `pause` stop at its next instruction. */
  pause(): void {
    if (this.running === undefined) return;
    this.running.isPauseAsked = true;
    this.running.debuggee.pause();
  }

  /**
   * Makes a change that a debuggee takes only at rest. A motion that runs to a place or a breakpoint is halted for it, unseen,
   * and goes on; a step, which would begin elsewhere then, has the change when it is over.
   */
  whenStill(change: () => void): void {
    if (this.running === undefined) {
      change();
      return;
    }
    this.waiting.push(change);
    const { motion, debuggee } = this.running;
    if (motionRow(motion).isStep !== true) debuggee.pause();
  }

  /** Nothing more is heard of the running motion. */
  abandon(): void {
    this.running = undefined;
    this.waiting = [];
  }

  /** True when changes had waited for this stop. */
  private makeChanges(stop: Stop | undefined): boolean {
    if (stop === undefined || this.waiting.length === 0) return false;
    for (const change of this.waiting.splice(0)) change();
    return true;
  }
}
