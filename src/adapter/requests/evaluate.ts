import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { evaluateIn } from '../evaluation';
import { cannotEvaluate, notStopped, staleFrame } from '../failures';
import { memoryReference, ownerOf } from '../memoryReference';
import type { SessionState } from '../sessionState';
import { isAddressType, qualifiedText } from '../valueText';
import { topFrame } from './stack';

/** Watch, hover, console and clipboard: any expression of the language, without effect on the machine. */
export function evaluate(
  state: SessionState,
  args: DebugProtocol.EvaluateArguments,
): Answer<DebugProtocol.EvaluateResponse['body']> {
  const { launched } = state;
  if (launched === undefined) return notStopped('evaluate');
  const cpu = (state.stop?.body.threadId ?? 1) - 1;
  const held = args.frameId === undefined ? topFrame(launched, cpu) : state.frames.find(args.frameId);
  if (held === undefined) return args.frameId === undefined ? notStopped('evaluate') : staleFrame(args.frameId);
  const result = evaluateIn(launched, held, args.expression);
  if ('error' in result) return cannotEvaluate(result.error);
  const { value, type } = result;
  const { program } = launched.scenario;
  const owner = ownerOf(program, held.cpu, result.vm);
  return {
    result: qualifiedText({ value, type, program, ...owner }),
    type,
    variablesReference: 0,
    ...(isAddressType(type) ? { memoryReference: memoryReference({ space: type, address: value, ...owner }) } : {}),
  };
}
