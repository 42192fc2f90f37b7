import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import type { AccessSieve } from './accessSieve';
import type { StraightSite } from './straightSite';
import { UNWATCHED, type StraightWatch } from './straightWatch';
import { isOfUnit, unitText, type Minded, type Unit } from './unitText';

/** Takes the site to where its unit ends, from the leader of this number on. */
type UnitFunction = (site: StraightSite, leader: number) => void;

interface HotUnit {
  readonly run: UnitFunction;
  /** Number of the leader at an instruction, from `from` on, or -1. */
  readonly leaderAt: Int32Array;
  readonly from: number;
}

/** What becomes of a unit. */
interface UnitState {
  readonly unit: Unit;
  heat: number;
  hot: HotUnit | undefined;
}

export interface UnitWishes {
  /** How often a unit is come to before it is made a function. */
  readonly warm?: number | undefined;
  readonly watch?: StraightWatch | undefined;
  readonly sieve?: AccessSieve | undefined;
  /** Those of the same program without a watch: units that the watch leaves as they are are these. */
  readonly plain?: HotUnits | undefined;
}

/** Instructions of a unit: V8 compiles no function of more than 60 KByte of bytecode, and an instruction takes up to 100. */
const MOST_INSTRUCTIONS = 400;
/** A unit that was come to so often has taken about as long as its function will take to make: some milliseconds. */
const WARM = 2000;

/**
 * The program's units: those that were come to often are JavaScript functions. It is nothing but faster, and where the
 * host allows no functions made of text (a content security policy without 'unsafe-eval') all stay cold.
 */
export class HotUnits {
  private readonly unitOf: Int32Array;
  private readonly states: readonly UnitState[];
  private readonly minded: Minded;
  /** Heat that makes a unit hot; never, where functions cannot be made. */
  private warm: number;

  constructor(private readonly program: Program, { warm = WARM, watch = UNWATCHED, sieve, plain }: UnitWishes = {}) {
    const units = unitsOf(program, watch.instructions);
    this.unitOf = new Int32Array(program.code.length / INSTRUCTION_WORDS).fill(-1);
    units.forEach(({ from, to, leaders }, unit) => {
      if (leaders.length > 0) this.unitOf.fill(unit, from, to);
    });
    const watched = new Set([...watch.instructions].map((pc) => this.unitOf[pc]));
    this.states = units.map((unit, number) => (
      plain === undefined || watch.isHeard || sieve !== undefined || watched.has(number) ? { unit, heat: 0, hot: undefined } : plain.states[number]!
    ));
    this.minded = { watch, isSieved: sieve !== undefined };
    this.warm = warm;
  }

  /** Units that are hot by now. */
  get hotCount(): number {
    return this.states.filter(({ hot }) => hot !== undefined).length;
  }

  /** True when the program, which has come to `pc`, can go on there in a hot unit; the unit gets warmer by it. */
  isHotAt(pc: number): boolean {
    if (!this.warmUp(pc)) return false;
    const { leaderAt, from } = this.states[this.unitOf[pc]!]!.hot!;
    return leaderAt[pc - from]! >= 0;
  }

  /** Runs the hot unit at `site.pc`. */
  run(site: StraightSite): void {
    const { run, leaderAt, from } = this.states[this.unitOf[site.pc]!]!.hot!;
    run(site, leaderAt[site.pc - from]!);
  }

  /** The program has come to `pc`, from behind or from elsewhere; true when its unit is hot. */
  warmUp(pc: number): boolean {
    const number = this.unitOf[pc]!;
    if (number < 0) return false;
    const state = this.states[number]!;
    if (state.hot !== undefined) return true;
    return ++state.heat >= this.warm && this.make(state);
  }

  private make(state: UnitState): boolean {
    const { unit } = state;
    const run = functionOf(unitText(this.program, unit, this.minded));
    if (run === undefined) {
      this.warm = Infinity;
      return false;
    }
    const leaderAt = new Int32Array(unit.to - unit.from).fill(-1);
    unit.leaders.forEach((leader, i) => { leaderAt[leader - unit.from] = i; });
    state.hot = { run, leaderAt, from: unit.from };
    return true;
  }
}

/** Undefined where the host allows none. */
function functionOf(text: string): UnitFunction | undefined {
  try {
    // Made of the numbers of a compiled program; no word of the scenario is in it.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    return new Function('site', 'at', text) as UnitFunction;
  } catch (refused) {
    if (refused instanceof SyntaxError) throw new Error(`invariant: a unit's text is no JavaScript: ${refused.message}`, { cause: refused });
    return undefined;
  }
}

/** Procedures in runs of statements. One that has no instruction of its own is left out. `left`: instructions that are left to the interpreter. */
function unitsOf({ code, procedures }: Program, left: ReadonlySet<number>): Unit[] {
  const operationAt = (pc: number): number => code[pc * INSTRUCTION_WORDS]!;
  const isOwn = (pc: number): boolean => isOfUnit(operationAt(pc)) && !left.has(pc);
  const targets = new Set<number>();
  for (let pc = 0; pc * INSTRUCTION_WORDS < code.length; pc++) {
    if (operationAt(pc) === OP.jump) targets.add(code[pc * INSTRUCTION_WORDS + 1]!);
    if ([OP.jumpIf, OP.jumpUnless, OP.jumpUnlessTechnique].some((jump) => jump === operationAt(pc))) targets.add(code[pc * INSTRUCTION_WORDS + 2]!);
    if (!isOwn(pc) || operationAt(pc) === OP.call) targets.add(pc + 1);
  }
  const units: Unit[] = [];
  for (const { entry, end } of procedures) {
    let from = entry;
    for (let pc = entry + 1; pc <= end; pc++) {
      const isFull = pc - from >= MOST_INSTRUCTIONS && operationAt(pc) === OP.statement;
      if (pc < end && !isFull && pc - from < 2 * MOST_INSTRUCTIONS) continue;
      units.push(unitFrom(from, pc, targets));
      from = pc;
    }
  }
  return units;

  function unitFrom(from: number, to: number, leaders: ReadonlySet<number>): Unit {
    const inside: number[] = [from];
    for (let pc = from + 1; pc < to; pc++) if (leaders.has(pc)) inside.push(pc);
    return { from, to, leaders: inside.filter(isOwn) };
  }
}
