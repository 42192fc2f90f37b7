import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { assignCell } from '../cellEdit';
import { childNamed } from '../children';
import { editableOf } from '../editable';
import { assign } from '../editing';
import { evaluateIn } from '../evaluation';
import { cannotEdit, notEditable, notStopped, staleFrame, staleReference, unknownVariable, type Failure } from '../failures';
import { ownerOf, referenceOf } from '../memoryReference';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { qualifiedText } from '../valueText';
import { topFrame } from './stack';

/** Gives a row of a scope another value, by an expression; the answer is the row as it is then. */
export function setVariable(state: SessionState, args: DebugProtocol.SetVariableArguments): Answer<DebugProtocol.SetVariableResponse['body']> {
  const { launched } = state;
  if (launched === undefined) return notStopped('setVariable');
  const children = state.references.find(args.variablesReference);
  if (children === undefined) return staleReference(args.variablesReference);
  const row = childNamed(children, args.name);
  if (row === undefined) return unknownVariable(args.name);
  const place = editableOf(row);
  const held = children.kind === 'named' ? children.held : undefined;
  if (place === undefined) return notEditable(args.name);
  const isEntry = place.kind === 'cell' && place.entry !== undefined;
  const value = isEntry ? args.value : withoutDecoration(args.value, row.value);
  if (place.kind === 'cell') return assignCell(state, launched, { cell: place, shown: row.value }, value) ?? answerOf(childNamed(children, args.name) ?? EMPTY_ENTRY);
  if (held === undefined) throw new Error('invariant: rows that expressions edit are of a frame');
  return assign(state, { launched, held, expression: place.expression }, value) ?? answerOf(childNamed(children, args.name) ?? row);
}

/** An entry that has become zero, which has no row any more. */
const EMPTY_ENTRY: DebugProtocol.Variable = { name: '', value: 'not present', variablesReference: 0 };

/** The same of whatever an expression names: a watch, or what is typed. */
export function setExpression(state: SessionState, args: DebugProtocol.SetExpressionArguments): Answer<DebugProtocol.SetExpressionResponse['body']> {
  const { launched } = state;
  if (launched === undefined) return notStopped('setExpression');
  const held = args.frameId === undefined ? topFrame(launched, (state.stop?.body.threadId ?? 1) - 1) : state.frames.find(args.frameId);
  if (held === undefined) return args.frameId === undefined ? notStopped('setExpression') : staleFrame(args.frameId);
  const expression = args.expression.trim();
  return assign(state, { launched, held, expression }, args.value) ?? evaluated(launched, held, expression);
}

function evaluated(launched: Launched, held: HeldFrame, expression: string): DebugProtocol.SetExpressionResponse['body'] | Failure {
  const result = evaluateIn(launched, held, expression);
  if ('error' in result) return cannotEdit(result.error);
  const { program } = launched.scenario;
  const owner = ownerOf(program, held.cpu, result.vm);
  const { value, type } = result;
  const reference = referenceOf(result, owner);
  return {
    value: qualifiedText({ value, type, program, ...owner }), type, variablesReference: 0,
    ...(reference === undefined ? {} : { memoryReference: reference }),
  };
}

function answerOf({ value, type, variablesReference, indexedVariables, namedVariables, memoryReference: reference }: DebugProtocol.Variable): DebugProtocol.SetVariableResponse['body'] {
  return {
    value, variablesReference,
    ...(type === undefined ? {} : { type }), ...(indexedVariables === undefined ? {} : { indexedVariables }),
    ...(namedVariables === undefined ? {} : { namedVariables }), ...(reference === undefined ? {} : { memoryReference: reference }),
  };
}

/** What a client lets a person edit is the row's whole text, in which words explain the value. */
function withoutDecoration(typed: string, shown: string): string {
  const decoration = shown.slice((shown.split(' ')[0] ?? '').length);
  return decoration !== '' && typed.endsWith(decoration) ? typed.slice(0, -decoration.length) : typed;
}
