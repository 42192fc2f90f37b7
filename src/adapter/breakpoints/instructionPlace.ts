import type { Debuggee, EventView } from '../../engine/debuggee';
import { momentAt } from '../../engine/time/statementSteps';
import { KIND, KIND_AT, field, type EventName, type Field } from '../../hardware/events/eventTable';
import { disassemble } from '../../language/disassemble';
import type { Program } from '../../language/program';

/**
 * What a row of the disassembly is, whenever the program comes by again: an instruction of the compiled scenario, or the n-th
 * event of a sort that the machine does for it.
 */
export interface InstructionPlace {
  readonly statement: number;
  readonly instruction: number;
  /** How the program had that instruction: another program's may be another one. */
  readonly written: string;
  /** Left out: the instruction itself. */
  readonly event?: EventOfInstruction;
}

export interface EventOfInstruction {
  readonly kind: EventName;
  /** Fields that tell what it is, with their values; not those that tell where. */
  readonly same: readonly (readonly [Field, number])[];
  /** Which of those in a step, from 1. */
  readonly nth: number;
}

/** Fields that make an event another step of a walk, another exit, another line: what it is done to may be elsewhere each time. */
const telling: readonly Field[] = ['reason', 'level', 'space', 'guestLevel', 'what', 'vector', 'listing', 'line'];
/** Kinds whose `index` is the number of a procedure or a register. */
const numbered: ReadonlySet<string> = new Set<EventName>(['listing_call', 'listing_return', 'cr_write', 'register_write']);
const ADDRESS = /^0x[0-9a-f]{1,16}$/i;

/** The address that a reference and an offset from it come to; undefined when it is none. */
export function instructionAddress(reference: string, offset = 0): bigint | undefined {
  if (!ADDRESS.test(reference) || !Number.isSafeInteger(offset)) return undefined;
  const address = BigInt(reference) + BigInt(offset);
  return address < 0n ? undefined : address;
}

/** The row at an address: of the statement stood in, or of a step in history. Undefined: there is none. */
export function instructionPlace(debuggee: Debuggee, address: bigint): InstructionPlace | undefined {
  const { step, event } = momentAt(address);
  const known = debuggee.knownStep(step);
  if (known === undefined || event > known.events.length) return undefined;
  const { statement, instruction, events } = known;
  const place = { statement, instruction, written: writtenAt(debuggee.program, statement, instruction) };
  const at = events[event - 1];
  if (at === undefined) return place;
  const same = tellingOf(at);
  const nth = events.slice(0, event).filter((each) => each.kind === at.kind && same.every(([name, value]) => wordOf(each, name) === value)).length;
  return { ...place, event: { kind: at.kind as EventName, same, nth } };
}

/** Whether the program has at a place what it had there when the place was found. */
export function isStillThere(program: Program, { statement, instruction, written }: InstructionPlace): boolean {
  return program.statements[statement] !== undefined && writtenAt(program, statement, instruction) === written;
}

/** Whether a record is of the event's sort. */
export function isOfSort({ kind, same }: EventOfInstruction): (record: Int32Array) => boolean {
  const number = KIND[kind];
  return (record) => record[KIND_AT] === number && same.every(([name, value]) => record[field[name].at] === value);
}

function tellingOf(event: EventView): readonly (readonly [Field, number])[] {
  const names: readonly Field[] = numbered.has(event.kind) ? [...telling, 'index'] : telling;
  return names.filter((name) => Object.hasOwn(event.fields, name)).map((name) => [name, wordOf(event, name)] as const);
}

function wordOf({ fields }: EventView, name: Field): number {
  return Number(BigInt.asIntN(32, fields[name] ?? 0n));
}

function writtenAt(program: Program, statement: number, instruction: number): string {
  const range = program.statements[statement]?.range;
  const file = program.files[range?.file ?? -1]?.path ?? '';
  return `${file}:${range?.line ?? -1}:${range?.column ?? -1} ${disassemble(program, instruction, instruction + 1)}`;
}
