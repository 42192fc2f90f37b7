import type { Again } from './again';
import type { Breakpoints } from './breakpoints';
import type { LogPoints } from './logPoints';
import type { Replay } from './replay';
import { STRIDE } from './slices';

const NO_KINDS: ReadonlySet<number> = new Set();

/**
 * Goes over the part of history in which hits are not known yet, as of a breakpoint with a hit condition that was set late, or
 * whose part motions have passed that do not look at breakpoints. Nothing is said there, and nothing stops.
 */
export class HitCounting {
  private union: Readonly<Record<'ofBreakpoints' | 'ofLogPoints' | 'all', ReadonlySet<number>>> = { ofBreakpoints: NO_KINDS, ofLogPoints: NO_KINDS, all: NO_KINDS };

  constructor(
    private readonly replay: Replay,
    private readonly breakpoints: Breakpoints,
    private readonly logPoints: LogPoints,
    private readonly isPauseAsked: () => boolean,
  ) {}

  /** Until all hits before the present moment are known; false when a pause broke it off. The moment is the same afterwards. */
  *catchUp(): Generator<undefined, boolean> {
    const { replay } = this;
    const until = replay.step;
    const from = Math.min(this.breakpoints.hits.through, this.logPoints.breakpoints.hits.through);
    if (from >= until) return true;
    return yield* replay.asideInSlices(replay.stretchBefore(from).checkpoint, (again) => this.countBetween(again, from, until));
  }

  /** Executes one step, and counts what is hit in it and at its start; where there is nothing to count or to say, as many as there are up to step `until`. */
  pass(until: number): void {
    if (this.breakpoints.isEmpty && this.logPoints.isEmpty) this.replay.advance(until);
    else this.countStep();
  }

  /** Executes one step, and counts what is hit in it and at its start. */
  countStep(): void {
    this.countIn(() => { this.replay.execute(); });
  }

  private *countBetween(again: Again, from: number, until: number): Generator<undefined, boolean> {
    again.begin();
    if (!(yield* again.travel(from, this.isPauseAsked))) return false;
    for (let steps = 1; again.step < until && !again.isOver; steps++) {
      this.countIn(() => { again.execute(); });
      if (steps % STRIDE !== 0) continue;
      yield undefined;
      if (this.isPauseAsked()) return false;
    }
    return true;
  }

  private readonly listener = (record: Int32Array): void => {
    const { replay, breakpoints, logPoints } = this;
    const { step, cpu } = replay;
    const verdict = breakpoints.matchEvent(record, cpu);
    if (verdict !== undefined) breakpoints.countHits(verdict, step);
    logPoints.note(record, step, cpu);
  };

  /** Kinds that either wants: put together again when one of the two has changed. */
  private wanted(): ReadonlySet<number> {
    const { breakpoints: { kinds: ofBreakpoints }, logPoints: { kinds: ofLogPoints } } = this;
    if (this.union.ofBreakpoints !== ofBreakpoints || this.union.ofLogPoints !== ofLogPoints) {
      this.union = { ofBreakpoints, ofLogPoints, all: new Set([...ofBreakpoints, ...ofLogPoints]) };
    }
    return this.union.all;
  }

  private countIn(execute: () => void): void {
    const { replay, breakpoints, logPoints } = this;
    if (breakpoints.isEmpty && logPoints.isEmpty) {
      execute();
      return;
    }
    const { step, cpu, machine } = replay;
    breakpoints.countStatement(step, cpu);
    breakpoints.beginStep(step);
    logPoints.beginStep(step);
    const kinds = this.wanted();
    if (kinds.size > 0) machine.bus.listen(this.listener, kinds);
    execute();
    if (kinds.size > 0) machine.bus.silence();
    const verdict = breakpoints.endStep(cpu);
    if (verdict !== undefined) breakpoints.countHits(verdict, step);
    logPoints.endStep(step, cpu);
    this.wentOver(step, step + 1);
  }

  /** A motion has noted all hits from step `from` to before step `to`. */
  wentOver(from: number, to: number): void {
    this.breakpoints.hits.wentOver(from, to);
    this.logPoints.breakpoints.hits.wentOver(from, to);
  }
}
