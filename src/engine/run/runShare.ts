import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import type { Interpreter } from '../interpreter/interpreter';

/** A loop of a CPU's own block whose turns can be counted: `for a in A .. B`, `repeat N`. */
interface CountedLoop {
  /** First instruction, and one past the last. */
  readonly entry: number;
  readonly end: number;
  /** Register that runs; towards the bound's value, or without a bound down to 0. */
  readonly runs: number;
  readonly bound: number | undefined;
}

/**
 * Guesses how much of a run is done, for whoever waits: how many of the CPUs' outermost loops they have passed, and how far
 * they are in the present one. What lies between loops counts as nothing. Reads the machine and changes nothing.
 */
export class RunShare {
  private readonly loops: readonly (readonly CountedLoop[])[];
  /** Where the running register stood when a loop was first seen, by the loop's first instruction. */
  private readonly seen = new Map<number, number>();

  constructor(private readonly program: Program, private readonly interpreter: Interpreter) {
    this.loops = program.cpus.map((procedure) => outermostLoops(program, procedure));
  }

  /** 0 to 1; undefined when a CPU runs in no such loop, so that nobody can know. */
  share(): number | undefined {
    const shares = this.loops.map((loops, cpu) => this.shareOf(loops, cpu)).filter((share) => share !== undefined);
    return shares.length === 0 ? undefined : Math.min(...shares);
  }

  private shareOf(loops: readonly CountedLoop[], cpu: number): number | undefined {
    const stack = this.interpreter.stacks[cpu];
    const block = stack?.frames().at(-1);
    if (stack === undefined || block === undefined) return undefined;
    const at = loops.findIndex(({ entry, end }) => entry <= block.pc && block.pc < end);
    const loop = loops[at];
    if (loop === undefined) return undefined;
    const value = (register: number): number => {
      const words = block.base + 2 * register;
      return (stack.words[words + 1]! >>> 0) * 4294967296 + (stack.words[words]! >>> 0);
    };
    const now = value(loop.runs);
    const first = this.seen.get(loop.entry) ?? now;
    this.seen.set(loop.entry, first);
    const whole = (loop.bound === undefined ? 0 : value(loop.bound)) - first;
    const done = whole === 0 ? 0 : (now - first) / whole;
    return done >= 0 && done <= 1 ? (at + done) / loops.length : undefined;
  }
}

function outermostLoops(program: Program, procedure: number): readonly CountedLoop[] {
  const loops: CountedLoop[] = [];
  for (const statement of program.statements) {
    if (statement.procedure !== procedure || statement.entry < (loops.at(-1)?.end ?? 0)) continue;
    const loop = countedLoop(program.code, statement.entry, statement.end);
    if (loop !== undefined) loops.push(loop);
  }
  return loops;
}

/** The loop that these instructions are, told by the jump back at its end and the test that this leads to. */
function countedLoop(code: Int32Array, entry: number, end: number): CountedLoop | undefined {
  const word = (instruction: number, place: number): number => code[instruction * INSTRUCTION_WORDS + place] ?? -1;
  const top = word(end - 1, 1);
  if (word(end - 1, 0) !== OP.jump || top <= entry || top >= end) return undefined;
  if (word(top, 0) === OP.less && word(top + 1, 0) === OP.jumpUnless && word(top + 1, 1) === word(top, 1)) {
    return { entry, end, runs: word(top, 2), bound: word(top, 3) };
  }
  const isCountdown = word(top, 0) === OP.jumpUnless && word(end - 2, 0) === OP.subtract && word(end - 2, 1) === word(top, 1);
  return isCountdown ? { entry, end, runs: word(top, 1), bound: undefined } : undefined;
}
