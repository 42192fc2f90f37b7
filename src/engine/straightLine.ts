import { KIND } from '../hardware/events/eventTable';
import { COUNTER } from '../hardware/state/counters';
import { multiply, shiftLeft, shiftRight } from './arithmetic';
import { HotUnits } from './hotUnits';
import type { Interpreter } from './interpreter';
import type { Machine } from './machine';
import { straightCodeOf, type StraightCode } from './straightCode';
import { executeEntries } from './straightEntries';
import { LEFT, type StraightSite } from './straightSite';

/** Steps that a run may take behind those that it was asked for: what has no loop in it. */
export const MOST_BEYOND = 1000;

/** Events that only instructions tell of which straight code leaves to `Interpreter.step`: they may be listened to. */
export const SINGLE_STEP_KINDS: ReadonlySet<number> = new Set([KIND.expectation_failed]);

/**
 * Runs of instructions that nothing can come between: one CPU, nobody listening, no interrupt to look for. It does what
 * `Interpreter.step` does, with program counter and counts in local variables until something else has to see them: by
 * entries of joined instructions, and as JavaScript where the program comes by often. Whatever it does not know it leaves
 * to `step`, which is the measure of it: a test holds both to the same state after any number of steps.
 */
export class StraightLine {
  private readonly interpreter: Interpreter;
  private readonly isAlone: boolean;
  private readonly straight: StraightCode;
  private readonly units: HotUnits;
  /** By CPU. */
  private readonly sites: readonly StraightSite[];

  /** `warm`: how often the program comes to a unit before it is made JavaScript; left out, the usual number. */
  constructor({ interpreter, processors, program }: Machine, warm?: number) {
    this.interpreter = interpreter;
    this.isAlone = program.actors.length === 1;
    this.straight = straightCodeOf(program);
    this.units = new HotUnits(program, warm);
    const { globals, tables, privilege, scheduler: { attention }, stacks, repeats } = interpreter;
    this.sites = processors.map((processor, cpu): StraightSite => ({
      words: stacks[cpu]!.words, base: 0, globals, tables, processor, stack: stacks[cpu]!, attention, repeats: repeats[cpu]!,
      privilege, multiply, shiftLeft, shiftRight,
      most: 0, pc: 0, steps: 0, counted: 0, statement: 0, accessAt: -1, accessStep: 0, left: LEFT.here,
    }));
  }

  /** Units that are JavaScript by now. */
  get hotUnits(): number {
    return this.units.hotCount;
  }

  /** Executes at least one step, and ends soon behind the `most`-th; gives how many. The run must be running, and nobody listening but to `SINGLE_STEP_KINDS`. */
  run(most: number): number {
    const { interpreter } = this;
    const { attention, current } = interpreter.scheduler;
    const site = this.sites[current];
    const steps = this.isAlone && attention[0] === 0 && site !== undefined ? this.execute(site, current, most) : 0;
    if (steps > 0) return steps;
    interpreter.step();
    return 1;
  }

  private execute(site: StraightSite, cpu: number, most: number): number {
    const { units } = this;
    const { stack } = site;
    site.most = most;
    site.steps = 0;
    site.counted = 0;
    site.accessAt = -1;
    site.statement = stack.statement;
    site.pc = stack.pc;
    site.base = stack.base;
    if (!site.repeats.isCounting && units.isHotAt(site.pc)) {
      do {
        site.base = stack.base;
        units.run(site);
      } while (site.left === LEFT.here && site.steps < most && units.isHotAt(site.pc));
    } else {
      executeEntries(site, this.straight, units);
    }
    this.settle(site, cpu);
    return site.steps;
  }

  /** Puts what was kept in local variables where all see it, and looks after the access that straight code was left with. */
  private settle(site: StraightSite, cpu: number): void {
    const { interpreter } = this;
    const { run, scheduler, statements } = interpreter;
    const { stack, processor, accessAt } = site;
    const start = run.step;
    const accessStep = start + site.accessStep;
    stack.pc = site.pc;
    stack.statement = site.statement;
    if (site.left >= 0) {
      run.step = accessStep;
      interpreter.afterAccess(cpu, stack, processor, accessAt, site.left);
    }
    if (accessAt >= 0) run.noteAccess(accessStep, statements.at(accessAt), cpu);
    run.step = start + site.steps;
    processor.counters[COUNTER.statements]! += site.counted;
    scheduler.countStatements(site.counted);
  }
}
