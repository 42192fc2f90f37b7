import { KIND } from '../../hardware/events/eventTable';
import { multiply, shiftLeft, shiftRight } from '../arithmetic';
import type { EventBus } from '../../hardware/events/eventBus';
import { AccessSieve } from './accessSieve';
import { HotUnits } from './hotUnits';
import type { Interpreter } from '../interpreter/interpreter';
import type { Machine } from '../machine/machine';
import type { Program } from '../../language/program';
import { straightCodeOf, type StraightCode } from './straightCode';
import { executeEntries } from './straightEntries';
import { LEFT, type StraightSite } from './straightSite';
import { NO_FLOOR, UNWATCHED, watchKey, type StraightWatch } from './straightWatch';
import { Whereabouts } from './whereabouts';

/** Steps that a run may take behind those that it was asked for: what has no loop in it. */
export const MOST_BEYOND = 1000;

/** Events that only instructions tell of which straight code leaves to `Interpreter.step`: they may be listened to. */
export const SINGLE_STEP_KINDS: ReadonlySet<number> = new Set([KIND.expectation_failed]);

/** Watches whose code is kept: a person goes back and forth between a few. */
const WATCHES_KEPT = 4;

/** The program as it is executed under a watch. */
interface Watched {
  readonly key: string;
  readonly watch: StraightWatch;
  readonly sieve: AccessSieve | undefined;
  readonly code: StraightCode;
  readonly units: HotUnits;
}

/**
 * Runs of instructions that nothing can come between: one CPU, no interrupt to look for, and nobody looking but at what a
 * `StraightWatch` names. It does what
 * `Interpreter.step` does, with program counter and counts in local variables until something else has to see them: by
 * entries of joined instructions, and as JavaScript where the program comes by often. Whatever it does not know it leaves
 * to `step`, which is the measure of it: a test holds both to the same state after any number of steps.
 */
export class StraightLine {
  private readonly interpreter: Interpreter;
  private readonly isAlone: boolean;
  private readonly program: Program;
  private readonly bus: EventBus;
  private readonly unwatched: Watched;
  private watched: Watched;
  /** Newest first. */
  private kept: readonly Watched[] = [];
  private readonly stop = new Int32Array(1);
  private floor = NO_FLOOR;
  /** By CPU. */
  private readonly sites: readonly StraightSite[];

  /** `warm`: how often the program comes to a unit before it is made JavaScript; left out, the usual number. */
  constructor({ interpreter, processors, program, bus }: Machine, private readonly warm?: number) {
    this.bus = bus;
    this.interpreter = interpreter;
    this.program = program;
    this.isAlone = program.actors.length === 1;
    this.unwatched = this.made(UNWATCHED);
    this.watched = this.unwatched;
    const { globals, tables, privilege, run, scheduler, scheduler: { attention }, stacks, repeats } = interpreter;
    this.sites = processors.map((processor, cpu): StraightSite => ({
      words: stacks[cpu]!.words, base: 0, globals, tables, processor, stack: stacks[cpu]!, attention, repeats: repeats[cpu]!,
      privilege, multiply, shiftLeft, shiftRight, whereabouts: new Whereabouts(stacks[cpu]!, processor.counters, run, scheduler), stop: this.stop, sieve: undefined,
      most: 0, pc: 0, steps: 0, counted: 0, statement: 0, accessAt: -1, accessStep: 0, left: LEFT.here,
    }));
  }

  /** Units that are JavaScript by now. */
  get hotUnits(): number {
    return this.watched.units.hotCount;
  }

  /** What is to be minded from here on. Straight code ends where it has come down to a frame at depth `floor`. */
  watch(watch: StraightWatch, floor: number): void {
    this.floor = floor;
    if (watch === this.watched.watch) return;
    const known = this.known(watch);
    this.watched = known ?? this.made(watch);
    if (known === undefined) this.kept = [this.watched, ...this.kept].slice(0, WATCHES_KEPT);
  }

  /** By whoever hears of an event: no step is executed behind the one that it is of. */
  stopBehindStep(): void {
    this.stop[0] = 1;
  }

  private known(watch: StraightWatch): Watched | undefined {
    if (watch === UNWATCHED) return this.unwatched;
    const same = this.kept.find((each) => each.watch === watch);
    if (same !== undefined) return same;
    const key = watchKey(watch);
    return [this.unwatched, ...this.kept].find((each) => each.key === key);
  }

  private made(watch: StraightWatch): Watched {
    const { program, warm } = this;
    const plain = watch === UNWATCHED ? undefined : this.unwatched.units;
    const { instructions, accesses } = watch;
    const sieve = accesses === 'all' || accesses.length === 0 ? undefined : new AccessSieve(accesses);
    return { key: watchKey(watch), watch, sieve, code: straightCodeOf(program, instructions), units: new HotUnits(program, { warm, watch, sieve, plain }) };
  }

  /** Executes at least one step, and ends soon behind the `most`-th; gives how many. The run must be running, and nobody listening but to `SINGLE_STEP_KINDS` unless the watch says so. */
  run(most: number): number {
    const { interpreter } = this;
    const { attention, current } = interpreter.scheduler;
    const site = this.sites[current];
    const steps = this.isAlone && attention[0] === 0 && site !== undefined ? this.executeSieved(site, current, most) : 0;
    if (steps > 0) return steps;
    interpreter.step();
    return 1;
  }

  /** Nobody wants to hear of accesses that straight code makes when a sieve leaves it those that nobody wants. */
  private executeSieved(site: StraightSite, cpu: number, most: number): number {
    const { bus, watched: { sieve } } = this;
    site.sieve = sieve;
    const isLeftOut = sieve !== undefined && bus.leaveOut(KIND.access_done);
    const steps = this.execute(site, cpu, most);
    if (isLeftOut) bus.takeIn(KIND.access_done);
    return steps;
  }

  private execute(site: StraightSite, cpu: number, most: number): number {
    const { code, units, watch } = this.watched;
    const { floor } = this;
    const { stack, stop } = site;
    const begin = site.whereabouts.start();
    stop[0] = 0;
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
      } while (site.left === LEFT.here && stop[0] === 0 && site.steps < most && stack.depth > floor && units.isHotAt(site.pc));
    } else {
      executeEntries(site, code, units, watch);
    }
    this.settle(site, cpu, begin);
    return site.steps;
  }

  /** Puts what was kept in local variables where all see it, and looks after the access that straight code was left with. */
  private settle(site: StraightSite, cpu: number, begin: number): void {
    const { interpreter, interpreter: { run, statements } } = this;
    const { accessAt, left } = site;
    const accessStep = begin + site.accessStep;
    site.whereabouts.tell(site.pc, left >= 0 ? site.accessStep : site.steps, site.counted, site.statement);
    if (left >= 0) interpreter.afterAccess(cpu, site.stack, site.processor, accessAt, left);
    if (accessAt >= 0) run.noteAccess(accessStep, statements.at(accessAt), cpu);
    run.step = begin + site.steps;
  }
}
