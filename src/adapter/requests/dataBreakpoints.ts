import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { dataId, type DataWatch, type MemoryWatch } from '../breakpoints/dataBreakpoint';
import { inMode } from '../breakpoints/dataModes';
import { memoryWatchKinds, usesOf } from '../breakpoints/memoryWatch';
import { watchedValue } from '../breakpoints/watchedValue';
import { evaluateIn } from '../evaluation';
import { notStopped } from '../failures';
import { cpusOf, memoryReference, ownerOf, parseMemoryReference, type MemoryPlace } from '../memoryReference';
import { registerOf } from '../breakpoints/registerReads';
import { askedRow, rowWatch } from '../breakpoints/watchedRow';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { isAddressType } from '../valueText';
import { topFrame } from './stack';

/** Bytes watched when nobody says how many: one word of a 64-bit guest, an entry of its tables. */
const WORD_BYTES = 8;
const BARE_NUMBER = /^\s*(?:0x[0-9a-f]+|\d+)\s*$/i;
const FIELD = /^\s*(?:vmcs|vmcb) field \w+\s*$/;

type Info = DebugProtocol.DataBreakpointInfoResponse['body'];

/** What a row, an expression or a typed address stands for that can be watched; `dataId` null says why it is none. */
export function dataBreakpointInfo(state: SessionState, args: DebugProtocol.DataBreakpointInfoArguments): Answer<Info> {
  const { launched } = state;
  if (launched === undefined) return notStopped('dataBreakpointInfo');
  const asked = watchAsked(state, launched, args);
  const watch = 'error' in asked ? asked : inMode(asked, args.mode, launched.scenario.program, launched.inspector);
  if ('error' in watch) return refused(watch.error);
  return watch.kind === 'memory' ? memoryInfo(watch) : valueInfo(launched, watch);
}

export function setDataBreakpoints(
  state: SessionState,
  args: DebugProtocol.SetDataBreakpointsArguments,
): Answer<DebugProtocol.SetDataBreakpointsResponse['body']> {
  if (state.launched === undefined) return notStopped('setDataBreakpoints');
  const target = state.breakpointTarget(state.launched);
  return { breakpoints: state.breakpoints.setData(target, args.breakpoints) };
}

function refused(description: string): Info {
  return { dataId: null, description };
}

function memoryInfo(watch: MemoryWatch): Info {
  if (memoryWatchKinds(watch, usesOf(watch, 'readWrite')).length === 0) {
    return refused('Entries of tables are walked by their physical address: write walk gpa:0x… or walk hpa:0x….');
  }
  const { use, length } = watch;
  return {
    dataId: dataId(watch),
    description: `${use === undefined ? '' : `${use} `}${length} ${length === 1n ? 'byte' : 'bytes'} at ${memoryReference(watch)}`,
    accessTypes: use === undefined ? ['write', 'read', 'readWrite'] : ['read'],
    canPersist: true,
  };
}

function valueInfo({ scenario, inspector }: Launched, watch: Exclude<DataWatch, MemoryWatch>): Info {
  const value = watchedValue({ scenario, inspector }, watch);
  const thread = scenario.program.actors[watch.actor];
  if ('error' in value || thread === undefined) return refused(`"${watch.expression}" cannot be watched: ${'error' in value ? value.error : 'there is no such thread.'}`);
  const isRegister = registerOf(watch.expression) !== undefined;
  return { dataId: dataId(watch), description: `${watch.expression} of ${thread.name}`, accessTypes: isRegister ? ['write', 'read', 'readWrite'] : ['write'], canPersist: true };
}

function watchAsked(state: SessionState, launched: Launched, args: DebugProtocol.DataBreakpointInfoArguments): DataWatch | { readonly error: string } {
  if (args.asAddress === true) return typedAddress(launched, args);
  const held: HeldFrame | undefined = args.frameId === undefined ? topFrame(launched, 0) : state.frames.find(args.frameId);
  if (args.variablesReference !== undefined) {
    const row = askedRow(state, args.variablesReference, args.name);
    if (row === undefined) return { error: `There is no row "${args.name}" there any more: ask again at this stop.` };
    const watch = rowWatch(launched, row);
    return 'at' in watch ? memoryAt(launched, watch.at, watch.bytes ?? args.bytes, args.name) : watch;
  }
  if (FIELD.test(args.name) || registerOf(args.name) !== undefined) return { kind: 'value', actor: held?.cpu ?? 0, expression: args.name.trim() };
  const result = held === undefined ? undefined : evaluateIn(launched, held, args.name);
  if (held === undefined || result === undefined || BARE_NUMBER.test(args.name)) return noAddress(args.name);
  if ('error' in result) return { error: `"${args.name}" cannot be watched: ${result.error} An address, a register or a value that changes can be: gva:0x600000, walk gpa:0x3000 or cr3.` };
  if (!isAddressType(result.type)) return { kind: 'value', actor: held.cpu, expression: args.name.trim() };
  const place = { space: result.type, address: result.value, ...ownerOf(launched.scenario.program, held.cpu, result.vm) };
  return memoryOf(launched, place, args.bytes);
}

/** `[execute|walk ]ADDRESS`, of the space that a mode names where it names none itself. */
function typedAddress(launched: Launched, { name, bytes, mode }: DebugProtocol.DataBreakpointInfoArguments): DataWatch | { readonly error: string } {
  const [, use, text = ''] = /^\s*(?:(execute|walk)\s+)?(.*)$/s.exec(name) ?? [];
  if (FIELD.test(text)) return { kind: 'value', actor: 0, expression: text.trim() };
  const space = mode === 'gpa' || mode === 'hpa' ? `${mode}:` : '';
  const address = BARE_NUMBER.test(text) ? `${space}${text.trim()}` : text;
  const watch = memoryAt(launched, address, bytes ?? (use === 'execute' ? 1 : WORD_BYTES), name);
  return 'error' in watch || use === undefined ? watch : { ...watch, use: use === 'walk' ? 'walk' : 'execute' };
}

function memoryAt(launched: Launched, text: string, bytes: number | undefined, name: string): MemoryWatch | { readonly error: string } {
  const place = parseMemoryReference(text);
  return place === undefined ? noAddress(name) : memoryOf(launched, place, bytes);
}

function memoryOf({ inspector, scenario: { program } }: Launched, place: MemoryPlace, bytes = WORD_BYTES): MemoryWatch | { readonly error: string } {
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes >= 1e8) return { error: `${bytes} bytes cannot be watched: give 1 to 99999999.` };
  const { space, address, vm } = place;
  const watch = { kind: 'memory', length: BigInt(bytes), ...(vm === undefined || space === 'hpa' ? {} : { vm }) } as const;
  if (space !== 'hva') return { ...watch, space, address };
  const gpa = inspector.guestAddress(cpusOf(program, vm)?.[0] ?? 0, 'hva', address);
  return gpa === undefined ? { error: `${memoryReference(place)} lies in no memory slot: no guest can reach it.` } : { ...watch, space: 'gpa', address: gpa };
}

function noAddress(name: string): { readonly error: string } {
  return { error: `"${name}" is no address, register or value that changes: write one such as gva:0x600000, walk gpa:0x3000 or cr3.` };
}
