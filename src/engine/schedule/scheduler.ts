import type { Processor } from '../../hardware/processor/processor';
import { ACTIVITY, REGISTER } from '../../hardware/processor/registers';
import type { Registry } from '../../hardware/state/registry';
import type { Program } from '../../language/program';
import type { GuestStack } from '../interpreter/guestStack';
import { Randomness } from './randomness';

/** What an actor of the scenario is about. */
export const ACTOR_STATE = {
  /** Boot is not over: nobody but the CPU that boots runs. */
  waitsForBoot: 0,
  running: 1,
  atBarrier: 2,
  awaiting: 3,
  /** Stopped inside an access. */
  held: 4,
  /** Released: the rest of that access comes next. */
  released: 5,
  /** Its block is over; a CPU goes on taking interrupts, as an idle one does. */
  ended: 6,
  /** Its VM cannot go on: it does nothing more. */
  dead: 7,
  /** Its processor runs another program: of a CPU that of a nested guest, of a nested CPU that of the VM around it. */
  outside: 8,
} as const;

const CURRENT = 0;
const PREVIOUS = 1;
const STATEMENTS = 2;
const ATTENTION = 3;
/** The actor that runs alone, plus one. */
const ALONE = 4;
const HEAD_WORDS = 5;

const STATE = 0;
const MEETING = 1;
const TICKET = 2;
const DEPTH = 3;
const LEFT = 4;
const ACTOR_WORDS = 5;

/** Why instructions cannot just be executed one after the other: bits of `attention`. */
export const ATTENTION_TO = {
  /** An interrupt has been sent, or interrupts have been let through: before each instruction the processor is asked. */
  interrupts: 1,
  /** A statement is armed to be held, or an access is. */
  holds: 2,
} as const;

/** Where chance decides, statements between two times that `isAloneAgain` is told. */
const ALONE_EVERY = 256;

/** There is nobody who could run. */
export const NOBODY = -1;

/** Tells whether what an actor waits for has come. */
export interface Waits {
  isOver(actor: number): boolean;
}

/**
 * Whose turn it is. An actor runs until it waits, ends or has run its share of statements (`schedule every N`), then the
 * next by number, host threads last; under `schedule random SEED` chance decides before each access. All of it is in the
 * registry, so that a run can be taken up anywhere.
 */
export class Scheduler {
  /** Bits of `ATTENTION_TO` in word 0 of it. */
  readonly attention: Int32Array;
  /** The actor has had a whole turn by the last `advance`, and goes on only because nobody else can. */
  isAloneAgain = false;
  /** Statements of a turn; undefined where chance decides. */
  private readonly share: number | undefined;
  private readonly words: Int32Array;
  private readonly chance: Randomness;
  private readonly cpus: number;
  private readonly actors: number;

  constructor(
    registry: Registry, program: Program, private readonly processors: readonly Processor[],
    private readonly stacks: readonly GuestStack[], private readonly waits: Waits,
  ) {
    this.cpus = processors.length;
    this.actors = program.actors.length;
    this.words = registry.block('scheduler', HEAD_WORDS + ACTOR_WORDS * this.actors);
    this.attention = this.words.subarray(ATTENTION, ATTENTION + 1);
    const { schedule } = program;
    this.share = schedule.kind === 'every' ? schedule.statements : undefined;
    this.chance = new Randomness(registry, 'scheduler chance', schedule.kind === 'random' ? schedule.seed : undefined);
  }

  /** The actor that runs next. */
  get current(): number {
    return this.words[CURRENT]!;
  }

  /** The actor that ran the step before. */
  get previous(): number {
    return this.words[PREVIOUS]!;
  }

  /** The one actor that runs while a person has all others stand; NOBODY when none of them has to. */
  get alone(): number {
    return this.words[ALONE]! - 1;
  }

  set alone(actor: number) {
    this.words[ALONE] = actor + 1;
  }

  /** The actor that is to run alone waits, is halted or has come to its end. */
  get isStuck(): boolean {
    const actor = this.words[ALONE]! - 1;
    return actor >= 0 && this.words[CURRENT] === actor && !this.canRun(actor);
  }

  state(actor: number): number {
    return this.words[HEAD_WORDS + ACTOR_WORDS * actor + STATE]!;
  }

  /** The meeting that an actor waits at, or is held for. */
  meeting(actor: number): number {
    return this.words[HEAD_WORDS + ACTOR_WORDS * actor + MEETING]!;
  }

  /** What `wait` was given. */
  ticket(actor: number): number {
    return this.words[HEAD_WORDS + ACTOR_WORDS * actor + TICKET]!;
  }

  /** Frames that the actor had above its block's when it began to wait: with more, a handler runs in the meantime. */
  depth(actor: number): number {
    return this.words[HEAD_WORDS + ACTOR_WORDS * actor + DEPTH]!;
  }

  setState(actor: number, state: number): void {
    this.words[HEAD_WORDS + ACTOR_WORDS * actor + STATE] = state;
  }

  /** The actor waits at `meeting` from here on; `ticket`: what tells whether it is over. */
  wait(actor: number, state: number, meeting: number, ticket: number): void {
    this.words.set([state, meeting, ticket, this.stacks[actor]!.depth, 0], HEAD_WORDS + ACTOR_WORDS * actor);
  }

  /** The processor of `actor` goes to another program, that of `next`, which goes on with what it was about when it was left. */
  switchTo(actor: number, next: number): void {
    this.words[HEAD_WORDS + ACTOR_WORDS * actor + LEFT] = this.state(actor);
    this.setState(actor, ACTOR_STATE.outside);
    this.setState(next, this.words[HEAD_WORDS + ACTOR_WORDS * next + LEFT]! || ACTOR_STATE.running);
    if (this.alone === actor) this.alone = next;
    this.handOver(next);
  }

  /** Every actor may run from now on, beside the one that booted. */
  start(): void {
    for (let actor = 0; actor < this.actors; actor++) {
      if (this.state(actor) === ACTOR_STATE.waitsForBoot) this.setState(actor, ACTOR_STATE.running);
    }
  }

  /** `actor` runs the next step, with a turn of its own. */
  handOver(actor: number): void {
    this.words[CURRENT] = actor;
    this.words[STATEMENTS] = 0;
  }

  countStatement(): void {
    this.words[STATEMENTS]!++;
  }

  /** The same of several. */
  countStatements(count: number): void {
    this.words[STATEMENTS]! += count;
  }

  /**
   * Decides who runs the next step. `mayChange`: the one that ran is at a place where another may come in between; where
   * it cannot run any further somebody else does in any case. NOBODY, and all stays as it is, when there is none. Where one
   * is to run alone it is that one, be it that it waits.
   */
  advance(isBeforeStatement: number, isBeforeAccess: number): number {
    const { words } = this;
    const now = words[CURRENT]!;
    words[PREVIOUS] = now;
    this.isAloneAgain = false;
    const mayRun = this.canRun(now);
    if (words[ALONE] !== 0) {
      if (!mayRun || (isBeforeStatement | isBeforeAccess) !== 0) words[CURRENT] = this.alone;
      return words[CURRENT]!;
    }
    if (mayRun) {
      if (this.share === undefined ? (isBeforeStatement | isBeforeAccess) === 0 : isBeforeStatement === 0 || words[STATEMENTS]! < this.share) return now;
    }
    const next = this.share === undefined ? this.anyOf(now) : this.after(now);
    if (next === NOBODY) return NOBODY;
    this.isAloneAgain = mayRun && next === now && (this.share !== undefined || words[STATEMENTS]! % ALONE_EVERY === ALONE_EVERY - 1 && this.after(now) === now);
    if (next !== now || this.share !== undefined) words[STATEMENTS] = 0;
    words[CURRENT] = next;
    return next;
  }

  /** True while `actor` has something to execute, be it an interrupt's handler. */
  canRun(actor: number): boolean {
    switch (this.state(actor)) {
      case ACTOR_STATE.running: return actor >= this.cpus || !this.isHalted(actor) || this.processors[actor]!.hasPending;
      case ACTOR_STATE.released: return true;
      case ACTOR_STATE.atBarrier:
      case ACTOR_STATE.awaiting: return this.isInHandler(actor) || this.waits.isOver(actor) || this.isWoken(actor);
      case ACTOR_STATE.ended: return this.isInHandler(actor) || this.isWoken(actor);
      default: return false;
    }
  }

  /** True of an actor that waits, while an interrupt's handler runs. */
  isInHandler(actor: number): boolean {
    return this.stacks[actor]!.depth > this.depth(actor) && !(actor < this.cpus && this.isHalted(actor));
  }

  /** HLT has stopped the CPU. */
  isHalted(actor: number): boolean {
    return actor < this.cpus && this.processors[actor]!.registers[2 * REGISTER.activity] === ACTIVITY.hlt;
  }

  private isWoken(actor: number): boolean {
    return actor < this.cpus && this.processors[actor]!.hasPending;
  }

  private after(actor: number): number {
    for (let i = 1; i <= this.actors; i++) {
      const next = (actor + i) % this.actors;
      if (this.canRun(next)) return next;
    }
    return NOBODY;
  }

  private anyOf(now: number): number {
    let able = 0;
    for (let actor = 0; actor < this.actors; actor++) if (this.canRun(actor)) able++;
    if (able === 0) return NOBODY;
    let pick = this.chance.below(able);
    for (let actor = 0; actor < this.actors; actor++) {
      if (this.canRun(actor) && pick-- === 0) return actor;
    }
    return now;
  }
}
