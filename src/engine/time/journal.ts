import { eventKinds } from '../../hardware/events/eventTable';
import type { Checkpoint } from '../../hardware/state/registry';
import type { Moment } from '../debuggee';
import { applyEdit, type Edit, type EditedAt } from '../edits/edits';
import type { Machine } from '../machine/machine';
import { MOST_BEYOND, StraightLine } from '../straight/straightLine';
import { NO_FLOOR, UNWATCHED, type StraightWatch } from '../straight/straightWatch';

interface Entry {
  readonly moment: Moment;
  readonly edit: Edit;
}

const allKinds = eventKinds.map((_, kind) => kind);

/**
 * What a person has changed, by the moments at which it was changed: with scenario and settings, all that a run is a
 * function of. Whoever executes steps of a run executes them here, so that each edit is made again where it was made.
 *
 * How many edits a machine has had is state of the machine: each checkpoint knows how many it has in it, and time that goes
 * back takes them back. An edit between two steps belongs to the moment at which a run comes there; one inside a step to
 * its event, which is told of with the edit made.
 */
export class Journal {
  private entries: Entry[] = [];
  /** How many of the entries the machine has had by now. */
  private readonly made: Float64Array;
  private readonly straight: StraightLine;

  constructor(private readonly machine: Machine, warm?: number) {
    this.made = machine.registry.numbers('edits', 1);
    this.straight = new StraightLine(machine, warm);
  }

  /** What `advance` has to mind from here on; left out: nothing. It goes no further than where it has come down to a frame at depth `floor`. */
  watch(watch: StraightWatch = UNWATCHED, floor = NO_FLOOR): void {
    this.straight.watch(watch, floor);
  }

  /** By whoever hears of an event while steps are executed by `advance`: none is behind the one that it is of. */
  stopBehindStep(): void {
    this.straight.stopBehindStep();
  }

  /** All that a person has changed in this run: behind the present moment, and still to come. Who runs alone is no change to see. */
  get count(): number {
    return changes(this.entries);
  }

  /** Whether the machine has been edited at a moment, of those behind it. */
  isEdited({ step, event }: Moment): boolean {
    return this.entries.some(({ moment, edit }) => edit.kind !== 'schedule' && moment.step === step && moment.event === event);
  }

  /** Does the step ahead, with the edits inside it, and makes those of the moment that it leads to. */
  execute(): void {
    const { interpreter } = this.machine;
    const due = this.due();
    if (due === undefined) return interpreter.step();
    if (due.moment.step === interpreter.run.step) this.executeEdited();
    else interpreter.step();
    this.catchUp();
  }

  /**
   * Executes at least one step, and none from step `until` on: where nothing comes in between, soon more than `most` of them at once.
   * None of them lies behind an instruction that the watch names, nor behind a step that somebody wants to stop behind. Without
   * a watch that allows it nobody may be listening but to `SINGLE_STEP_KINDS`, of which only a step that is executed alone tells.
   */
  advance(until: number, most = Infinity): void {
    const { interpreter } = this.machine;
    const next = this.due()?.moment.step ?? Infinity;
    const stretch = Math.min(Math.min(until, next) - interpreter.run.step - MOST_BEYOND, most);
    if (stretch <= 0 || interpreter.holds.isHolding) this.execute();
    else this.straight.run(stretch);
  }

  /** A machine has come to a moment between two steps, by a checkpoint or by a step: makes the edits of that moment that it has not had. */
  catchUp(): void {
    for (let due = this.due(); due !== undefined && due.moment.event === 0 && due.moment.step === this.machine.interpreter.run.step; due = this.due()) {
      this.make(due, 'between steps');
    }
  }

  /** Makes an edit to see whether it can be made: undefined, and it has been made, or why not, as a sentence, and nothing has changed. */
  tryOut(edit: Edit, at: EditedAt): string | undefined {
    const { registry } = this.machine;
    const before = registry.checkpoint();
    const refusal = applyEdit(this.machine, edit, at);
    if (refusal !== undefined) this.putBack(before);
    else registry.forget(before);
    return refusal;
  }

  /** Notes an edit of the present moment, which has been made. Those that lay behind it are no more; gives how many they were. */
  add(moment: Moment, edit: Edit): number {
    const made = this.made[0]!;
    const dropped = changes(this.entries.slice(made));
    this.entries.length = made;
    this.entries.push({ moment, edit });
    return dropped;
  }

  /** Between two steps: the newest entry has been made. */
  noteMade(): void {
    this.made[0] = this.entries.length;
  }

  private due(): Entry | undefined {
    return this.made[0] === this.entries.length ? undefined : this.entries[this.made[0]!];
  }

  private make(entry: Entry, at: EditedAt): void {
    const refusal = applyEdit(this.machine, entry.edit, at);
    if (refusal !== undefined) throw new Error(`invariant: an edit that could be made cannot be made again: ${refusal}`);
    this.made[0]!++;
  }

  /** Every event is looked at, whoever listens, since edits are by their numbers. */
  private executeEdited(): void {
    const { bus, interpreter } = this.machine;
    const { step } = interpreter.run;
    let event = 0;
    this.machine.forgetDerived();
    bus.divert((record, pass) => {
      event++;
      for (let due = this.due(); due !== undefined && due.moment.step === step && due.moment.event === event; due = this.due()) this.make(due, 'inside a step');
      pass(record);
    }, allKinds);
    interpreter.step();
    bus.undivert();
  }

  private putBack(before: Checkpoint): void {
    const { registry } = this.machine;
    registry.restore(before);
    registry.forget(before);
    this.machine.reload();
  }
}

function changes(entries: readonly Entry[]): number {
  return entries.filter(({ edit }) => edit.kind !== 'schedule').length;
}
