import type { DebugProtocol } from '@vscode/debugprotocol';
import type { MicroStep } from '../../inspect/microSteps';
import type { Answer } from '../answer';
import { badArgument, notStopped } from '../failures';
import { placeOfRange } from '../locations';
import type { Launched, SessionState } from '../sessionState';
import { hex } from '../valueText';

const MOST_INSTRUCTIONS = 10_000;

/**
 * The statement stood in, or with which another thread goes on, taken apart: each instruction of the compiled scenario, and below it what processor, hypervisor and
 * host do for it, one line an event. An address is a moment. Beyond the statement there is nothing to show: such lines are invalid.
 */
export function disassemble(state: SessionState, args: DebugProtocol.DisassembleArguments): Answer<DebugProtocol.DisassembleResponse['body']> {
  const { launched } = state;
  if (launched === undefined) return notStopped('disassemble');
  const { memoryReference, instructionCount: count, instructionOffset = 0, offset = 0 } = args;
  if (!/^0x[0-9a-f]{1,16}$/i.test(memoryReference)) return badArgument('disassemble', 'memoryReference', 'a reference that `instructionPointerReference` of a frame gave');
  if (!Number.isInteger(count) || count < 0 || count > MOST_INSTRUCTIONS) return badArgument('disassemble', 'instructionCount', `a number from 0 to ${MOST_INSTRUCTIONS}`);
  if (!Number.isSafeInteger(instructionOffset) || !Number.isSafeInteger(offset)) return badArgument('disassemble', 'instructionOffset', 'a whole number');
  const wanted = BigInt(memoryReference) + BigInt(offset);
  const steps = statementAround(launched, wanted);
  const at = indexOf(steps, wanted) + instructionOffset;
  return { instructions: Array.from({ length: count }, (_, i) => line(state, launched, steps, { index: at + i, wanted: wanted + BigInt(instructionOffset + i) })) };
}

/** The statement that an address is of: the one stood in, unless another thread goes on with it. */
function statementAround({ debuggee, inspector }: Launched, address: bigint): readonly MicroStep[] {
  const own = inspector.microSteps();
  if (isWithin(own, address)) return own;
  const others = debuggee.threads.flatMap((_, thread) => (thread === debuggee.actor ? [] : [thread]));
  for (const thread of others) {
    const steps = inspector.microSteps(thread);
    if (isWithin(steps, address)) return steps;
  }
  return own;
}

function isWithin(steps: readonly MicroStep[], address: bigint): boolean {
  return steps.length > 0 && steps[0]!.address <= address && address <= steps[steps.length - 1]!.address;
}

/** Place of an address among the lines: of the last that is not above it. Before them all, as far as it is below the first. */
function indexOf(steps: readonly MicroStep[], address: bigint): number {
  const [first] = steps;
  if (first === undefined || address < first.address) return first === undefined ? 0 : Number(BigInt.asIntN(53, address - first.address));
  const above = steps.findIndex((step) => step.address > address);
  const last = steps[steps.length - 1]!;
  return above < 0 ? steps.length - 1 + Number(BigInt.asIntN(53, address - last.address)) : above - 1;
}

function line(
  state: SessionState, launched: Launched, steps: readonly MicroStep[], { index, wanted }: { readonly index: number; readonly wanted: bigint },
): DebugProtocol.DisassembledInstruction {
  const step = steps[index];
  if (step === undefined) return { address: hex(outside(steps, index, wanted)), instruction: '', presentationHint: 'invalid' };
  const range = launched.scenario.program.statements[step.statement]?.range;
  const address = hex(step.address);
  if (range === undefined || step.text.startsWith(' ')) return { address, instruction: step.text };
  const { source, line: at, column = 1, endLine = at, endColumn = column } = placeOfRange(launched, state.client, range);
  return { address, instruction: step.text, location: source, line: at, column, endLine, endColumn };
}

/** An address for a line beyond the statement: in order with all others, and none of theirs. */
function outside(steps: readonly MicroStep[], index: number, wanted: bigint): bigint {
  const [first] = steps;
  const last = steps[steps.length - 1];
  if (first === undefined || last === undefined) return BigInt.asUintN(64, wanted);
  return BigInt.asUintN(64, index < 0 ? first.address + BigInt(index) : last.address + BigInt(index - steps.length + 1));
}
