import type { Fragment, Program, ValueType } from '../language/program';
import type { WatchedBytes } from './straight/accessSieve';
import type { AddressSpace } from './questions/addressPlace';
import type { Edit } from './edits/edits';
import type { StatementStep } from './time/statementSteps';

/**
 * A moment of a run. `step` counts instructions of the compiled scenario since boot began;
 * `event` 0 is before the step, `event` k is right at the k-th event of it (the event has been
 * emitted, nothing after it has happened).
 */
export interface Moment {
  readonly step: number;
  readonly event: number;
}

/** A named value of a listing line: `gfn = 0x3`. */
export interface NamedValue {
  readonly name: string;
  readonly value: bigint;
  readonly type: ValueType;
}

/** Frames of a CPU, top first. `key` stays the same while the frame lives; `opened`: the event of its step, from 1, that it began with. */
export type Frame =
  | {
      readonly kind: 'cpu' | 'procedure' | 'handler';
      readonly key: string;
      /** Index into Program.procedures and Program.statements (the statement it stands at). */
      readonly procedure: number;
      readonly statement: number;
      /** Which of the CPU's guest frames, from 0 at the bottom: for reading and evaluating variables. */
      readonly depth: number;
      /** Of a frame that stands below those of a nested guest's CPU: the CPU of the VM around, whose frame it is. */
      readonly cpu?: number;
    }
  | {
      readonly kind: 'access';
      readonly key: string;
      readonly opened: number;
      /** `user store [0x601000]` */
      readonly text: string;
      readonly statement: number;
    }
  | { readonly kind: 'walk'; readonly key: string; readonly opened: number; /** `walk: PDPTE` */ readonly text: string; readonly statement: number }
  | {
      readonly kind: 'listing';
      readonly key: string;
      readonly opened: number;
      /** `vmm` or `host`: whose code it is. */
      readonly actor: 'vmm' | 'host';
      /** Name of the listing: `shadow-wp.vmm`; its text: `Debuggee.listings`. */
      readonly listing: string;
      readonly procedure: string;
      /** Of the procedure that a VM exit begins with, behind its name: ` (EPT violation)`; else empty. */
      readonly reason: string;
      /** What it is about, to be put right behind the procedure's name: `(gpa:0x3000, write)`. */
      readonly about: string;
      /** One-based. */
      readonly line: number;
      readonly values: readonly NamedValue[];
    };

/** A decoded event. Absent fields are left out. */
export interface EventView {
  readonly kind: string;
  readonly actor: string;
  readonly cpu: number;
  /** Field name to value. */
  readonly fields: Readonly<Record<string, bigint>>;
  /** One line, as the event table renders it. */
  readonly text: string;
}

export type Stop =
  | { readonly kind: 'entry' }
  /** A motion has come where it was to come; `text`: what there is to be said of that. */
  | { readonly kind: 'step'; readonly text?: string }
  | { readonly kind: 'pause' }
  | { readonly kind: 'breakpoint'; readonly ids: readonly number[] }
  /** At the event, before it is handled; `isOver`: where its handling is over. */
  | { readonly kind: 'event'; readonly ids: readonly number[]; readonly event: EventView; readonly isOver?: true }
  /** Behind the step that has changed a watched value. */
  | { readonly kind: 'change'; readonly ids: readonly number[]; readonly change: ValueChange }
  /** A condition could not be judged: said once, execution stops there. */
  | { readonly kind: 'condition-error'; readonly ids: readonly number[]; readonly message: string }
  /** Nothing lies before this moment; `text`: why the motion ended here, when there is more to it. */
  | { readonly kind: 'start-of-history'; readonly text?: string }
  /** The latest moment that there is to go to; `text`: which one that is. */
  | { readonly kind: 'end-of-history'; readonly text: string }
  /** The one thread that was to run cannot go on while the others stand: for whom it waits, as a sentence. */
  | { readonly kind: 'waits'; readonly text: string }
  /** The motion has nowhere to go, and the moment is as it was. */
  | { readonly kind: 'stayed'; readonly text: string }
  /**
   * The run cannot go on, or one VM of several: told where `cpu` died, with the cause as `FILE:LINE:COL: …`. Where no VM is
   * left the next motion forward ends it.
   */
  | { readonly kind: 'died'; readonly message: string; readonly cpu: number; readonly others: 'none' | 'go on' }
  /** The scenario ended (all well, a failed expectation counted in `result`), or had died: `Debuggee.result()`. */
  | { readonly kind: 'ended' };

export interface StatementBreakpoint {
  readonly id: number;
  readonly statement: number;
  /** Left out: it stops at the statement's start. Else right before this instruction of it, each time it is about to run. */
  readonly instruction?: number;
  /** Left out: whoever runs it. Else only where this thread does. */
  readonly actor?: number;
  readonly condition?: Fragment;
  /** `5`, `>=5`, `%5`; checked by the adapter's parser before it gets here. */
  readonly hit?: { readonly operator: '==' | '>=' | '%'; readonly count: number };
}

/** A watched value is another one. */
export interface ValueChange {
  /** As the breakpoint calls it: `cr3 of cpu 0`. */
  readonly text: string;
  readonly cpu: number;
  readonly old: bigint;
  readonly value: bigint;
  readonly type: ValueType;
}

/** A value that can be watched: of an expression in the frame of the `cpu` block, or a field of the control block that a CPU runs by. */
export type WatchedValue =
  | { readonly kind: 'expression'; readonly fragment: Fragment }
  /** By its number of words from the block's start. */
  | { readonly kind: 'field'; readonly block: 'vmcs' | 'vmcb'; readonly at: number };

/** Stops behind each step that changes a value. */
export interface ChangeBreakpoint {
  readonly id: number;
  readonly text: string;
  readonly cpu: number;
  readonly of: WatchedValue;
  readonly condition?: Fragment;
  readonly hit?: StatementBreakpoint['hit'];
}

/** Stops at an event. `matches` sees the raw record (hardware/events/eventTable.ts) and must not keep it. */
export interface EventBreakpoint {
  readonly id: number;
  /** Kinds to listen to, by number. */
  readonly kinds: readonly number[];
  readonly matches: (record: Int32Array) => boolean;
  /** Left out: wherever it happens. Else in steps that execute this instruction of the program alone, at their `nth` (from 1) event that matches. */
  readonly within?: { readonly instruction: number; readonly nth: number };
  /** Of the event `statement`, only this one's matches; left out: any may. */
  readonly statement?: number;
  /** Of what instructions access (`access_done`), none matches that does not touch these bytes; left out: any may. */
  readonly bytes?: WatchedBytes;
  /**
   * Left out: it stops at the event, before that is handled. Else where the handling is over: at the next event of one of these
   * kinds on the same CPU, or behind the step when none comes in it.
   */
  readonly until?: readonly number[];
  readonly condition?: Fragment;
  readonly hit?: StatementBreakpoint['hit'];
}

/** A breakpoint on one line of a listing. */
export interface ListingBreakpoint {
  readonly id: number;
  readonly listing: string;
  readonly line: number;
  readonly condition?: Fragment;
  readonly hit?: StatementBreakpoint['hit'];
}

/** Something said as a place is passed, which stops nobody. */
export interface LogPoint {
  readonly id: number;
  readonly at:
    | { readonly kind: 'statement'; readonly statement: number }
    | ({ readonly kind: 'event' } & Pick<EventBreakpoint, 'kinds' | 'matches' | 'bytes' | 'until'>)
    | ({ readonly kind: 'change' } & Pick<ChangeBreakpoint, 'text' | 'cpu' | 'of'>)
    | { readonly kind: 'listing'; readonly listing: string; readonly line: number };
  /** Text, and expressions whose values stand in it. */
  readonly message: readonly (string | Fragment)[];
  readonly condition?: Fragment;
  readonly hit?: StatementBreakpoint['hit'];
}

export type MotionName =
  | 'continue'
  | 'reverse-continue'
  /** One statement, one listing line or one reference, by the top frame. */
  | 'over'
  | 'over-back'
  | 'in'
  | 'out'
  /** To where the top frame was begun: the call of a procedure, the line or the VM exit before a listing procedure, the reference or the access before a walk. */
  | 'out-back'
  /** One event. */
  | 'event'
  | 'event-back'
  /** To the next or the previous VM exit of the thread's CPU. */
  | 'exit'
  | 'exit-back'
  /** The same of any CPU. */
  | 'any-exit'
  | 'any-exit-back'
  /** To the first moment of history, and to the latest that a motion has stopped at. */
  | 'to-start'
  | 'to-end';

/** A motion to a place that is given with it. */
export type Journey =
  /** To a moment of history or ahead of it; no breakpoint stops on the way. */
  | { readonly kind: 'seek'; readonly moment: Moment }
  /** Into what `Debuggee.stepTargets` has found; a breakpoint that comes first stops as well. */
  | { readonly kind: 'into'; readonly moment: Moment }
  /** To the last write of bytes at a host-physical address before the present moment; see `Debuggee.lastWriter`. */
  | { readonly kind: 'write-back'; readonly address: bigint; readonly bytes: number }
  /**
   * To where a frame began: one of the guest's by its depth, one that lives within the step stood in by the event that opened it
   * (`Frame.opened`).
   */
  | { readonly kind: 'frame-start'; readonly frame: { readonly depth: number } | { readonly opened: number } }
  /** To where a place was passed last, or to a breakpoint that was passed later. */
  | { readonly kind: 'cursor-back'; readonly place: Place };

/** A place in the program, or a line (from 1) of a listing. */
export type Place =
  | { readonly kind: 'statement'; readonly statement: number }
  | { readonly kind: 'listing'; readonly listing: string; readonly line: number };

export type Motion = MotionName | Journey;

/** What the coming statement, line or reference can be stepped into. */
export interface StepTarget {
  /** `procedure map_page`, `handler page_fault`, `walk: EPT tables for PDE`, `handle_exit (EPT violation)` */
  readonly label: string;
  /** Where it begins. */
  readonly moment: Moment;
}

/** Who runs in a motion forward. */
export type Who = 'all' | 'alone';

export interface Outcome {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  /** What ended it when it did not end well: `FILE:LINE:COL: …`. */
  readonly message?: string;
  /** Where it stood then: `at NAME (FILE:LINE:COL)`, the innermost call first, and its last VM exit. */
  readonly stack?: readonly string[];
}

/** What the run says as it first passes: prints, failed expectations, log points. Never twice, whichever way time runs. */
export interface OutputLine {
  readonly category: 'print' | 'failure' | 'log';
  readonly text: string;
  /** Of a file of the scenario, or a listing's name. */
  readonly path: string;
  /** One-based. */
  readonly line: number;
}

/** The access that ran last, or runs. */
export interface LastAccess {
  /** Its events, up to the present moment. */
  readonly records: readonly Int32Array[];
  readonly statement: number;
  /** Whose it is. A nested guest's CPU is on the processor of the one around, so the records do not tell. */
  readonly actor: number;
}

/** Whose doing a write to memory was: `processor` for the flags that its walks set, `user` for an edit of the person who debugs. */
export type WriterKind = 'guest' | 'processor' | 'hypervisor' | 'host' | 'device' | 'user';

/** The write that made some bytes of memory what they are. */
export interface LastWrite {
  /** The event that tells of it (a table entry is written right behind its event, all else right before), or where the next step starts. */
  readonly moment: Moment;
  /** False while the guest boots and boot is not shown: no motion leads there. */
  readonly isShown: boolean;
  /** The thread that did the step. */
  readonly thread: number;
  readonly by: WriterKind;
  /** The statement that ran: index into Program.statements. */
  readonly statement: number;
  /** The line of a listing that did it, where one was running: name as in `Debuggee.listings`, line from 1. */
  readonly listed?: { readonly listing: string; readonly line: number; readonly procedure: string };
  /** What happened, in one line: `EPT PTE of the EPT tables at hpa:0x104008: 0x0 becomes 0x5007`. */
  readonly text: string;
}

/**
 * What came of an edit. `refused`: nothing, and why, as a sentence. `dropped`: it was made in the past, whose future is no
 * more: so many steps of it, and edits in it. `wasRead`: of an entry that the instruction under way has read by now.
 */
export type EditOutcome =
  | { readonly refused: string }
  | { readonly dropped?: { readonly steps: number; readonly edits: number }; readonly wasRead?: true };

/**
 * A scenario under the debugger: the engine's face to adapter and command.
 *
 * Motion is asked for with `start` and done in slices with `slice`, so that the caller decides how
 * long the host is kept busy. Everything else may be called only while no motion is under way.
 */
export interface Debuggee {
  readonly program: Program;
  readonly technique: string;
  /** CPUs: the first of the threads. */
  readonly cpus: number;
  /** Names of what takes turns, by number: the CPUs, then the host threads. Wherever a `cpu` is asked for, it may be one of these. */
  readonly threads: readonly string[];
  /** The thread that does the step ahead, or the one stood in. */
  readonly actor: number;
  /** Listing sources by name (`shadow-wp.vmm`, `host.vmm`): the text that is shown. */
  readonly listings: ReadonlyMap<string, string>;

  setStatementBreakpoints(breakpoints: readonly StatementBreakpoint[]): void;
  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): void;
  setListingBreakpoints(breakpoints: readonly ListingBreakpoint[]): void;
  setChangeBreakpoints(breakpoints: readonly ChangeBreakpoint[]): void;
  setLogPoints(points: readonly LogPoint[]): void;

  /**
   * Makes the kernel's boot part of what is debugged. Before the first motion only; otherwise that
   * motion first runs through boot unseen, and history begins at the scenario's first statement.
   */
  showBoot(): void;

  /**
   * Begins a motion; `cpu` is the one the step is about. `who` 'alone': only that thread runs while the others stand. Which
   * thread ran is a choice that belongs to the run from then on, as an edit does; in the past it forks the future.
   */
  start(motion: Motion, cpu: number, who?: Who): void;
  /** Works for at most `milliseconds`' worth (judged by the caller's `expired`); a stop when the motion is over. */
  slice(expired: () => boolean): Stop | undefined;
  /** The running motion ends at the next instruction with a `pause` stop. */
  pause(): void;

  /** What the top frame of a CPU can be stepped into, in the order in which it comes: motions `into`. */
  stepTargets(cpu: number): readonly StepTarget[];
  moment(): Moment;
  /** The first moment that history shows, and the latest that a motion has stopped at. */
  history(): { readonly first: Moment; readonly latest: Moment };
  /** True when a motion has stopped at a later moment than the present one. */
  isInThePast(): boolean;
  frames(cpu: number): readonly Frame[];
  /** Events of the step the debugger stands in, up to the present moment, in order. */
  eventsOfStep(): readonly EventView[];
  /**
   * The step stood in and those behind it up to the end of the statement, with all their events; of a thread whose turn comes later those with
   * which it goes on if all do as they would, none where that is not soon. At most so many; nothing moves.
   */
  statementSteps(thread?: number, most?: number): readonly StatementStep[];
  /** A step of history, or of the statement that is stood in or with which another thread goes on, with all its events; undefined: no such step is known. Nothing moves. */
  knownStep(step: number): StatementStep | undefined;
  lastAccess(): LastAccess | undefined;
  /**
   * Who wrote the `bytes` (at most 4096, within a page) at a host-physical address last, so that they hold what they hold
   * at the present moment, which is not disturbed. `nobody`: why there is none, as a sentence. An address of another space
   * is first looked up: `Inspector.hostAddress`.
   */
  lastWriter(address: bigint, bytes: number): LastWrite | { readonly nobody: string };
  /**
   * Registers of a CPU as its guest sees them: the halves of number n (`registerNames`) at 2n and 2n + 1, until the next call. Undefined of a
   * host thread, which has none.
   */
  registers(cpu: number): Int32Array | undefined;
  /** Variables of guest frame `depth` that have a value by now. */
  variables(cpu: number, depth: number): readonly NamedValue[];
  /**
   * Value of a fragment in guest frame `depth`; a sentence when it has none. Touches nothing. `values`: those of the
   * listing line that it is read on, by their numbers; undefined for one that is not set.
   */
  evaluate(fragment: Fragment, cpu: number, depth: number, values?: readonly (bigint | undefined)[]): { readonly value: bigint; readonly type: ValueType } | { readonly error: string };
  /**
   * Changes the machine at the present moment. Time that goes back before it and forward again comes to the same; what had
   * been executed behind the moment is no more.
   */
  edit(edit: Edit): EditOutcome;
  /** Edits of this run by now, those that lie ahead of the present moment too. */
  readonly edits: number;
  /** Why no edit of a register of a CPU, or without one of variables and globals, can be made at the present moment, whatever the value; undefined: some can. */
  whyNoEdit(cpu: number, register?: number): string | undefined;
  /** How many of `count` bytes from an address on an edit can write at the present moment, and why not the next one. */
  editableBytes(cpu: number, space: AddressSpace, address: bigint, count: number): { readonly count: number; readonly refusal?: string };
  /** Why a thread cannot be set to a statement from where it stands, as a sentence; undefined when it can. */
  whyNoJump(actor: number, statement: number): string | undefined;
  takeOutput(): readonly OutputLine[];
  result(): Outcome;
}
