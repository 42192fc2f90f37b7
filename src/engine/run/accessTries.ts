import { COUNTER } from '../../hardware/state/counters';
import type { Machine } from '../machine/machine';

/** Tries of accesses by the guest: a try ends with the access done or with a fault for the guest's handler. */
export interface Tries {
  readonly all: number;
  /** Those in which the processor left the guest at least once. */
  readonly withExit: number;
}

/**
 * Tells how much of a guest's memory traffic a technique lets the processor do by itself (Popek and
 * Goldberg's efficiency): the share of tries of an access that took no VM exit.
 */
export class AccessTries {
  private all = 0;
  private withExit = 0;
  private exits = 0;

  constructor(private readonly machine: Machine) {}

  /** Call after each instruction. */
  note(): void {
    const { run } = this.machine.interpreter;
    let exits = 0;
    for (const { counters } of this.machine.processors) exits += counters[COUNTER['exits.total']]!;
    if (run.isCounting && run.lastAccessStep === run.step - 1) {
      this.all++;
      if (exits > this.exits) this.withExit++;
    }
    this.exits = exits;
  }

  counted(): Tries {
    return { all: this.all, withExit: this.withExit };
  }
}
