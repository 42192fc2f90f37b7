import { KIND_AT, VALUES_AT, VALUES_SET_AT, field } from '../../hardware/events/eventTable';
import { VMCS, vmcsFields } from '../../hardware/vmx/vmcs';
import { INSTRUCTION_WORDS, OP, eventFieldNames, queries, type Fragment, type ValueType } from '../../language/program';
import { isZero, pairToBigInt, setNumberAt, setPairAt } from '../arithmetic';
import type { Machine } from '../machine/machine';
import { COMPUTED, compute as computeValue } from './values';

export type Watched = { readonly value: bigint; readonly type: ValueType } | { readonly error: string };

const NOTHING_SEEN: Seen = {};

/** Instructions one expression may take; they do not loop, so this is never met by a right one. */
const LIMIT = 10_000;

/** What an expression is read on besides the machine. */
export interface Seen {
  /** The event that a condition is judged on; that of a listing line carries its named values. */
  readonly record?: Int32Array | undefined;
  /** Named values of the listing line that a watch is read on, by their numbers; undefined for one that is not set. */
  readonly values?: readonly (bigint | undefined)[] | undefined;
}

/** Registers of the expression that is evaluated: one at a time, and each puts in what it reads. */
let scratch = new Int32Array(256);

function scratchOf(words: number): Int32Array {
  if (scratch.length < words) scratch = new Int32Array(2 * words);
  else scratch.fill(0, 0, words);
  return scratch;
}

/**
 * Evaluates a compiled expression in guest frame `depth` of `cpu` (0: the `cpu` block's) on the
 * machine as it stands, and touches nothing.
 */
export function evaluate(machine: Machine, fragment: Fragment, cpu: number, depth: number, seen: Seen = NOTHING_SEEN): Watched {
  const words = compute(machine, fragment, cpu, depth, seen);
  if (typeof words === 'string') return { error: words };
  const at = 2 * fragment.result;
  return { value: pairToBigInt(words[at]!, words[at + 1]!), type: fragment.type };
}

/** As `evaluate`: puts the value's halves into `to` at `at`; false when it has none. */
export function readHalves(machine: Machine, fragment: Fragment, cpu: number, depth: number, to: Int32Array, at: number): boolean {
  const words = compute(machine, fragment, cpu, depth, NOTHING_SEEN);
  if (typeof words === 'string') return false;
  to[at] = words[2 * fragment.result]!;
  to[at + 1] = words[2 * fragment.result + 1]!;
  return true;
}

/** Whether a condition is true on the machine, in the running frame of `cpu`; a sentence when that cannot be judged. `record`: its event. */
export function holds(machine: Machine, condition: Fragment, cpu: number, record: Int32Array | undefined): boolean | string {
  const words = compute(machine, condition, cpu, machine.interpreter.stacks[cpu]!.depth, record === undefined ? NOTHING_SEEN : { record });
  return typeof words === 'string' ? words : !isZero(words, 2 * condition.result);
}

/** The registers behind the last instruction, until the next expression is computed; a sentence when it has no value. */
function compute(machine: Machine, fragment: Fragment, cpu: number, depth: number, seen: Seen): Int32Array | string {
  const { interpreter, questions } = machine;
  const stack = interpreter.stacks[cpu]!;
  const base = stack.baseAt(depth);
  if (base < 0) return 'that frame is gone';
  const registers = machine.program.procedures[stack.procedureAt(base)]!.registers;
  const words = scratchOf(2 * (registers + fragment.registers));
  for (let i = 0; i < 2 * registers; i++) words[i] = stack.words[base + i]!;
  const missing = putListedValues(fragment, seen, words);
  if (missing !== undefined) return `\`${missing}\` has no value yet.`;
  const { code } = fragment;

  let pc = 0;
  for (let count = 0; pc * INSTRUCTION_WORDS < code.length && count < LIMIT; count++) {
    const at = pc * INSTRUCTION_WORDS;
    const operation = code[at]!;
    const a = code[at + 1]!;
    const b = code[at + 2]!;
    const c = code[at + 3]!;
    pc++;
    switch (operation) {
      case OP.constant: setPairAt(words, 2 * a, fragment.constants[2 * b]!, fragment.constants[2 * b + 1]!); break;
      case OP.jump: pc = a; break;
      case OP.jumpIf: if (!isZero(words, 2 * a)) pc = b; break;
      case OP.jumpUnless: if (isZero(words, 2 * a)) pc = b; break;
      case OP.globalGet: setPairAt(words, 2 * a, interpreter.globals[2 * b]!, interpreter.globals[2 * b + 1]!); break;
      case OP.tableGet:
        interpreter.tables.get(b, words[2 * c]!, words[2 * c + 1]!);
        setPairAt(words, 2 * a, interpreter.tables.valueLo, interpreter.tables.valueHi);
        break;
      case OP.processGet: interpreter.processes.get(words[2 * c]!, b, words, 2 * a); break;
      case OP.registerGet:
      case OP.peekRegister:
        if (machine.processors[cpu] === undefined) return 'a host thread has no registers: look in the frame of a CPU';
        questions.register(cpu, b);
        setPairAt(words, 2 * a, questions.valueLo, questions.valueHi);
        break;
      case OP.query:
        if (queries[b] === 'tlb.holds' && machine.processors[cpu] === undefined) return 'a host thread has no TLB: look in the frame of a CPU';
        questions.ask(cpu, b, words, 2 * a, words[2 * c]!, words[2 * c + 1]!);
        break;
      case OP.queryOf:
        questions.askIn(words[2 * c + 2]!, () => questions.ask(cpu, b, words, 2 * a, words[2 * c]!, words[2 * c + 1]!));
        break;
      case OP.peek:
      case OP.peekOf: {
        const found = { isMapped: false };
        const look = (): void => { found.isMapped = questions.peek(cpu, words[2 * b]!, words[2 * b + 1]!, c); };
        if (operation === OP.peek) look();
        else questions.askIn(words[2 * b + 2]!, look);
        if (!found.isMapped) {
          return questions.unmappedText(questions.endVm, questions.endLevel, words[2 * b]!, words[2 * b + 1]!);
        }
        setPairAt(words, 2 * a, questions.valueLo, questions.valueHi);
        break;
      }
      case OP.vmcsGet: {
        const half = VMCS[vmcsFields[b]!.name];
        setPairAt(words, 2 * a, machine.nesting.peek(cpu, half), machine.nesting.peek(cpu, half + 1));
        break;
      }
      case OP.counter: setNumberAt(words, 2 * a, questions.counter(cpu, b, c)); break;
      case OP.eventField: eventField(seen.record, b, words, 2 * a); break;
      default: {
        const computed = computeValue(operation, words, 2 * a, 2 * b, 2 * c);
        if (computed === COMPUTED.divideByZero) return 'division by zero';
        if (computed === COMPUTED.notMine) return 'the expression does more than look';
      }
    }
  }
  return words;
}

/** Puts the values of the listing line into their registers; gives the name of one that is read and not set. */
function putListedValues({ values }: Fragment, seen: Seen, words: Int32Array): string | undefined {
  if (values === undefined) return undefined;
  for (const { number, name } of values.read) {
    const value = listedValue(seen, number);
    if (value === undefined) return name;
    setPairAt(words, 2 * (values.at + number), Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }
  return undefined;
}

function listedValue({ record, values }: Seen, number: number): bigint | undefined {
  if (record === undefined) return values?.[number];
  if ((record[VALUES_SET_AT]! & (1 << number)) === 0) return undefined;
  return pairToBigInt(record[VALUES_AT + 2 * number]!, record[VALUES_AT + 2 * number + 1]!);
}

/** Field of the event that is judged; absent ones, and all of them without an event, are 0. */
function eventField(record: Int32Array | undefined, index: number, words: Int32Array, to: number): void {
  const name = eventFieldNames[index]!;
  if (record === undefined) return setPairAt(words, to, 0, 0);
  if (name === 'kind') return setPairAt(words, to, record[KIND_AT]!, 0);
  const { at, words: count } = field[name];
  setPairAt(words, to, record[at]!, count === 2 ? record[at + 1]! : 0);
}
