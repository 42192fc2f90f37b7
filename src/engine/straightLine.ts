import { STATUS, type Processor } from '../hardware/processor/processor';
import { COUNTER } from '../hardware/state/counters';
import { OP } from '../language/program';
import { multiply, shiftLeft, shiftRight } from './arithmetic';
import type { GuestStack } from './guestStack';
import type { Interpreter } from './interpreter';
import type { Machine } from './machine';
import { ENTRY, ENTRY_SHIFT, NOTHING, straightCodeOf, type StraightCode } from './straightCode';

/**
 * Runs of instructions that nothing can come between: one CPU, nobody listening, no interrupt to look for. It does what
 * `Interpreter.step` does, instruction by instruction, with program counter and counts in local variables until something
 * else has to see them. Whatever it does not know it leaves to `step`, which is the measure of it: a test holds both to
 * the same state after any number of steps.
 */
export class StraightLine {
  private readonly interpreter: Interpreter;
  private readonly processors: readonly Processor[];
  private readonly isAlone: boolean;
  /** 1 for each statement that is an expectation, which is not counted. */
  private readonly isExpect: Uint8Array;
  private readonly straight: StraightCode;

  constructor({ interpreter, processors, program }: Machine) {
    this.interpreter = interpreter;
    this.processors = processors;
    this.isAlone = program.actors.length === 1;
    this.straight = straightCodeOf(program);
    this.isExpect = Uint8Array.from(program.statements, (statement) => (statement.isExpect ? 1 : 0));
  }

  /** Executes at least one step, and ends soon behind the `most`-th; gives how many. The run must be running, and nobody listening. */
  run(most: number): number {
    const { interpreter } = this;
    const { attention, current } = interpreter.scheduler;
    const processor = this.processors[current];
    const steps = this.isAlone && attention[0] === 0 && processor !== undefined
      ? this.execute(interpreter.stacks[current]!, processor, current, most) : 0;
    if (steps > 0) return steps;
    interpreter.step();
    return 1;
  }

  /** The instructions up to one that it does not know; how many they were. */
  private execute(stack: GuestStack, processor: Processor, cpu: number, most: number): number {
    const { isExpect, straight: { entries, leading } } = this;
    const { globals, run, scheduler, statements, tables } = this.interpreter;
    const { attention } = scheduler;
    const { words, base } = stack;
    let pc = stack.pc;
    let steps = 0;
    let counted = 0;
    let statement = stack.statement;
    const start = run.step;
    let status: number = STATUS.done;
    let isAccess = false;
    let accessAt = -1;
    let accessStep = 0;
    const repeats = this.interpreter.repeats[cpu]!;

    running: while (steps < most) {
      const at = pc << ENTRY_SHIFT;
      const length = entries[at + ENTRY.length]!;
      const begun = leading[pc]!;
      if (begun !== 0) {
        statement = begun - 1;
        counted += 1 - isExpect[statement]!;
      }
      const constantTo = entries[at + ENTRY.constantTo]!;
      if (constantTo >= 0) {
        words[base + constantTo] = entries[at + ENTRY.constantLo]!;
        words[base + constantTo + 1] = entries[at + ENTRY.constantHi]!;
      }
      const a = entries[at + ENTRY.a]!;
      const b = entries[at + ENTRY.b]!;
      const ra = base + a;
      const rb = base + b;
      const rc = base + entries[at + ENTRY.c]!;
      switch (entries[at]!) {
        case NOTHING:
          break;
        case OP.move:
          words[ra] = words[rb]!;
          words[ra + 1] = words[rb + 1]!;
          break;
        case OP.add: {
          const x = words[rb]!;
          const y = words[rc]!;
          const lo = x + y | 0;
          words[ra + 1] = words[rb + 1]! + words[rc + 1]! + ((x & y | (x | y) & ~lo) >>> 31) | 0;
          words[ra] = lo;
          break;
        }
        case OP.subtract: {
          const x = words[rb]!;
          const y = words[rc]!;
          const lo = x - y | 0;
          words[ra + 1] = words[rb + 1]! - words[rc + 1]! - ((~x & y | (~x | y) & lo) >>> 31) | 0;
          words[ra] = lo;
          break;
        }
        case OP.multiply: multiply(words, ra, rb, rc); break;
        case OP.and: {
          const lo = words[rb]! & words[rc]!;
          words[ra + 1] = words[rb + 1]! & words[rc + 1]!;
          words[ra] = lo;
          break;
        }
        case OP.or: {
          const lo = words[rb]! | words[rc]!;
          words[ra + 1] = words[rb + 1]! | words[rc + 1]!;
          words[ra] = lo;
          break;
        }
        case OP.xor: {
          const lo = words[rb]! ^ words[rc]!;
          words[ra + 1] = words[rb + 1]! ^ words[rc + 1]!;
          words[ra] = lo;
          break;
        }
        case OP.shiftLeft: shiftLeft(words, ra, rb, rc); break;
        case OP.shiftRight: shiftRight(words, ra, rb, rc); break;
        case OP.equal: {
          const holds = words[rb] === words[rc] && words[rb + 1] === words[rc + 1] ? 1 : 0;
          words[ra] = holds;
          words[ra + 1] = 0;
          break;
        }
        case OP.notEqual: {
          const holds = words[rb] === words[rc] && words[rb + 1] === words[rc + 1] ? 0 : 1;
          words[ra] = holds;
          words[ra + 1] = 0;
          break;
        }
        case OP.less: {
          const bHi = words[rb + 1]! >>> 0;
          const cHi = words[rc + 1]! >>> 0;
          const holds = bHi < cHi || (bHi === cHi && words[rb]! >>> 0 < words[rc]! >>> 0) ? 1 : 0;
          words[ra] = holds;
          words[ra + 1] = 0;
          break;
        }
        case OP.lessOrEqual: {
          const bHi = words[rb + 1]! >>> 0;
          const cHi = words[rc + 1]! >>> 0;
          const holds = bHi < cHi || (bHi === cHi && words[rb]! >>> 0 <= words[rc]! >>> 0) ? 1 : 0;
          words[ra] = holds;
          words[ra + 1] = 0;
          break;
        }
        case OP.not: {
          const holds = (words[rb]! | words[rb + 1]!) === 0 ? 1 : 0;
          words[ra] = holds;
          words[ra + 1] = 0;
          break;
        }
        case OP.truth: {
          const holds = (words[rb]! | words[rb + 1]!) === 0 ? 0 : 1;
          words[ra] = holds;
          words[ra + 1] = 0;
          break;
        }
        case OP.complement:
          words[ra] = ~words[rb]!;
          words[ra + 1] = ~words[rb + 1]!;
          break;
        case OP.jump:
          pc = a - length;
          break;
        case OP.jumpIf:
          if ((words[ra]! | words[ra + 1]!) !== 0) pc = b - length;
          break;
        case OP.jumpUnless:
          if ((words[ra]! | words[ra + 1]!) === 0) pc = b - length;
          break;
        case OP.globalGet:
          words[ra] = globals[b]!;
          words[ra + 1] = globals[b + 1]!;
          break;
        case OP.globalSet:
          globals[a] = words[rb]!;
          globals[a + 1] = words[rb + 1]!;
          break;
        case OP.tableGet:
          tables.get(b, words[rc]!, words[rc + 1]!);
          words[ra] = tables.valueLo;
          words[ra + 1] = tables.valueHi;
          break;
        case OP.load:
          stack.statement = statement;
          status = processor.load(words[rb]!, words[rb + 1]!, entries[at + ENTRY.c]!);
          if (status === STATUS.done) {
            words[ra] = processor.valueLo;
            words[ra + 1] = processor.valueHi;
          }
          isAccess = true;
          break;
        case OP.store:
          stack.statement = statement;
          status = processor.store(words[ra]!, words[ra + 1]!, entries[at + ENTRY.c]!, words[rb]!, words[rb + 1]!);
          isAccess = true;
          break;
        case OP.readModifyWrite: {
          const form = entries[at + ENTRY.c]!;
          stack.statement = statement;
          status = processor.readModifyWrite(words[ra]!, words[ra + 1]!, form & 0xff, form >> 8, words[rb]!, words[rb + 1]!);
          isAccess = true;
          break;
        }
        default:
          break running;
      }
      pc += length;
      steps += length;
      if (!isAccess) continue;
      isAccess = false;
      accessStep = start + steps - 1;
      accessAt = pc - 1;
      if (status !== STATUS.done || attention[0] !== 0 || repeats.isCounting) {
        // The guest's handler may have to run: from here on others see where the program is.
        stack.pc = pc;
        run.step = accessStep;
        this.interpreter.afterAccess(cpu, stack, processor, accessAt, status);
        pc = stack.pc;
        break;
      }
    }

    if (accessAt >= 0) run.noteAccess(accessStep, statements.at(accessAt));
    stack.statement = statement;
    stack.pc = pc;
    run.step = start + steps;
    processor.counters[COUNTER.statements]! += counted;
    scheduler.countStatements(counted);
    return steps;
  }
}
