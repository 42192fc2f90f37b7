import type { Checkpoint } from '../../hardware/state/registry';
import type { Moment } from '../debuggee';
import type { Journal } from './journal';
import type { Machine } from '../machine/machine';
import { RUN } from '../interpreter/runState';
import { inSlices, STRETCH } from '../slices';

/** A stretch of the run that is executed once more only to be looked at: what `Replay.aside` gives. */
export class Again {
  private readonly start: Checkpoint;

  constructor(readonly machine: Machine, private readonly journal: Journal) {
    this.start = machine.registry.checkpoint();
  }

  get step(): number {
    return this.machine.interpreter.run.step;
  }

  /** The actor that does the step ahead. */
  get actor(): number {
    return this.machine.interpreter.scheduler.current;
  }

  get isOver(): boolean {
    return this.machine.interpreter.run.status !== RUN.running;
  }

  /** Makes the edits of the first moment: to be called before anything else. */
  begin(): void {
    this.journal.catchUp();
  }

  /** Back to where the stretch began, edits of that moment included; or to a moment behind it that was marked, of which later marks are void. */
  rewind(mark = this.start): void {
    this.machine.registry.restore(mark);
    this.machine.reload();
    this.begin();
  }

  /** Marks the present moment, to come back to. */
  mark(): Checkpoint {
    return this.machine.registry.checkpoint();
  }

  /** Gives a mark up. */
  unmark(mark: Checkpoint): void {
    this.machine.registry.forget(mark);
  }

  /** Whether a person has edited the machine at a moment. */
  isEdited(moment: Moment): boolean {
    return this.journal.isEdited(moment);
  }

  /** Executes the step ahead; the run must not be over. */
  execute(): void {
    this.journal.execute();
  }

  /** Executes at least one step, and none from step `until` on; where nothing comes in between, some thousands at once. */
  advance(until: number): void {
    this.journal.advance(until, STRETCH);
  }

  /** To the start of `step`, which lies ahead. */
  goTo(step: number): void {
    while (this.step < step && !this.isOver) this.journal.advance(step);
  }

  /** The same in slices; false when a pause has broken it off. */
  *travel(step: number, isPauseAsked: () => boolean): Generator<undefined, boolean> {
    return yield* inSlices({ step: () => this.step, isThere: () => this.step >= step || this.isOver, advance: () => { this.advance(step); } }, isPauseAsked);
  }

  /** Executes the step ahead, and has `listener` told of each event of it. */
  executeListening(listener: (record: Int32Array) => void): void {
    const { bus } = this.machine;
    this.machine.forgetDerived();
    bus.listen(listener, 'all');
    this.execute();
    bus.silence();
  }
}
