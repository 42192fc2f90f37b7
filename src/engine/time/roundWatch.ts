import type { Machine } from '../machine/machine';

/** Steps in which a loop is looked for, and how far apart such looks begin. */
const WINDOW = 1024;
const EVERY = 16 * WINDOW;
/** So often at one place with the same values it is a loop that waits. */
const ROUNDS = 8;

/**
 * Tells that an actor which runs alone goes round a loop in which nothing changes: it comes to a statement again and again
 * with the same values in all its frames and in the program's globals. Loops that count or compute are none, be it in memory:
 * what they have loaded is in their frames.
 */
export class RoundWatch {
  private readonly rounds = new Map<string, number>();
  private steps = 0;

  constructor(private readonly machine: Machine, private readonly actor: number) {}

  /** Looks at the moment behind a step; true when the actor goes round. */
  goesRound(): boolean {
    const { interpreter } = this.machine;
    const into = this.steps++ % EVERY;
    if (into === 0) this.rounds.clear();
    if (into >= WINDOW || !interpreter.isAtStatement(this.actor)) return false;
    const { pc, base, depth, words, procedure } = interpreter.stacks[this.actor]!;
    const end = base + 2 * this.machine.program.procedures[procedure]!.registers;
    const key = `${pc}/${depth}/${words.subarray(0, end).join()}/${interpreter.globals.join()}`;
    const rounds = (this.rounds.get(key) ?? 0) + 1;
    this.rounds.set(key, rounds);
    return rounds >= ROUNDS;
  }
}
