import type { Again } from '../time/again';
import type { Breakpoints } from './breakpoints';
import type { LogPoints } from './logPoints';
import { LookedAtSteps, watchOf } from './lookedAtSteps';
import type { Replay } from '../time/replay';
import { STRIDE } from '../slices';
import type { StraightWatch } from '../straight/straightWatch';

const NO_KINDS: ReadonlySet<number> = new Set();

/**
 * Goes over the part of history in which hits are not known yet, as of a breakpoint with a hit condition that was set late, or
 * whose part motions have passed that do not look at breakpoints. Nothing is said there, and nothing stops.
 */
export class HitCounting {
  private union: Readonly<Record<'ofBreakpoints' | 'ofLogPoints' | 'all', ReadonlySet<number>>> = { ofBreakpoints: NO_KINDS, ofLogPoints: NO_KINDS, all: NO_KINDS };

  /** How steps are looked at under the watch of the last one. */
  private looked: { readonly watch: StraightWatch | undefined; readonly steps: LookedAtSteps } | undefined;
  private watches: Readonly<Record<'ofBreakpoints' | 'ofLogPoints' | 'both', StraightWatch | undefined>> | undefined;

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

  /** Executes at least one step and none from step `until` on, and counts what is hit in them and at their start: as many at once as there is nothing to look at. */
  pass(until: number): void {
    const { replay } = this;
    this.countIn(() => { replay.advance(until); }, () => { replay.execute(); });
  }

  /** Executes one step, and counts what is hit in it and at its start. */
  countStep(): void {
    this.countIn(undefined, () => { this.replay.execute(); });
  }

  /** What a run past all breakpoints and log points has to mind: the same object until one of them changes. */
  get watch(): StraightWatch | undefined {
    const { breakpoints: { watch: ofBreakpoints }, logPoints: { watch: ofLogPoints } } = this;
    if (this.watches === undefined || this.watches.ofBreakpoints !== ofBreakpoints || this.watches.ofLogPoints !== ofLogPoints) {
      this.watches = { ofBreakpoints, ofLogPoints, both: watchOf(this.replay, [this.breakpoints, this.logPoints]) };
    }
    return this.watches.both;
  }

  private *countBetween(again: Again, from: number, until: number): Generator<undefined, boolean> {
    again.begin();
    if (!(yield* again.travel(from, this.isPauseAsked))) return false;
    for (let looked = from; again.step < until && !again.isOver;) {
      this.countIn(() => { again.advance(until); }, () => { again.execute(); });
      if (again.step - looked < STRIDE) continue;
      looked = again.step;
      yield undefined;
      if (this.isPauseAsked()) return false;
    }
    return true;
  }

  /** Kinds that either wants: put together again when one of the two has changed. */
  get kinds(): ReadonlySet<number> {
    const { breakpoints: { kinds: ofBreakpoints }, logPoints: { kinds: ofLogPoints } } = this;
    if (this.union.ofBreakpoints !== ofBreakpoints || this.union.ofLogPoints !== ofLogPoints) {
      this.union = { ofBreakpoints, ofLogPoints, all: new Set([...ofBreakpoints, ...ofLogPoints]) };
    }
    return this.union.all;
  }

  /** `advance`: executes steps where most go by unseen; `execute`: one that is looked at. */
  private countIn(advance: (() => void) | undefined, execute: () => void): void {
    const { replay, breakpoints, logPoints } = this;
    if (breakpoints.isEmpty && logPoints.isEmpty) {
      (advance ?? execute)();
      return;
    }
    const watch = advance === undefined ? undefined : this.watch;
    const { step, cpu, machine, journal } = replay;
    breakpoints.countStatement(step, cpu);
    if (this.looked === undefined || this.looked.watch !== watch) this.looked = { watch, steps: this.stepsUnder(watch) };
    const { steps } = this.looked;
    const { kinds } = this;
    if (kinds.size > 0) machine.bus.listen(steps.listener, kinds);
    if (watch !== undefined) journal.watch(watch);
    steps.pass(watch === undefined ? execute : advance!);
    if (kinds.size > 0) machine.bus.silence();
    journal.watch();
    this.wentOver(step, Math.max(step + 1, replay.step));
  }

  private stepsUnder(watch: StraightWatch | undefined): LookedAtSteps {
    const { replay, breakpoints, logPoints } = this;
    return new LookedAtSteps(replay, watch, {
      beginStep: (step, seen) => {
        breakpoints.beginStep(step, seen);
        logPoints.beginStep(step);
      },
      noteEvent: (record, step, cpu) => {
        const verdict = breakpoints.matchEvent(record, cpu);
        if (verdict !== undefined) breakpoints.countHits(verdict, step);
        logPoints.note(record, step, cpu);
        return breakpoints.isWaiting || logPoints.breakpoints.isWaiting;
      },
      endStep: (step, cpu) => {
        const verdict = breakpoints.endStep(cpu);
        if (verdict !== undefined) breakpoints.countHits(verdict, step);
        logPoints.endStep(step, cpu);
      },
    });
  }

  /** A motion has noted all hits from step `from` to before step `to`. */
  wentOver(from: number, to: number): void {
    this.breakpoints.hits.wentOver(from, to);
    this.logPoints.breakpoints.hits.wentOver(from, to);
  }
}
