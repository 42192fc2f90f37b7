import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { dataId, type DataWatch } from '../breakpoints/dataBreakpoint';
import { evaluateIn } from '../evaluation';
import { notStopped } from '../failures';
import { memoryReference, ownerOf, parseMemoryReference } from '../memoryReference';
import { everyChild, type HeldFrame, type SessionState } from '../sessionState';
import { isAddressType } from '../valueText';
import { topFrame } from './stack';

/** Bytes watched when nobody says how many: one word of a 64-bit guest. */
const WORD_BYTES = 8;

/** What of memory a variable, an expression or a typed address stands for; `dataId` null says why it is none. */
export function dataBreakpointInfo(
  state: SessionState,
  args: DebugProtocol.DataBreakpointInfoArguments,
): Answer<DebugProtocol.DataBreakpointInfoResponse['body']> {
  const reference = memoryReferenceOf(state, args);
  const place = reference === undefined ? undefined : parseMemoryReference(reference);
  if (place === undefined) return { dataId: null, description: `"${args.name}" is no address: only memory can be watched.` };
  const { space, address, vm } = place;
  if (space !== 'gva' && space !== 'hpa') {
    return { dataId: null, description: `${space} addresses cannot be watched: give the gva, the hpa, or break on write:gpa:0x… for an entry.` };
  }
  const watch: DataWatch = { space, address, length: BigInt(args.bytes ?? WORD_BYTES), ...(vm === undefined || space === 'hpa' ? {} : { vm }) };
  return {
    dataId: dataId(watch),
    description: `${watch.length} bytes at ${memoryReference(place)}`,
    accessTypes: ['write', 'read', 'readWrite'],
    canPersist: true,
  };
}

export function setDataBreakpoints(
  state: SessionState,
  args: DebugProtocol.SetDataBreakpointsArguments,
): Answer<DebugProtocol.SetDataBreakpointsResponse['body']> {
  if (state.launched === undefined) return notStopped('setDataBreakpoints');
  const target = state.breakpointTarget(state.launched);
  return { breakpoints: state.breakpoints.setData(target, args.breakpoints) };
}

function memoryReferenceOf(state: SessionState, args: DebugProtocol.DataBreakpointInfoArguments): string | undefined {
  if (args.asAddress === true) return args.name;
  if (args.variablesReference !== undefined) {
    const children = state.references.find(args.variablesReference);
    return children === undefined ? undefined : everyChild(children).find(({ name }) => name === args.name)?.memoryReference;
  }
  const { launched } = state;
  if (launched === undefined) return undefined;
  const held: HeldFrame | undefined = args.frameId === undefined ? topFrame(launched, 0) : state.frames.find(args.frameId);
  if (held === undefined) return undefined;
  const result = evaluateIn(launched, held, args.name);
  return 'error' in result || !isAddressType(result.type) ? undefined : memoryReference({ space: result.type, address: result.value, ...ownerOf(launched.scenario.program, held.cpu, result.vm) });
}
