import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee, Frame, Moment, Motion, Stop, Who } from '../engine/debuggee';
import type { Phase } from './answer';
import { BehindAnswer } from './behindAnswer';
import type { Program } from '../language/program';
import type { Children } from './children';
import { BreakpointStore, type BreakpointTarget } from './breakpoints/breakpointStore';
import { firstStatement } from './breakpoints/statementAtLine';
import { Client, fileName } from './client';
import type { FileAccess } from './fileAccess';
import { Handles } from './handles';
import type { Located } from './locations';
import { MotionDriver } from './motion';
import { MotionProgress } from './motionProgress';
import { motionRow } from './motionRows';
import { OutputPump } from './outputPump';
import type { Inspector, Scenario, Simulator } from './simulator';
import { ShownMemory } from './shownMemory';
import type { ShownRegisters } from './scopes/registerScope';
import type { SourceCatalog } from './sourceCatalog';
import { reportStop, type StopReport } from './stopReport';

/** Launch attributes; `launch.json` documents them. */
export interface LaunchArguments extends DebugProtocol.LaunchRequestArguments {
  readonly program?: string;
  readonly mmu?: string;
  readonly stopOnEntry?: boolean;
  readonly stopAtBoot?: boolean;
}

/** One run of a scenario; a restart makes a new one. */
export interface Launched {
  readonly scenario: Scenario;
  readonly debuggee: Debuggee;
  readonly inspector: Inspector;
  readonly sources: SourceCatalog;
  readonly args: LaunchArguments;
  /** Expressions that were evaluated, by procedure and text. */
  readonly texts: Map<number, Map<string, KnownText>>;
  /** Where variables are declared, by procedure and name. */
  readonly declarations: Map<number, Map<string, Located | undefined>>;
  /** By CPU. */
  readonly shownRegisters: Map<number, ShownRegisters>;
}

/** An expression as its text says it. */
export interface KnownText {
  /** Variables of the procedure that it names. */
  readonly variables: readonly string[];
  /** Compiled where no variable is named and no listing's value is about. */
  plain?: Compiled;
  /** Otherwise, by what has a value. */
  readonly compiled: Map<string, Compiled>;
}

export type Compiled = ReturnType<Scenario['compileExpression']>;

/** A frame as the client holds it, and the guest frame in which its expressions are evaluated. */
export interface HeldFrame {
  readonly cpu: number;
  readonly frame: Frame;
  /** Depth of the nearest guest frame, and its procedure. */
  readonly depth: number;
  readonly procedure: number;
}

const FIRST_FRAME = 1000;
const FIRST_REFERENCE = 1;
const FIRST_TARGET = 1;

/** Everything a session knows: what request handlers work on. */
export class SessionState {
  phase: Phase = 'not initialized';
  launched: Launched | undefined;
  /** Why the scenario stands where it stands; undefined while it runs. */
  stop: StopReport | undefined;
  readonly client = new Client();
  readonly breakpoints = new BreakpointStore();
  readonly frames = new Handles<HeldFrame>(FIRST_FRAME);
  readonly references = new Handles<Children>(FIRST_REFERENCE);
  /** Statements that a client may ask to jump to. */
  readonly jumpTargets = new Handles<number>(FIRST_TARGET);
  /** Where what a client may ask to step into begins. */
  readonly stepTargets = new Handles<Moment>(FIRST_TARGET);
  readonly locations = new Handles<Located>(FIRST_REFERENCE);
  /** Memory that the client has read at the present stop. */
  readonly shownMemory = new ShownMemory();
  readonly behindAnswer = new BehindAnswer();
  readonly output: OutputPump;
  readonly progress: MotionProgress;
  /** Number of the request that is being handled. */
  requestId: number | undefined;
  /** A client has asked for the run's end, which comes as soon as it stands still. */
  isEnding = false;
  /** A client has cancelled the running motion. */
  private isCancelled = false;
  private readonly driver: MotionDriver;
  /** CPU that the running or last motion is about. */
  private cpu = 0;
  /** The newest failed expectation that the running or last motion has told of, with both its sides. */
  private failure: string | undefined;

  constructor(
    readonly simulator: Simulator,
    readonly files: FileAccess,
    readonly send: (event: string, body?: object) => void,
    report: (problem: unknown) => void,
  ) {
    this.output = new OutputPump((body) => { this.send('output', body); }, this.client);
    this.progress = new MotionProgress(this.send);
    this.driver = new MotionDriver(
      (slice) => { this.behindAnswer.add(slice); },
      () => {
        this.takeOutput();
        if (this.launched !== undefined) this.progress.note(this.launched.debuggee.moment().step);
      },
      (stop, motion) => {
        this.progress.end();
        this.arrive(stop, motion);
      },
      (problem) => {
        report(problem);
        this.end(undefined);
      },
    );
  }

  /** Sets the scenario in motion, all threads of it or one alone. All handles of the present stop are void from here on. */
  move(motion: Motion, cpu: number, who: Who = 'all'): void {
    const launched = this.launched;
    if (launched === undefined) throw new Error('invariant: only a launched scenario moves');
    this.phase = 'running';
    this.stop = undefined;
    this.cpu = cpu;
    this.failure = undefined;
    this.dropHandles();
    this.isCancelled = false;
    this.progress.begin(motion, this.requestId);
    this.driver.start(launched.debuggee, motion, cpu, who);
  }

  /** Runs on to the first statement of the scenario's own program, past the guest's boot. */
  moveToEntry(): void {
    const launched = this.launched;
    if (launched === undefined) throw new Error('invariant: only a launched scenario moves');
    const procedure = launched.scenario.program.cpus[0];
    const statement = procedure === undefined ? undefined : firstStatement(launched.scenario.program, procedure);
    this.breakpoints.stopOnceAt(launched.debuggee, statement);
    this.move('continue', 0);
  }

  /** Makes a change to the debuggee, at once or as soon as it stands still. */
  whenStill(change: () => void): void {
    this.driver.whenStill(change);
  }

  /** What breakpoints are bound to now. */
  breakpointTarget(launched: Launched): BreakpointTarget {
    const { scenario, debuggee, inspector, sources } = launched;
    return { scenario, debuggee, inspector, sources, client: this.client, whenStill: (change) => { this.whenStill(change); } };
  }

  pause(): void {
    this.driver.pause();
  }

  /** Breaks the running motion off, if it is the one that the client means: a search backward leaves the moment as it was, all others stop where they have come to. */
  cancel(meant: { readonly requestId?: number; readonly progressId?: string }): void {
    if (!this.progress.isMeant(meant)) return;
    this.isCancelled = true;
    this.driver.pause();
  }

  /** Stands still without having moved: the entry stop. */
  standAt(stop: Stop): void {
    this.arrive(stop, 'continue');
  }

  /** Stands elsewhere in the program without having moved in time; told behind the answer to the request. */
  standAnew(body: StopReport['body']): void {
    this.dropHandles();
    this.stop = { body };
    const { stop } = this;
    this.behindAnswer.add(() => {
      if (this.stop === stop && this.phase === 'stopped') this.send('stopped', body);
    });
  }

  /** What lay behind the present moment is no more: it is not in the past. Gives the words for where one stands. */
  standsInPresent(): string {
    const { stop } = this;
    if (stop === undefined) return '';
    const { where: was, text = '' } = stop.body;
    const where = was.replace(', in the past', '');
    this.stop = { ...stop, body: { ...stop.body, where, text: text.replace(`(${was})`, `(${where})`) } };
    return where;
  }

  /** Lets go of the running motion and of everything held for the client. */
  halt(): void {
    this.driver.abandon();
    this.progress.end();
    this.stop = undefined;
    this.dropHandles();
  }

  /** The debuggee is over: `exitCode` undefined when it was taken away. `terminated` is sent once. */
  end(exitCode: number | undefined): void {
    if (this.phase === 'over' || this.phase === 'disconnected') return;
    this.halt();
    this.phase = 'over';
    if (exitCode !== undefined) this.send('exited', { exitCode });
    this.send('terminated');
  }

  /** What the client holds of the present stop is void. */
  private dropHandles(): void {
    this.frames.drop();
    this.references.drop();
    this.jumpTargets.drop();
    this.stepTargets.drop();
    this.shownMemory.drop();
    this.locations.drop();
  }

  /** Passes on what the scenario has said. */
  private takeOutput(): void {
    const launched = this.launched;
    if (launched === undefined) return;
    for (const line of launched.debuggee.takeOutput()) {
      this.output.scenarioLine(line, launched.sources, launched.scenario.program);
      if (line.category === 'failure') this.failure = line.text;
    }
  }

  private arrive(stop: Stop, motion: Motion): void {
    const launched = this.launched;
    if (launched === undefined) return;
    this.takeOutput();
    // Without debugging nobody looks: a death is the end.
    const isUnseen = stop.kind === 'died' && launched.args.noDebug === true;
    if (isUnseen && stop.others === 'go on') {
      this.driver.start(launched.debuggee, 'continue', this.cpu);
      return;
    }
    if (stop.kind === 'ended' || isUnseen) {
      const outcome = launched.debuggee.result();
      this.output.outcome(outcome, fileName(launched.scenario.program.name), launched.debuggee.technique);
      this.end(outcome.ok ? 0 : 1);
      return;
    }
    launched.inspector.noteStop();
    const cpu = threadOf(stop, motion, this.cpu, launched);
    if (this.breakpoints.isEntry(stop)) {
      this.breakpoints.stopOnceAt(launched.debuggee, undefined);
      this.standAt({ kind: 'entry' });
      return;
    }
    const told = this.isCancelled && stop.kind === 'pause' ? { kind: 'cancelled' } as const : explained(stop, this.failure, launched.scenario.program);
    this.stop = reportStop(told, motion, cpu, launched.debuggee, this.breakpoints);
    this.phase = 'stopped';
    for (const breakpoint of this.breakpoints.retold(() => this.breakpointTarget(launched))) {
      this.send('breakpoint', { reason: 'changed', breakpoint });
    }
    this.send('stopped', this.stop.body);
  }
}

/** The thread that a stop is about: where something was met, whoever met it, else the one that was asked to move. */
function threadOf(stop: Stop, motion: Motion, asked: number, { debuggee, inspector }: Launched): number {
  if (stop.kind === 'event') return inspector.actorOn(stop.event.cpu);
  if (stop.kind === 'change') return stop.change.cpu;
  if (stop.kind === 'died' && stop.others === 'go on') return stop.cpu;
  const isMet = stop.kind === 'breakpoint' || stop.kind === 'condition-error' || stop.kind === 'died';
  return isMet || (motionRow(motion).isOfThread !== true && stop.kind !== 'stayed') ? debuggee.actor : asked;
}

/** A failed expectation tells its own words, and both sides when it has just failed for the first time. */
function explained<S extends Stop>(stop: S, failure: string | undefined, program: Program): S {
  if (stop.kind !== 'event' || stop.event.kind !== 'expectation_failed') return stop;
  const expectation = program.expectations[Number(stop.event.fields['index'] ?? -1n)];
  const text = failure ?? (expectation === undefined ? stop.event.text : `expect ${expectation.text} fails`);
  return { ...stop, event: { ...stop.event, text } };
}
