import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { typedAssignment } from '../console/assignment';
import { assign } from '../editing';
import { evaluateIn } from '../evaluation';
import { nearestCommand, runCommand, typedCommand } from '../console/commandTable';
import { cannotEvaluate, Failure, notStopped, staleFrame } from '../failures';
import { memoryReference, ownerOf, referenceOf } from '../memoryReference';
import { writerLocated, type Cell } from '../locations';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { walkValue } from '../scopes/walkValue';
import { formattedValue } from '../valueFormat';
import { qualifiedText } from '../valueText';
import { topFrame } from './stack';

const bytesOf: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4, qword: 8 };

/** The memory that an expression is a look at: `[a]` or `dword [a]`, and nothing around it. */
function cellRead(launched: Launched, held: HeldFrame, expression: string): Cell | undefined {
  const [, size = 'qword', inner] = /^\s*(byte|word|dword|qword)?\s*\[([^[\]]*)\]\s*$/.exec(expression) ?? [];
  const address = inner === undefined ? undefined : evaluateIn(launched, held, inner);
  if (address === undefined || 'error' in address) return undefined;
  const { program } = launched.scenario;
  const at = memoryReference({ space: 'gva', address: BigInt.asUintN(64, address.value), ...ownerOf(program, held.cpu, address.vm) });
  return { at, bytes: bytesOf[size] ?? bytesOf['qword']! };
}

/** Names the command that a line which is no expression was perhaps meant to be. */
function commandHint(text: string): string {
  const nearest = nearestCommand(text);
  return nearest === undefined ? '' : ` The console has a command \`${nearest}\`; \`help\` lists them.`;
}

/** Watch, hover, console and clipboard: any expression of the language, without effect on the machine; in the console an assignment too. */
export function evaluate(
  state: SessionState,
  args: DebugProtocol.EvaluateArguments,
): Answer<DebugProtocol.EvaluateResponse['body']> {
  const { launched } = state;
  if (launched === undefined) return notStopped('evaluate');
  const cpu = (state.stop?.body.threadId ?? 1) - 1;
  const held = args.frameId === undefined ? topFrame(launched, cpu) : state.frames.find(args.frameId);
  if (held === undefined) return args.frameId === undefined ? notStopped('evaluate') : staleFrame(args.frameId);
  const typed = args.context === 'repl' ? typedCommand(args.expression) : undefined;
  const assigned = args.context === 'repl' && typed === undefined ? typedAssignment(args.expression) : undefined;
  if (assigned !== undefined) return assign(state, { launched, held, expression: assigned.place }, assigned.value) ?? evaluate(state, { ...args, expression: assigned.place });
  // A variable of the scenario's may be called as a command is.
  const result = typed === undefined || typed.argument === '' ? evaluateIn(launched, held, args.expression) : { error: '' };
  if (typed !== undefined && 'error' in result) {
    const said = runCommand({ state, launched, held }, typed);
    return said instanceof Failure ? said : { result: said.join('\n'), variablesReference: 0 };
  }
  if ('error' in result) {
    const walked = walkValue(launched, held, args.expression, state.references) ?? result;
    if (!('error' in walked)) return walked;
    return cannotEvaluate(`${walked.error}${args.context === 'repl' ? commandHint(args.expression) : ''}`);
  }
  const { value, type } = result;
  const { program } = launched.scenario;
  const owner = ownerOf(program, held.cpu, result.vm);
  const cell = cellRead(launched, held, args.expression);
  const reference = referenceOf(result, owner);
  return {
    result: formattedValue({ value: qualifiedText({ value, type, program, ...owner }), type }, args.format),
    type,
    variablesReference: 0,
    ...(cell === undefined ? {} : { valueLocationReference: state.locations.give(writerLocated(launched, state.client, cell, held.cpu)) }),
    ...(reference === undefined ? {} : { memoryReference: reference }),
  };
}
