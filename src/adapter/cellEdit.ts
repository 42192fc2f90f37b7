import type { Editable } from './editable';
import { littleEndian, makeEdit } from './editing';
import { typedEntry, wordsBefore } from '../inspect/typedEntry';
import { evaluateIn } from './evaluation';
import { badMemoryReference, cannotEdit, notStopped, type Failure } from './failures';
import { cpusOf, parseMemoryReference } from './memoryReference';
import { topFrame } from './requests/stack';
import type { HeldFrame, Launched, SessionState } from './sessionState';
import { isAddressType } from './valueText';

type Cell = Extract<Editable, { kind: 'cell' }>;

/** Bits of a cell that are given a value, as they lie in it. */
interface Wanted {
  readonly mask: bigint;
  readonly value: bigint;
}

/**
 * Gives an entry of a table, or some of its bits, the value of an expression, or for a whole entry of the line in which it is
 * `shown`, as a person has changed that; why not, if that cannot be.
 */
export function assignCell(state: SessionState, launched: Launched, { cell, shown }: { readonly cell: Cell; readonly shown: string }, text: string): Failure | undefined {
  const place = parseMemoryReference(cell.at);
  const cpu = place?.vm === undefined ? cell.cpu : cpusOf(launched.scenario.program, place.vm)?.[0];
  if (place === undefined || cpu === undefined) return badMemoryReference(cell.at);
  const held = topFrame(launched, cell.cpu);
  if (held === undefined) return notStopped('setVariable');
  const { space, address } = place;
  const old = launched.inspector.readMemory(cpu, space, address, cell.bytes).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  // Who confirms what is shown changes nothing.
  const wanted = cell.entry !== undefined && text === shown ? { mask: 0n, value: 0n }
    : entryWanted(launched, held, { cell, shown }, text) ?? bitsWanted(launched, held, cell, { text, ...(cell.isAddress === true ? { space: spaceOf(shown) } : {}) });
  if ('error' in wanted) return cannotEdit(wanted.error);
  return makeEdit(state, launched, { kind: 'memory', cpu, space, address, bytes: littleEndian((old & ~wanted.mask) | wanted.value, cell.bytes) });
}

/** What a line such as `P RW US A → gpa:0x5000` says of a whole entry; undefined: it is an expression. */
function entryWanted(launched: Launched, held: HeldFrame, { cell: { entry }, shown }: { readonly cell: Cell; readonly shown: string }, text: string): Wanted | { readonly error: string } | undefined {
  if (entry === undefined) return undefined;
  const before = wordsBefore(entry, shown);
  const typed = typedEntry(entry, text.startsWith(before) ? text.slice(before.length) : text);
  if (typed === undefined || 'error' in typed) return typed;
  const field = entry.fields.find(({ name }) => name === 'frame');
  // Where it leads is as it was, and of a large page that may be put together of more than one field.
  if (field === undefined || typed.frame === field.text) return typed;
  const frame = bitsWanted(launched, held, { bits: field.bits, bytes: 8, isAddress: true }, { text: typed.frame, space: spaceOf(field.text) });
  return 'error' in frame ? frame : { mask: typed.mask | frame.mask, value: typed.value | frame.value };
}

/** The space of an address as it is shown, `gpa:0x5000`. */
function spaceOf(shown: string): string {
  return shown.split(':')[0] ?? '';
}

/** `space`: that of the addresses which alone may stand there. */
function bitsWanted(
  launched: Launched, held: HeldFrame, { bits, bytes, isAddress }: Pick<Cell, 'bits' | 'bytes' | 'isAddress'>, { text, space }: { readonly text: string; readonly space?: string },
): Wanted | { readonly error: string } {
  const wanted = evaluateIn(launched, held, text);
  if ('error' in wanted) return wanted;
  if (space !== undefined && isAddressType(wanted.type) && wanted.type !== space) return { error: `The entry leads to an address of ${space}, and ${text} is one of ${wanted.type}: give it one of ${space}.` };
  const [high, low] = bits ?? [8 * bytes - 1, 0];
  const mask = ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
  const value = wanted.value << BigInt(isAddress === true ? 0 : low);
  if ((value & ~mask) === 0n) return { mask, value };
  const room = isAddress === true ? 'an address with no other bits' : `numbers below 0x${(1n << BigInt(high - low + 1)).toString(16)}`;
  return { error: `0x${wanted.value.toString(16)} does not fit: bits ${high}:${low} of the entry hold ${room}.` };
}
