import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import { setNumberAt } from '../arithmetic';
import type { Machine } from '../machine/machine';
import { ACTOR_STATE } from '../schedule/scheduler';

/** What notes the state before a statement that expectations below it judge. */
const MARKS: ReadonlySet<number> = new Set([OP.mark, OP.counter]);
const JUMPS: ReadonlySet<number> = new Set([OP.jump]);
const CONDITIONAL_JUMPS: ReadonlySet<number> = new Set([OP.jumpIf, OP.jumpUnless]);

/** Has `actor` go on at `target`, or says why it cannot, as a sentence. Nothing that lies between is done or undone. */
export function jump(machine: Machine, actor: number, target: number): string | undefined {
  const refusal = whyNoJump(machine, actor, target);
  if (refusal !== undefined) return refusal;
  noteBefore(machine, actor, target);
  machine.interpreter.stacks[actor]!.pc = machine.program.statements[target]!.entry;
  return undefined;
}

/** Notes for the expectations below a statement what stands right before it, as the way there would have done. */
function noteBefore({ program, questions, interpreter: { stacks, happenings } }: Machine, actor: number, target: number): void {
  const { code } = program;
  const { words, base } = stacks[actor]!;
  for (let pc = beginning(program, target); pc < program.statements[target]!.entry; pc++) {
    const at = pc * INSTRUCTION_WORDS;
    const register = base + 2 * code[at + 1]!;
    const what = code[at + 2]!;
    setNumberAt(words, register, code[at] === OP.mark ? happenings[actor]!.count(what) : questions.counter(actor, what, code[at + 3]!));
  }
}

/** Why `actor` cannot be set to statement `target` from where it stands, as a sentence; undefined when it can. Touches nothing. */
export function whyNoJump({ program, interpreter }: Machine, actor: number, target: number): string | undefined {
  const { name } = program.actors[actor]!;
  const { scheduler, holds } = interpreter;
  if (scheduler.state(actor) !== ACTOR_STATE.running || scheduler.isHalted(actor)) return `${name} is not running its program now, so it has no place in it to change: wait until it goes on.`;
  if (holds.isArmed(actor)) return `${name} is armed to be held in its next statement, which a jump would pass by: jump before the \`hold\`.`;
  if (!interpreter.isAtStatement(actor)) return `${name} stands between two statements: step to the next one, and jump from there.`;
  const statement = program.statements[target]!;
  const from = interpreter.statementAhead(actor);
  const frame = interpreter.stacks[actor]!.frames()[0]!;
  if (statement.procedure !== frame.procedure) {
    return `A jump stays within a procedure: ${name} is in ${nameOf(program, frame.procedure)}, the line belongs to ${nameOf(program, statement.procedure)}. Call it, or step there.`;
  }
  if (statement.isExpect) return 'An `expect` judges the statement above it: jump to that one.';
  if (levelAt(program, from) !== levelAt(program, target)) return 'A jump does not change the CPL: choose a line on the same side of `user`.';
  if (loopsAround(program, target).some((loop) => !isWithin(program, from, loop))) return 'A jump into a loop would begin it in its middle, with nothing to count by: jump to the line of the loop itself.';
  return undefined;
}

function nameOf({ procedures }: Program, number: number): string {
  const { name, kind } = procedures[number]!;
  return name === '' ? kind : `\`${name}\``;
}

/** The first instruction that notes what stands before a statement, or the statement's own. */
function beginning({ code, statements }: Program, target: number): number {
  let at = statements[target]!.entry;
  while (at > 0 && MARKS.has(code[(at - 1) * INSTRUCTION_WORDS]!)) at--;
  return at;
}

/** CPL at which a statement begins, beside what its procedure was called at: `user S` changes it itself, `user { … }` does before. */
function levelAt({ code, statements }: Program, number: number): 0 | 3 {
  const { entry, user } = statements[number]!;
  return user && code[(entry + 1) * INSTRUCTION_WORDS] !== OP.enterLevel ? 3 : 0;
}

/** Statements that go round and have statement `target` within. */
function loopsAround(program: Program, target: number): readonly number[] {
  return program.statements.flatMap((_, number) => (number !== target && isWithin(program, target, number) && goesRound(program, number) ? [number] : []));
}

function isWithin({ statements }: Program, inner: number, outer: number): boolean {
  const { entry } = statements[inner]!;
  return entry >= statements[outer]!.entry && entry < statements[outer]!.end;
}

function goesRound({ code, statements }: Program, number: number): boolean {
  const { entry, end } = statements[number]!;
  for (let at = entry; at < end; at++) {
    const operation = code[at * INSTRUCTION_WORDS]!;
    const to = JUMPS.has(operation) ? code[at * INSTRUCTION_WORDS + 1]! : CONDITIONAL_JUMPS.has(operation) ? code[at * INSTRUCTION_WORDS + 2]! : at + 1;
    if (to <= at && to >= entry) return true;
  }
  return false;
}
