import type { Debuggee, Motion, Stop } from '../engine/debuggee';

/** How long the host is kept busy at a time; well below the 100 ms in which a pause must answer. */
const SLICE_MILLISECONDS = 10;

/**
 * Runs the debuggee in slices with a turn of the event loop between them, so that pause, disconnect
 * and every other request are served while a scenario runs.
 */
export class MotionDriver {
  private running: { debuggee: Debuggee } | undefined;

  /**
   * `afterSlice` sees each slice's end (output); `done` the stop, once; `failed` what a slice threw.
   * None is called in the caller's own turn: the response to the request goes out first.
   */
  constructor(
    private readonly afterSlice: () => void,
    private readonly done: (stop: Stop, motion: Motion) => void,
    private readonly failed: (problem: unknown) => void,
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  start(debuggee: Debuggee, motion: Motion, cpu: number): void {
    const own = { debuggee };
    this.running = own;
    debuggee.start(motion, cpu);
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
      if (stop === undefined) {
        setTimeout(turn, 0);
        return;
      }
      this.running = undefined;
      this.done(stop, motion);
    };
    setTimeout(turn, 0);
  }

  /** The running motion ends with a `pause` stop at its next instruction. */
  pause(): void {
    this.running?.debuggee.pause();
  }

  /** Nothing more is heard of the running motion. */
  abandon(): void {
    this.running = undefined;
  }
}
