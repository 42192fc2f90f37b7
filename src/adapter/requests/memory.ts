import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { base64, bytesOf } from '../base64';
import { makeEdit } from '../editing';
import { badMemoryData, badMemoryReference, badReadCount, cannotEdit, Failure, notStopped } from '../failures';
import { cpusOf, parseMemoryReference, type MemoryPlace } from '../memoryReference';
import type { Launched, SessionState } from '../sessionState';

const MOST_BYTES = 1 << 20;

/** A reference of the client's, and whose spaces it is of. */
interface Referred {
  readonly launched: Launched;
  readonly place: MemoryPlace;
  readonly cpu: number;
}

function referred(state: SessionState, command: string, reference: string): Referred | Failure {
  const place = parseMemoryReference(reference);
  if (place === undefined) return badMemoryReference(reference);
  const { launched } = state;
  if (launched === undefined) return notStopped(command);
  const cpu = place.vm === undefined ? stoppedCpu(state, launched) : cpusOf(launched.scenario.program, place.vm)?.[0];
  return cpu === undefined ? badMemoryReference(reference) : { launched, place, cpu };
}

function addressAt({ place: { address } }: Referred, offset: number | undefined): bigint {
  return BigInt.asUintN(64, address + BigInt(Math.trunc(offset ?? 0)));
}

/**
 * Bytes of one of the four address spaces. The protocol has no way to say "a hole, then data", and
 * clients fill a short answer with zeros: so reading stops at the first hole and says how many are missing.
 */
export function readMemory(
  state: SessionState,
  args: DebugProtocol.ReadMemoryArguments,
): Answer<NonNullable<DebugProtocol.ReadMemoryResponse['body']>> {
  const asked = referred(state, 'readMemory', args.memoryReference);
  if (asked instanceof Failure) return asked;
  if (!Number.isInteger(args.count) || args.count < 0 || args.count > MOST_BYTES) return badReadCount(args.count, MOST_BYTES);
  const { launched: { inspector }, place: { space }, cpu } = asked;
  const address = addressAt(asked, args.offset);
  const bytes = inspector.readMemory(cpu, space, address, args.count);
  state.shownMemory.note(args.memoryReference, Math.trunc(args.offset ?? 0), bytes, (offset, count) => inspector.readMemory(cpu, space, addressAt(asked, offset), count));
  const missing = args.count - bytes.length;
  return {
    address: `0x${address.toString(16)}`,
    data: base64(bytes),
    ...(missing === 0 ? {} : { unreadableBytes: missing }),
  };
}

/**
 * Writes bytes of one of the four address spaces, as the machine's software would: all, or up to the first that takes none where
 * the client allows a part.
 */
export function writeMemory(
  state: SessionState,
  args: DebugProtocol.WriteMemoryArguments,
): Answer<NonNullable<DebugProtocol.WriteMemoryResponse['body']>> {
  const asked = referred(state, 'writeMemory', args.memoryReference);
  if (asked instanceof Failure) return asked;
  const bytes = bytesOf(args.data);
  if (bytes === undefined) return badMemoryData();
  if (bytes.length > MOST_BYTES) return badReadCount(bytes.length, MOST_BYTES);
  const { launched, place: { space }, cpu } = asked;
  const address = addressAt(asked, args.offset);
  const { count, refusal } = launched.debuggee.editableBytes(cpu, space, address, bytes.length);
  if (refusal !== undefined && args.allowPartial !== true) return cannotEdit(refusal);
  if (count > 0) {
    const failure = makeEdit(state, launched, { kind: 'memory', cpu, space, address, bytes: bytes.slice(0, count) });
    if (failure !== undefined) return failure;
  }
  return { offset: Math.trunc(args.offset ?? 0), bytesWritten: count };
}

/** The CPU that has come to a stop: of a host thread, which has no linear addresses of its own, the first. */
function stoppedCpu({ stop }: SessionState, { debuggee }: Launched): number {
  const cpu = (stop?.body.threadId ?? 1) - 1;
  return cpu < debuggee.cpus ? cpu : 0;
}
