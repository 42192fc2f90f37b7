import type { Edit } from '../engine/edits/edits';
import type { EditTarget } from '../language/editTarget';
import { registerNames, type ValueType } from '../language/program';
import { evaluateIn, siteOf } from './evaluation';
import { EVENT, type EditedEvent } from '../protocol/editEvents';
import { cannotEdit, Failure } from './failures';
import type { HeldFrame, Launched, SessionState } from './sessionState';
import { hex, isAddressType, valueText } from './valueText';

/** An expression in a frame that can be given a value. */
export interface EditedPlace {
  readonly launched: Launched;
  readonly held: HeldFrame;
  readonly expression: string;
}

/** Gives the place that an expression names the value of another one; why not, if that cannot be. */
export function assign(state: SessionState, place: EditedPlace, value: string): Failure | undefined {
  const { launched, held, expression } = place;
  const found = launched.scenario.editTarget(expression, siteOf(launched, held, expression));
  if ('error' in found) return cannotEdit(found.error);
  const wanted = evaluateIn(launched, held, value);
  if ('error' in wanted) return cannotEdit(wanted.error);
  const misfit = whyNoFit(found.target, wanted, expression, launched);
  if (misfit !== undefined) return cannotEdit(misfit);
  const edit = editOf(found.target, wanted.value, place);
  return 'error' in edit ? cannotEdit(edit.error) : makeEdit(state, launched, edit);
}

/** Makes an edit, and says what of the future is no more. */
export function commitEdit(state: SessionState, launched: Launched, edit: Edit): EditedEvent['dropped'] | Failure {
  const outcome = launched.debuggee.edit(edit);
  if ('refused' in outcome) return cannotEdit(outcome.refused);
  launched.inspector.noteEdit();
  const { dropped } = outcome;
  if (dropped !== undefined) state.output.note(droppedText(launched.debuggee.moment().step, dropped));
  if (outcome.wasRead === true) state.output.note('The instruction under way has read this entry by now, and goes on with what it read; the next walk reads the new value.');
  return dropped;
}

/** The same, and tells the client what it cannot know: what else is not as it was. */
export function makeEdit(state: SessionState, launched: Launched, edit: Edit): Failure | undefined {
  const outcome = commitEdit(state, launched, edit);
  if (outcome instanceof Failure) return outcome;
  const where = state.standsInPresent();
  // The client has the answer first: it may ask for all of it again in the turn of the event.
  state.behindAnswer.add(() => {
    if (state.launched !== launched || state.phase !== 'stopped') return;
    const body: EditedEvent = { where, ...(outcome === undefined ? {} : { dropped: outcome }) };
    state.send(EVENT.edited, body);
    if (state.client.knows('invalidated')) state.send('invalidated', { areas: ['variables'] });
    if (!state.client.knows('memory')) return;
    for (const { reference, count } of state.shownMemory.changed()) state.send('memory', { memoryReference: reference, offset: 0, count });
  });
  return undefined;
}

function droppedText(step: number, { steps, edits }: { readonly steps: number; readonly edits: number }): string {
  const more = edits === 0 ? '' : `, and ${edits} ${edits === 1 ? 'edit' : 'edits'} made there`;
  return `You have edited the past, at step ${step}: what came behind it is dropped, ${steps} ${steps === 1 ? 'step' : 'steps'}${more}.`;
}

function whyNoFit({ type, width, bits }: EditTarget, wanted: { readonly value: bigint; readonly type: ValueType }, expression: string, { scenario: { program } }: Launched): string | undefined {
  const text = valueText(wanted.value, wanted.type, program);
  if (isAddressType(wanted.type) && isAddressType(type) && wanted.type !== type) return `${expression} is a ${type}, and ${text} is none: give it an address of its own space.`;
  if ((wanted.type === 'process') !== (type === 'process')) return `${expression} is ${type === 'process' ? 'a process' : 'no process'}, and ${text} is ${type === 'process' ? 'none' : 'one'}.`;
  if (wanted.value >> BigInt(width) !== 0n) return `${text} does not fit: ${expression} has ${width} ${width === 1 ? 'bit' : 'bits'}.`;
  const stray = bits === undefined ? 0n : (wanted.value << BigInt(bits.shift)) & ~bits.mask;
  return stray === 0n ? undefined : `${text} does not fit: ${expression} has no room for ${hex(stray >> BigInt(bits?.shift ?? 0))} of it.`;
}

/** The edit of a whole place, of which bits that are not meant stay as they are. */
function editOf(target: EditTarget, value: bigint, { launched, held, expression }: EditedPlace): Edit | { readonly error: string } {
  const { bits } = target;
  let whole = value;
  if (bits !== undefined) {
    const old = evaluateIn(launched, held, wholeOf(target, expression));
    if ('error' in old) return old;
    whole = (old.value & ~bits.mask) | (value << BigInt(bits.shift));
  }
  const { cpu, depth } = held;
  switch (target.kind) {
    case 'variable': return { kind: 'variable', actor: cpu, depth, register: target.register, value: whole };
    case 'global': return { kind: 'global', global: target.global, value: whole };
    case 'register': return { kind: 'register', cpu, register: target.register, value: whole };
    case 'table': {
      const key = launched.debuggee.evaluate(target.key, cpu, depth);
      return 'error' in key ? key : { kind: 'table', table: target.table, key: key.value, value: whole };
    }
    case 'process': {
      const process = launched.debuggee.evaluate(target.process, cpu, depth);
      return 'error' in process ? process : { kind: 'process', process: Number(process.value), field: target.field, value: whole };
    }
    case 'memory': {
      const address = launched.debuggee.evaluate(target.address, cpu, depth);
      if ('error' in address) return address;
      return { kind: 'memory', cpu, space: address.type === 'gpa' ? 'gpa' : 'gva', address: address.value, bytes: littleEndian(whole, target.size) };
    }
  }
}

/** The expression of all of the place that the bits are in: what stands before the last dot, or the register that is named in part. */
function wholeOf(target: EditTarget, expression: string): string {
  return target.kind === 'register' ? registerNames[target.register]! : expression.slice(0, expression.lastIndexOf('.'));
}

/** A value as it lies in memory. */
export function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
