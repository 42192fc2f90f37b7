import type { DebugProtocol } from '@vscode/debugprotocol';
import type { NamedValue } from '../../engine/debuggee';
import type { Program, ValueType } from '../../language/program';
import { evaluateIn } from '../evaluation';
import { memoryReference } from '../memoryReference';
import type { HeldFrame, Launched } from '../sessionState';
import { isAddressType, valueText } from '../valueText';

/** Variables of a guest frame, or the named values of a listing line. */
export function namedVariables(values: readonly NamedValue[], program: Program): readonly DebugProtocol.Variable[] {
  return values.map(({ name, value, type }) => variable(name, value, type, program));
}

export function globalVariables(launched: Launched, held: HeldFrame): readonly DebugProtocol.Variable[] {
  const { program } = launched.scenario;
  return program.globals.flatMap(({ name }) => {
    const result = evaluateIn(launched, held, name);
    return 'error' in result ? [] : [variable(name, result.value, result.type, program)];
  });
}

/** One row; its name is the expression that gives it again. */
export function variable(name: string, value: bigint, type: ValueType, program: Program, expression = name): DebugProtocol.Variable {
  return {
    name,
    value: valueText(value, type, program),
    type,
    evaluateName: expression,
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
    ...(isAddressType(type) ? { memoryReference: memoryReference(type, value) } : {}),
  };
}
