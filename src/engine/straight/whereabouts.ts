import { COUNTER } from '../../hardware/state/counters';
import type { GuestStack } from '../interpreter/guestStack';
import type { RunState } from '../interpreter/runState';
import type { Scheduler } from '../schedule/scheduler';

/**
 * Where straight code is, put where all see it: it keeps program counter and counts in local variables, and whoever hears of
 * an event looks at the machine as single steps would have left it there.
 */
export class Whereabouts {
  private begin = 0;
  private counted = 0;

  constructor(
    private readonly stack: GuestStack, private readonly counters: Float64Array, private readonly run: RunState, private readonly scheduler: Scheduler,
  ) {}

  /** Straight code begins; gives the step at which. */
  start(): number {
    this.begin = this.run.step;
    this.counted = 0;
    return this.begin;
  }

  /** It has come `steps` steps and `counted` statements from there; `pc`: the instruction behind the one that runs. */
  tell(pc: number, steps: number, counted: number, statement: number): void {
    const { stack, run } = this;
    stack.pc = pc;
    stack.statement = statement;
    run.step = this.begin + steps;
    const news = counted - this.counted;
    if (news === 0) return;
    this.counted = counted;
    this.counters[COUNTER.statements]! += news;
    this.scheduler.countStatements(news);
  }
}
