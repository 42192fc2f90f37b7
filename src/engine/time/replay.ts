import type { Checkpoint } from '../../hardware/state/registry';
import { Again } from './again';
import { Checkpoints, type Kept } from './checkpoints';
import type { Moment } from '../debuggee';
import type { Edit, EditedAt } from '../edits/edits';
import { Journal } from './journal';
import type { LogPoints } from '../breakpoints/logPoints';
import type { Machine } from '../machine/machine';
import { RUN } from '../interpreter/runState';
import { inSlices, LINES_A_STRETCH, STRETCH, STRIDE } from '../slices';

/** Sees the events of one step as they are numbered, from 1; true stops there. */
export type EventStop = (record: Int32Array, event: number) => boolean;

/**
 * Where a machine is in its run, and the ways to be elsewhere: one step on, back to any step by the
 * nearest checkpoint and re-execution, and to any event inside a step.
 *
 * Inside a step means: the step was executed again from its start with every kind listened to; at
 * the event a checkpoint was taken, and what the rest of the step did was put back. `anchor` is the
 * start of that step, from which it is executed again to go on.
 */
export class Replay {
  /** Events of the step stood in, up to the present one: copies. */
  records: readonly Int32Array[] = [];
  /** Steps that have been executed at some time: what happens before is no news. */
  furthest = 0;
  /** Told of each event of a step that is executed with all listened to, up to the one stood at. */
  logPoints: LogPoints | undefined;
  readonly journal: Journal;
  private readonly checkpoints: Checkpoints;
  private anchor: Checkpoint | undefined;
  /** Steps that are executed at once: fewer where a hypervisor works at nearly each of them. */
  private stretch = STRETCH;

  constructor(readonly machine: Machine, warm?: number) {
    this.journal = new Journal(machine, warm);
    this.checkpoints = new Checkpoints(machine.registry, () => machine.linesRun);
    this.checkpoints.consider(0);
  }

  /** Steps executed before the present moment. */
  get step(): number {
    return this.machine.interpreter.run.step;
  }

  /** Event of the step stood in; 0: between steps. */
  get event(): number {
    return this.records.length;
  }

  moment(): Moment {
    return { step: this.step, event: this.event };
  }

  /** The actor that does the step ahead, or the one stood in: a CPU, or a host thread. */
  get cpu(): number {
    return this.machine.interpreter.scheduler.current;
  }

  /** True when there is no further step: the run has come to its end, or the one actor that runs waits for others that stand. */
  isOver(): boolean {
    const { run, scheduler } = this.machine.interpreter;
    return this.event === 0 && (run.status !== RUN.running || scheduler.isStuck);
  }

  /** Executes one step from its start. The moment must be between steps, and the run not over. */
  execute(): void {
    this.considerCheckpoint();
    this.executeBare();
    this.machine.interpreter.holds.forgetPast();
  }

  /** Executes at least one step, and none from step `until` on; where nothing comes in between, many at once, as `Journal.advance` does. */
  advance(until: number): void {
    const { checkpoints, machine, machine: { interpreter: { holds } } } = this;
    const interval = checkpoints.intervalOnTheWay(until);
    if (!holds.isHolding) checkpoints.consider(this.step, interval);
    const before = machine.linesRun;
    this.journal.advance(until, Math.min(this.stretch, checkpoints.nextAt(interval) - this.step));
    this.stretch = machine.linesRun - before > LINES_A_STRETCH ? Math.max(STRIDE, this.stretch >> 1) : Math.min(STRETCH, 2 * this.stretch);
    if (this.step > this.furthest) this.furthest = this.step;
    holds.forgetPast();
  }

  /** Goes to the start of `step`, forward or back; not past the end of the run. */
  goTo(step: number): void {
    this.leaveStep();
    if (step < this.step) {
      this.checkpoints.restore(step);
      this.machine.reload();
      this.journal.catchUp();
    }
    while (this.step < step && !this.isOver()) this.advance(step);
  }

  /**
   * From the start of a step: executes it listening to all, up to the event that `stop` wants. True:
   * the machine stands right at that event, inside the step. False: the step is over.
   */
  enter(stop: EventStop): boolean {
    const { registry } = this.machine;
    this.considerCheckpoint();
    const anchor = registry.checkpoint();
    const records: Int32Array[] = [];
    const { step: anchorStep, cpu } = this;
    this.logPoints?.beginStep(anchorStep);
    let inside: Checkpoint | undefined;
    this.executeListening((record) => {
      if (inside !== undefined) return;
      this.logPoints?.note(record, anchorStep, cpu);
      records.push(record.slice());
      if (stop(record, records.length)) inside = registry.checkpoint();
    });
    if (inside === undefined) {
      registry.forget(anchor);
      this.logPoints?.endStep(anchorStep, cpu);
      return false;
    }
    registry.restore(inside);
    this.machine.reload();
    this.anchor = anchor;
    this.records = records;
    return true;
  }

  /** Back to the start of the step that the moment is inside of; between steps nothing is to be done. */
  leaveStep(): void {
    if (this.anchor === undefined) return;
    this.putBack(this.anchor);
    this.anchor = undefined;
    this.records = [];
  }

  /** Every event of the step that starts at the present moment, which must be between steps; nothing changes. */
  eventsAhead(): readonly Int32Array[] {
    if (this.isOver()) return [];
    const anchor = this.machine.registry.checkpoint();
    const records: Int32Array[] = [];
    this.executeListening((record) => records.push(record.slice()));
    this.putBack(anchor);
    return records;
  }

  /** The checkpoints of history, oldest first: the run can be seen again from each, by `aside`. */
  get stretches(): readonly Kept[] {
    return this.checkpoints.stretches;
  }

  /** Events of the step stood in, with those from before it was held. */
  eventsOfStep(): readonly Int32Array[] {
    return this.event === 0 ? [] : [...this.machine.interpreter.holds.eventsBefore(this.step), ...this.records];
  }

  /**
   * Has `look` see the run once more from a checkpoint of history on (left out: from the start of the step stood in, or the
   * present moment between steps), and then puts the present moment back, byte for byte. No checkpoint becomes void, nothing is said, and no hit is counted.
   */
  aside<Seen>(from: Checkpoint | undefined, look: (again: Again) => Seen): Seen {
    const putBack = this.setAside(from);
    try {
      return look(new Again(this.machine, this.journal));
    } finally {
      putBack();
    }
  }

  /** As `aside`, for a look that yields now and then; broken off, it puts the present moment back as well. */
  *asideInSlices<Seen>(from: Checkpoint, look: (again: Again) => Generator<undefined, Seen>): Generator<undefined, Seen> {
    const putBack = this.setAside(from);
    try {
      return yield* look(new Again(this.machine, this.journal));
    } finally {
      putBack();
    }
  }

  /** The checkpoint of history from which the start of `step` is come to. */
  stretchBefore(step: number): Kept {
    const { stretches } = this;
    let index = stretches.length - 1;
    while (index > 0 && stretches[index]!.step > step) index--;
    return stretches[index]!;
  }

  /** As `goTo`, in slices; false when a pause has broken it off on the way. */
  *travel(step: number, isPauseAsked: () => boolean): Generator<undefined, boolean> {
    if (step < this.step) this.goTo(this.checkpointBefore(step));
    else this.leaveStep();
    return yield* inSlices({ step: () => this.step, isThere: () => this.step >= step || this.isOver(), advance: () => { this.advance(step); } }, isPauseAsked);
  }

  /**
   * Changes the machine at the present moment, for this run and however often it is taken again: what lay behind the moment is
   * no more. `refused`: why not, as a sentence, and nothing has changed. `dropped`: steps and edits that are no more.
   */
  edit(edit: Edit): { readonly refused: string } | { readonly dropped: { readonly steps: number; readonly edits: number } } {
    const { journal } = this;
    const moment = this.moment();
    const at = this.editedAt;
    // Who is to run is decided where nobody can, too.
    const refused = (edit.kind === 'schedule' ? this.whyHeld() : this.whyNoEdit()) ?? journal.tryOut(edit, at);
    if (refused !== undefined) return { refused };
    const edits = journal.add(moment, edit);
    if (at === 'between steps') journal.noteMade();
    else this.enterAgain(moment.event);
    const steps = Math.max(0, this.furthest - this.news);
    this.furthest = this.news;
    return { dropped: { steps, edits } };
  }

  get editedAt(): EditedAt {
    return this.event === 0 ? 'between steps' : 'inside a step';
  }

  /** Why nothing can be edited at the present moment: a held access is executed again from a beginning of its own, which knows nothing of edits. */
  whyNoEdit(): string | undefined {
    return this.isOver() ? 'The run has come to its end here, and nothing would come of an edit: step back, and edit there.' : this.whyHeld();
  }

  private whyHeld(): string | undefined {
    if (this.event === 0) return undefined;
    const { holds } = this.machine.interpreter;
    const isHeld = holds.isGoingOn(this.step) || holds.isArmed(this.cpu);
    return isHeld ? 'This instruction is one that is held inside itself: step out to the next statement, or back to this one, and edit there.' : undefined;
  }

  /** The first step that has not been executed, if nothing behind the present moment has. */
  get news(): number {
    return this.step + (this.event > 0 ? 1 : 0);
  }

  /** Step of the newest checkpoint at or before `step`. */
  checkpointBefore(step: number): number {
    return this.checkpoints.before(step);
  }

  private setAside(from: Checkpoint | undefined): () => void {
    const { machine } = this;
    const { registry, interpreter: { holds } } = machine;
    const putHoldsBack = holds.setAside();
    const here = registry.checkpoint();
    const { furthest } = this;
    this.furthest = Infinity;
    const start = from ?? this.anchor;
    if (start !== undefined) registry.rewrite(start);
    machine.reload();
    return () => {
      machine.bus.silence();
      this.putBack(here);
      putHoldsBack();
      this.furthest = furthest;
    };
  }

  private executeListening(listener: (record: Int32Array) => void): void {
    const { bus, interpreter: { holds } } = this.machine;
    this.machine.forgetDerived();
    bus.listen(listener, 'all');
    // The way back may lead into the middle of a held step that this one ends.
    holds.executes = 'tentatively';
    this.executeBare();
    holds.executes = 'for good';
    bus.silence();
  }

  /** The step stood in is executed again from its start, with an edit that was not in it, up to the same event. */
  private enterAgain(event: number): void {
    this.leaveStep();
    if (!this.enter((_, at) => at === event)) throw new Error('invariant: a step executed again does not come to the event that it was edited at');
  }

  /** While an access is held, what it knows is in no checkpoint: history is taken up before that. */
  private considerCheckpoint(): void {
    if (!this.machine.interpreter.holds.isHolding) this.checkpoints.consider(this.step);
  }

  private executeBare(): void {
    this.journal.execute();
    if (this.step > this.furthest) this.furthest = this.step;
  }

  private putBack(anchor: Checkpoint): void {
    this.machine.registry.restore(anchor);
    this.machine.registry.forget(anchor);
    this.machine.reload();
  }
}
