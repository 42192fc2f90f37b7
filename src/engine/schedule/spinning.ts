import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import type { Processor } from '../../hardware/processor/processor';
import { isZero, setPairAt } from '../arithmetic';
import type { GuestStack } from '../interpreter/guestStack';
import { COMPUTED, compute } from '../questions/values';

/** Loops that wait are short: `while shot_answers { waited = true }` is six instructions. */
const MOST_INSTRUCTIONS = 64;

/** What a turn of a loop is looked at with; arrays are by actor. */
export interface SpinningParts {
  readonly program: Program;
  readonly processors: readonly Processor[];
  readonly stacks: readonly GuestStack[];
  readonly globals: Int32Array;
}

/**
 * True when an actor that runs while nobody else can will never do anything but go round the loop it stands in: executed on
 * a copy of its registers, with nothing but computing on the way, it comes back to where it stands with the same values. A
 * loop that touches memory, sets a global or calls anything is not judged. Changes nothing, and depends on the machine as
 * it stands alone, so that a run taken up anywhere comes to the same end.
 */
export function spinsForEver({ program, processors, stacks, globals }: SpinningParts, actor: number): boolean {
  const stack = stacks[actor]!;
  if (processors[actor]?.hasPending === true) return false;
  const { code, constants } = program;
  const from = stack.pc;
  const size = 2 * program.procedures[stack.procedure]!.registers;
  const before = stack.words.subarray(stack.base, stack.base + size);
  const words = before.slice();
  let pc = from;
  for (let count = 0; count < MOST_INSTRUCTIONS; count++) {
    const at = pc * INSTRUCTION_WORDS;
    const operation = code[at]!;
    const a = code[at + 1]!;
    const b = code[at + 2]!;
    pc++;
    switch (operation) {
      case OP.statement: break;
      case OP.constant: setPairAt(words, 2 * a, constants[2 * b]!, constants[2 * b + 1]!); break;
      case OP.jump: pc = a; break;
      case OP.jumpIf: if (!isZero(words, 2 * a)) pc = b; break;
      case OP.jumpUnless: if (isZero(words, 2 * a)) pc = b; break;
      case OP.globalGet: setPairAt(words, 2 * a, globals[2 * b]!, globals[2 * b + 1]!); break;
      default: if (compute(operation, words, 2 * a, 2 * b, 2 * code[at + 3]!) !== COMPUTED.done) return false;
    }
    if (pc === from) return words.every((word, i) => word === before[i]);
  }
  return false;
}
