import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { base64 } from '../base64';
import { badMemoryReference, badReadCount, notStopped } from '../failures';
import { cpusOf, parseMemoryReference } from '../memoryReference';
import type { Launched, SessionState } from '../sessionState';

const MOST_BYTES = 1 << 20;

/**
 * Bytes of one of the four address spaces. The protocol has no way to say "a hole, then data", and
 * clients fill a short answer with zeros: so reading stops at the first hole and says how many are missing.
 */
export function readMemory(
  state: SessionState,
  args: DebugProtocol.ReadMemoryArguments,
): Answer<NonNullable<DebugProtocol.ReadMemoryResponse['body']>> {
  const place = parseMemoryReference(args.memoryReference);
  if (place === undefined) return badMemoryReference(args.memoryReference);
  if (!Number.isInteger(args.count) || args.count < 0 || args.count > MOST_BYTES) return badReadCount(args.count, MOST_BYTES);
  const { launched } = state;
  if (launched === undefined) return notStopped('readMemory');
  const address = BigInt.asUintN(64, place.address + BigInt(Math.trunc(args.offset ?? 0)));
  const cpu = place.vm === undefined ? stoppedCpu(state, launched) : cpusOf(launched.scenario.program, place.vm)?.[0];
  if (cpu === undefined) return badMemoryReference(args.memoryReference);
  const bytes = launched.inspector.readMemory(cpu, place.space, address, args.count);
  const missing = args.count - bytes.length;
  return {
    address: `0x${address.toString(16)}`,
    data: base64(bytes),
    ...(missing === 0 ? {} : { unreadableBytes: missing }),
  };
}

/** The CPU that has come to a stop: of a host thread, which has no linear addresses of its own, the first. */
function stoppedCpu({ stop }: SessionState, { debuggee }: Launched): number {
  const cpu = (stop?.body.threadId ?? 1) - 1;
  return cpu < debuggee.cpus ? cpu : 0;
}
