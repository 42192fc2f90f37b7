import { KIND } from '../../hardware/events/eventTable';
import type { AddressSpace } from '../questions/addressPlace';
import { entryName } from '../../hardware/events/eventText';
import { INSTRUCTION_WORDS, OP, type Fragment, type Program } from '../../language/program';
import { pairToBigInt } from '../arithmetic';
import { Breakpoints } from '../breakpoints/breakpoints';
import { whyNoJump } from '../edits/editJump';
import { editableBytes, hasBeenRead } from '../edits/editMemory';
import { whyNoRegister, type Edit } from '../edits/edits';
import type {
  ChangeBreakpoint, Debuggee, EditOutcome, EventBreakpoint, EventView, Frame, LastAccess, LastWrite, ListingBreakpoint, LogPoint, Moment, Motion, NamedValue,
  Outcome, OutputLine, StatementBreakpoint, StepTarget, Stop, Who,
} from '../debuggee';
import { viewEvent } from '../eventView';
import type { GuestFrame } from '../interpreter/guestStack';
import { HitCounting } from '../breakpoints/hitCounting';
import { lastWriter } from './lastWriter';
import { LogPoints } from '../breakpoints/logPoints';
import type { Machine } from '../machine/machine';
import type { Moving } from './motions';
import { MotionTable, isBackward } from './motionTable';
import { outcomeOf } from '../run/outcome';
import { Replay } from './replay';
import { techniqueText } from '../machine/runningVm';
import { RUN } from '../interpreter/runState';
import { comingStep, statementSteps, stepAt, type StatementStep } from './statementSteps';
import { ACTOR_STATE, NOBODY } from '../schedule/scheduler';
import { describeFrame, foldFrames, type FrameNames } from './stepFrames';
import { stepTargets } from './stepTargets';
import { evaluate, type Watched } from '../questions/watch';
import { inSlices } from '../slices';

/** A scenario on a machine, with time that runs both ways. */
export class Timeline implements Debuggee {
  readonly cpus: number;
  readonly threads: readonly string[];
  readonly listings: ReadonlyMap<string, string>;
  private readonly replay: Replay;
  private readonly breakpoints: Breakpoints;
  private readonly logPoints: LogPoints;
  private readonly counting: HitCounting;
  private readonly motions: MotionTable;
  private readonly output: OutputLine[] = [];
  private moving: Moving | undefined;
  private isPauseAsked = false;
  /** The latest moment that a motion has stopped at. */
  private latest: Moment = { step: 0, event: 0 };
  /** Events of the last access, by the moment they were asked for. */
  private access: { readonly at: string; readonly found: LastAccess | undefined } | undefined;
  /** First step that history shows; undefined before boot has been run through. */
  private origin: number | undefined;
  private eventBreakpoints: readonly EventBreakpoint[] = [];
  private listingBreakpoints: readonly ListingBreakpoint[] = [];

  constructor(readonly machine: Machine, warm?: number) {
    this.cpus = machine.processors.length;
    this.threads = machine.program.actors.map(({ name }) => name);
    this.listings = new Map(machine.listings.map((listing) => [listing.name, listing.lines.map((line) => line.text).join('\n') + '\n']));
    this.replay = new Replay(machine, warm);
    this.breakpoints = new Breakpoints(machine);
    this.logPoints = new LogPoints(machine, (line) => { this.output.push(line); });
    this.replay.logPoints = this.logPoints;
    const isPauseAsked = (): boolean => this.isPauseAsked;
    this.counting = new HitCounting(this.replay, this.breakpoints, this.logPoints, isPauseAsked);
    const origin = (): number => this.origin ?? 0;
    const latest = (): Moment => this.latest;
    this.motions = new MotionTable(this.replay, this.breakpoints, this.counting, {
      get origin() { return origin(); }, get latest() { return latest(); }, isPauseAsked,
    });
    machine.interpreter.say = (category, text, statement) => {
      if (this.replay.step < this.replay.furthest) return;
      const { range } = this.program.statements[statement]!;
      this.output.push({ category, text, path: this.program.files[range.file]!.path, line: range.line + 1 });
    };
  }

  get program(): Program {
    return this.machine.program;
  }

  get technique(): string {
    return techniqueText(this.machine.vms);
  }

  setStatementBreakpoints(breakpoints: readonly StatementBreakpoint[]): void {
    this.breakpoints.setStatements(breakpoints);
  }

  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): void {
    this.eventBreakpoints = breakpoints;
    this.breakpoints.setEvents(breakpoints, this.listingBreakpoints);
  }

  setListingBreakpoints(breakpoints: readonly ListingBreakpoint[]): void {
    this.listingBreakpoints = breakpoints;
    this.breakpoints.setEvents(this.eventBreakpoints, breakpoints);
  }

  setChangeBreakpoints(breakpoints: readonly ChangeBreakpoint[]): void {
    this.breakpoints.setChanges(breakpoints);
  }

  setLogPoints(points: readonly LogPoint[]): void {
    this.logPoints.set(points);
  }

  showBoot(): void {
    this.beginHistory(0);
  }

  start(motion: Motion, cpu: number, who: Who = 'all'): void {
    this.isPauseAsked = false;
    this.moving?.return({ kind: 'pause' });
    this.moving = this.origin === undefined ? this.bootThen(motion, cpu, who) : this.counted(motion, cpu, who);
  }

  slice(expired: () => boolean): Stop | undefined {
    const { moving } = this;
    if (moving === undefined) throw new Error('invariant: no motion is under way');
    do {
      const next = moving.next();
      if (next.done === true) {
        this.moving = undefined;
        this.logPoints.isSpeaking = false;
        if (!this.isInThePast()) this.latest = this.replay.moment();
        return next.value;
      }
    } while (!expired());
    return undefined;
  }

  pause(): void {
    this.isPauseAsked = true;
  }

  moment(): Moment {
    return this.replay.moment();
  }

  history(): { readonly first: Moment; readonly latest: Moment } {
    return { first: { step: this.origin ?? 0, event: 0 }, latest: this.isInThePast() ? this.latest : this.moment() };
  }

  isInThePast(): boolean {
    const { step, event } = this.replay.moment();
    return step < this.latest.step || (step === this.latest.step && event < this.latest.event);
  }

  stepTargets(cpu: number): readonly StepTarget[] {
    return stepTargets(this.replay, cpu);
  }

  frames(cpu: number): readonly Frame[] {
    const guest = this.guestFrames(cpu);
    const records = this.eventsInStep(cpu);
    if (records.length === 0) return guest;
    const top = guest[0];
    const names: FrameNames = {
      program: this.program,
      statement: top !== undefined && 'statement' in top ? top.statement : -1,
      levelName: (space, level) => entryName(space, level) ?? `level ${level}`,
      listing: (number) => this.machine.listing(number),
    };
    const inStep = foldFrames(records).map((frame) => describeFrame(frame, cpu, names));
    return [...inStep.reverse(), ...guest];
  }

  get actor(): number {
    return this.replay.cpu;
  }

  eventsOfStep(): readonly EventView[] {
    return this.replay.records.map(viewEvent);
  }

  statementSteps(thread?: number, most?: number): readonly StatementStep[] {
    return statementSteps(this.replay, thread, most);
  }

  knownStep(step: number): StatementStep | undefined {
    // Boot is not shown while it is still to come.
    if (this.origin === undefined || step < this.origin) return undefined;
    const coming = step < this.replay.step ? undefined : comingStep(this.replay, step);
    return coming ?? (step > this.history().latest.step ? undefined : stepAt(this.replay, step));
  }

  lastAccess(): LastAccess | undefined {
    const { step, event } = this.replay.moment();
    const at = `${step}/${event}`;
    if (this.access?.at !== at) this.access = { at, found: this.findLastAccess() };
    return this.access.found;
  }

  lastWriter(address: bigint, bytes: number): LastWrite | { readonly nobody: string } {
    return lastWriter(this.replay, address, bytes, this.origin ?? 0);
  }

  registers(cpu: number): Int32Array | undefined {
    return this.machine.processors[cpu] === undefined ? undefined : this.machine.questions.registers(cpu);
  }

  variables(cpu: number, depth: number): readonly NamedValue[] {
    const stack = this.machine.interpreter.stacks[cpu]!;
    const frames = stack.frames();
    const index = frames.length - 1 - depth;
    const frame = frames[index];
    if (frame === undefined) return [];
    const { variables } = this.program.procedures[frame.procedure]!;
    const at = this.instructionOf(frames, index, cpu);
    return variables.filter(({ since }) => since <= at).map(({ name, type, register }) => {
      const word = frame.base + 2 * register;
      return { name, type, value: pairToBigInt(stack.words[word]!, stack.words[word + 1]!) };
    });
  }

  evaluate(fragment: Fragment, cpu: number, depth: number, values?: readonly (bigint | undefined)[]): Watched {
    return evaluate(this.machine, fragment, cpu, depth, { values });
  }

  edit(edit: Edit): EditOutcome {
    const wasInThePast = this.isInThePast();
    const outcome = this.fork(edit);
    if ('refused' in outcome) return outcome;
    const wasRead = this.replay.event > 0 && edit.kind === 'memory' && hasBeenRead(this.machine, edit, this.replay.eventsOfStep());
    return { ...wasInThePast ? { dropped: outcome.dropped } : {}, ...wasRead ? { wasRead: true } : {} };
  }

  /** Makes an edit, and forgets what was known of the future that is no more. */
  private fork(edit: Edit): { readonly refused: string } | { readonly dropped: { readonly steps: number; readonly edits: number } } {
    const outcome = this.replay.edit(edit);
    if ('refused' in outcome) return outcome;
    const { step, event } = this.moment();
    this.latest = { step, event };
    this.access = undefined;
    this.breakpoints.forgetFrom(step);
    this.logPoints.forgetFrom(this.replay.news);
    this.machine.interpreter.holds.forgetFrom(this.replay.news);
    return outcome;
  }

  get edits(): number {
    return this.replay.journal.count;
  }

  whyNoEdit(cpu: number, register?: number): string | undefined {
    return this.replay.whyNoEdit() ?? (register === undefined ? undefined : whyNoRegister(this.machine, { cpu, register }, this.replay.editedAt));
  }

  editableBytes(cpu: number, space: AddressSpace, address: bigint, count: number): { readonly count: number; readonly refusal?: string } {
    const refusal = this.replay.whyNoEdit();
    return refusal === undefined ? editableBytes(this.machine, { cpu, space, address }, count, this.replay.editedAt) : { count: 0, refusal };
  }

  whyNoJump(actor: number, statement: number): string | undefined {
    if (this.replay.isOver()) return 'The run has come to its end here: step back, and jump from there.';
    if (this.replay.event > 0 && actor === this.replay.cpu) return 'An instruction is under way: step out to the next statement, or back to this one, and jump from there.';
    return whyNoJump(this.machine, actor, statement);
  }

  takeOutput(): readonly OutputLine[] {
    return this.output.splice(0);
  }

  result(): Outcome {
    return outcomeOf(this.machine);
  }

  /** Boot, of which nothing is shown and where nothing stops; then the motion. */
  private *bootThen(motion: Motion, cpu: number, who: Who): Moving {
    const { run } = this.machine.interpreter;
    const { interpreter } = this.machine;
    const { replay } = this;
    const isThrough = (): boolean => run.isCounting && interpreter.isAtStatement(replay.cpu);
    const boot = {
      step: () => replay.step,
      isThere: () => isThrough() || replay.isOver(),
      advance: () => { if (run.isCounting) replay.execute(); else replay.advance(Infinity); },
    };
    if (!(yield* inSlices(boot, () => this.isPauseAsked))) return { kind: 'pause' };
    this.beginHistory(this.replay.step);
    return yield* this.counted(motion, cpu, who, 'not yet seen');
  }

  /** Moves while only one thread runs. That it does, and that it no longer does, are choices that belong to the run. */
  private *alone(cpu: number, begin: () => Moving): Moving {
    const { nesting, interpreter: { scheduler } } = this.machine;
    const actor = nesting.runningOn(nesting.outerOf(cpu));
    if (this.replay.event > 0 && this.replay.cpu !== actor) {
      const stands = this.threads[this.replay.cpu] ?? '';
      return { kind: 'stayed', text: `${stands} is in the middle of an instruction, which has to be over first: step out of it, or back to its start, and then step ${this.threads[cpu] ?? ''} alone.` };
    }
    const wasInThePast = this.isInThePast();
    // Taken again where it was taken before, the choice changes nothing.
    const outcome = scheduler.alone === actor ? { dropped: { steps: 0 } } : this.fork({ kind: 'schedule', alone: actor });
    if ('refused' in outcome) return { kind: 'stayed', text: outcome.refused };
    let steps = outcome.dropped.steps;
    let stop: Stop;
    try {
      this.motions.alone = actor;
      stop = yield* begin();
    } finally {
      this.motions.alone = undefined;
      const over = scheduler.alone === NOBODY ? undefined : this.fork({ kind: 'schedule', alone: NOBODY });
      if (over !== undefined && 'dropped' in over) steps += over.dropped.steps;
    }
    if (!wasInThePast || steps === 0 || stop.kind !== 'step') return stop;
    return { ...stop, text: `What had run behind this moment, ${steps} steps, is no more: ${this.threads[cpu] ?? ''} has run alone here.` };
  }

  private beginHistory(step: number): void {
    this.origin = step;
    this.breakpoints.historyBegins(step);
    this.logPoints.breakpoints.historyBegins(step);
  }

  /** Moves once it is known how often breakpoints have been hit so far. */
  private *counted(motion: Motion, cpu: number, who: Who, first: 'seen' | 'not yet seen' = 'seen'): Moving {
    if (!(yield* this.counting.catchUp())) return { kind: 'pause' };
    this.logPoints.isSpeaking = !isBackward(motion, this.replay.moment());
    const begin = (): Moving => this.motions.begin(motion, cpu, first);
    if (who === 'all' || this.threads.length === 1 || isBackward(motion, this.replay.moment()) || this.replay.isOver()) return yield* begin();
    return yield* this.alone(cpu, begin);
  }

  /** Events of the step that `cpu` stands in, be it the one that time stands in or one that it is held in. */
  private eventsInStep(cpu: number): readonly Int32Array[] {
    const { holds } = this.machine.interpreter;
    if (cpu !== this.replay.cpu) return holds.eventsOf(cpu);
    return this.replay.eventsOfStep();
  }

  /** Those of a nested guest that runs stand above those of the CPU that has entered it. */
  private guestFrames(cpu: number): readonly Frame[] {
    const { nesting, interpreter: { scheduler } } = this.machine;
    const outer = nesting.outerOf(cpu);
    if (outer === cpu || scheduler.state(cpu) === ACTOR_STATE.outside) return this.ownFrames(cpu);
    return [...this.ownFrames(cpu), ...this.ownFrames(outer).map((frame) => ({ ...frame, cpu: outer }))];
  }

  private ownFrames(cpu: number): readonly Frame[] {
    const { interpreter } = this.machine;
    const frames = interpreter.stacks[cpu]!.frames();
    return frames.map((frame, i) => {
      const depth = frames.length - 1 - i;
      const kind = depth === 0 ? 'cpu' : frame.isHandler ? 'handler' : 'procedure';
      return {
        kind, depth, procedure: frame.procedure, statement: this.statementOf(frames, i, cpu), key: `cpu${cpu}/guest/${depth}`,
      };
    });
  }

  /** The statement that guest frame `index` (top first) stands at: of a run that died, the one that it died of. */
  private statementOf(frames: readonly GuestFrame[], index: number, cpu: number): number {
    const { interpreter } = this.machine;
    const { run, deaths } = interpreter;
    if (index === 0 && run.cpu === cpu && run.status > RUN.ended) return run.statement;
    const { number } = this.machine.vmOf(cpu);
    if (index === 0 && deaths.isGone(number) && deaths.of(number).cpu === cpu) return deaths.of(number).statement;
    return interpreter.statements.at(this.instructionOf(frames, index, cpu));
  }

  /** The instruction that guest frame `index` (top first) of `cpu` stands at. */
  private instructionOf(frames: readonly GuestFrame[], index: number, cpu: number): number {
    const frame = frames[index]!;
    const above = frames[index - 1];
    // A call returns behind itself, and a step under way has its counter past it; a handler returns to its access.
    const isPast = above === undefined ? this.isPastInstruction(cpu, frame.pc) : !above.isHandler;
    return isPast ? frame.pc - 1 : frame.pc;
  }

  /** The instruction that `cpu` is about lies before its counter, which is at `pc`. */
  private isPastInstruction(cpu: number, pc: number): boolean {
    const { interpreter } = this.machine;
    const { scheduler } = interpreter;
    if (this.replay.isOver() || this.program.code[pc * INSTRUCTION_WORDS] === OP.end) return true;
    return cpu === this.replay.cpu ? this.replay.event > 0 : scheduler.state(cpu) === ACTOR_STATE.held;
  }

  private findLastAccess(): LastAccess | undefined {
    const { replay } = this;
    const { run } = this.machine.interpreter;
    const isAccess = replay.records.findIndex((record) => record[0] === KIND.access);
    if (isAccess >= 0) {
      const { statements, stacks } = this.machine.interpreter;
      return { records: replay.records.slice(isAccess), statement: statements.at(stacks[replay.cpu]!.pc - 1), actor: replay.cpu };
    }
    const step = run.lastAccessStep;
    const statement = run.lastAccessStatement;
    const actor = run.lastAccessActor;
    if (step < 0) return undefined;
    const records: Int32Array[] = [];
    replay.aside(replay.stretchBefore(step).checkpoint, (again) => {
      again.begin();
      again.goTo(step);
      again.executeListening((record) => records.push(record.slice()));
    });
    return { records, statement, actor };
  }
}
