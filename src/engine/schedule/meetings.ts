import type { Registry } from '../../hardware/state/registry';
import { MEET, type Program } from '../../language/program';
import type { Deaths } from '../interpreter/deaths';
import { ACTOR_STATE, type Scheduler, type Waits } from './scheduler';

/** Words of a barrier: how often all have met there, and how many have arrived since. */
const TIMES = 0;
const ARRIVED = 1;
const WORDS = 2;

/** What came of an actor's `barrier`, `await` or `release`. */
export type Meeting = 'goes on' | 'waits' | 'all have met';

/**
 * Where actors meet. A barrier waits for every actor that names it and whose VM can go on; `await` for one that is held at its name; `release`
 * lets that one go. A waiting actor stays at its instruction, and executes it again once it may go on, so that an
 * interrupt can be taken meanwhile.
 */
export class Meetings implements Waits {
  scheduler!: Scheduler;
  private readonly words: Int32Array;
  private readonly actors: number;

  constructor(registry: Registry, private readonly program: Program, private readonly deaths: Deaths) {
    this.words = registry.block('meetings', WORDS * Math.max(1, program.meetings.length));
    this.actors = program.actors.length;
  }

  /** `action`: a `MEET`. */
  meet(actor: number, action: number, meeting: number): Meeting {
    switch (action) {
      case MEET.barrier: return this.barrier(actor, meeting);
      case MEET.await: return this.await(actor, meeting);
      default: return this.release(meeting);
    }
  }

  isOver(actor: number): boolean {
    const { scheduler } = this;
    const meeting = scheduler.meeting(actor);
    return scheduler.state(actor) === ACTOR_STATE.atBarrier
      ? this.words[WORDS * meeting + TIMES] !== scheduler.ticket(actor) : this.isHeldAt(meeting);
  }

  private barrier(actor: number, meeting: number): Meeting {
    const { scheduler, words } = this;
    const at = WORDS * meeting;
    if (scheduler.state(actor) === ACTOR_STATE.atBarrier && scheduler.meeting(actor) === meeting) {
      if (words[at + TIMES] === scheduler.ticket(actor)) return 'waits';
      scheduler.setState(actor, ACTOR_STATE.running);
      return 'goes on';
    }
    words[at + ARRIVED]!++;
    if (words[at + ARRIVED]! < this.expected(meeting).length) {
      scheduler.wait(actor, ACTOR_STATE.atBarrier, meeting, words[at + TIMES]!);
      return 'waits';
    }
    words[at + ARRIVED] = 0;
    words[at + TIMES]!++;
    return 'all have met';
  }

  /** A VM has died: nobody waits for its CPUs any more. Gives the barriers at which all the others have met. */
  forgetTheDead(): readonly number[] {
    const { scheduler, words, program } = this;
    return program.meetings.flatMap(({ kind }, meeting) => {
      const at = WORDS * meeting;
      const expected = this.expected(meeting);
      const waiting = expected.filter((actor) => (
        scheduler.state(actor) === ACTOR_STATE.atBarrier && scheduler.meeting(actor) === meeting && scheduler.ticket(actor) === words[at + TIMES]
      ));
      if (kind !== 'barrier') return [];
      words[at + ARRIVED] = waiting.length;
      if (waiting.length === 0 || waiting.length < expected.length) return [];
      words[at + ARRIVED] = 0;
      words[at + TIMES]!++;
      return [meeting];
    });
  }

  /** Those that have not come to a barrier yet. */
  missingAt(meeting: number): readonly number[] {
    const { scheduler, words } = this;
    const isThere = (actor: number): boolean => (
      scheduler.state(actor) === ACTOR_STATE.atBarrier && scheduler.meeting(actor) === meeting && scheduler.ticket(actor) === words[WORDS * meeting + TIMES]
    );
    return this.expected(meeting).filter((actor) => !isThere(actor));
  }

  /** Those that a barrier waits for. */
  private expected(meeting: number): readonly number[] {
    const { meetings, actors } = this.program;
    return meetings[meeting]!.actors.filter((actor) => !this.deaths.isGone(actors[actor]!.vm));
  }

  private await(actor: number, meeting: number): Meeting {
    const { scheduler } = this;
    const isHeld = this.isHeldAt(meeting);
    if (isHeld) scheduler.setState(actor, ACTOR_STATE.running);
    else scheduler.wait(actor, ACTOR_STATE.awaiting, meeting, 0);
    return isHeld ? 'goes on' : 'waits';
  }

  private release(meeting: number): Meeting {
    const { scheduler } = this;
    for (let actor = 0; actor < this.actors; actor++) {
      if (scheduler.state(actor) === ACTOR_STATE.held && scheduler.meeting(actor) === meeting) scheduler.setState(actor, ACTOR_STATE.released);
    }
    return 'goes on';
  }

  private isHeldAt(meeting: number): boolean {
    const { scheduler } = this;
    for (let actor = 0; actor < this.actors; actor++) {
      if (scheduler.state(actor) === ACTOR_STATE.held && scheduler.meeting(actor) === meeting) return true;
    }
    return false;
  }
}
