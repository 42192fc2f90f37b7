import type { Editable } from './editable';
import { littleEndian, makeEdit } from './editing';
import { evaluateIn } from './evaluation';
import { badMemoryReference, cannotEdit, notStopped, type Failure } from './failures';
import { cpusOf, parseMemoryReference } from './memoryReference';
import { topFrame } from './requests/stack';
import type { Launched, SessionState } from './sessionState';

type Cell = Extract<Editable, { kind: 'cell' }>;

/** Gives an entry of a table, or some of its bits, the value of an expression; why not, if that cannot be. */
export function assignCell(state: SessionState, launched: Launched, cell: Cell, text: string): Failure | undefined {
  const place = parseMemoryReference(cell.at);
  const cpu = place?.vm === undefined ? cell.cpu : cpusOf(launched.scenario.program, place.vm)?.[0];
  if (place === undefined || cpu === undefined) return badMemoryReference(cell.at);
  const held = topFrame(launched, cell.cpu);
  if (held === undefined) return notStopped('setVariable');
  const wanted = evaluateIn(launched, held, text);
  if ('error' in wanted) return cannotEdit(wanted.error);
  const [high, low] = cell.bits ?? [8 * cell.bytes - 1, 0];
  const shift = BigInt(cell.isAddress === true ? 0 : low);
  const mask = ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
  if (((wanted.value << shift) & ~mask) !== 0n) return cannotEdit(`0x${wanted.value.toString(16)} does not fit: bits ${high}:${low} of the entry hold ${cell.isAddress === true ? 'an address with no other bits' : `numbers below 0x${(1n << BigInt(high - low + 1)).toString(16)}`}.`);
  const { space, address } = place;
  const old = launched.inspector.readMemory(cpu, space, address, cell.bytes).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return makeEdit(state, launched, { kind: 'memory', cpu, space, address, bytes: littleEndian((old & ~mask) | (wanted.value << shift), cell.bytes) });
}
