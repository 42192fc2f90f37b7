import type { DebugProtocol } from '@vscode/debugprotocol';
import type { NamedValue } from '../../engine/debuggee';
import type { Program, ValueType } from '../../language/program';
import { childrenIn, type Children } from '../children';
import { editable } from '../editable';
import { evaluateIn } from '../evaluation';
import type { Handles } from '../handles';
import { ownerOf, referenceOf } from '../memoryReference';
import type { HeldFrame, Launched } from '../sessionState';
import { isAddressType, qualifiedText } from '../valueText';

/** Variables of a guest frame. */
export function frameVariables({ debuggee, scenario: { program } }: Launched, held: HeldFrame): readonly DebugProtocol.Variable[] {
  const refusal = debuggee.whyNoEdit(held.cpu);
  return debuggee.variables(held.cpu, held.depth).map((value) => editableVariable(value, { program, cpu: held.cpu }, refusal));
}

/** The named values of a listing line. */
export function namedVariables(values: readonly NamedValue[], program: Program, cpu: number): readonly DebugProtocol.Variable[] {
  return values.map(({ name, value, type }) => variable(name, value, type, { program, cpu }));
}

/** The scenario's globals, and in a row of their own those that the kernel keeps. */
export function globalVariables(launched: Launched, held: HeldFrame, references: Handles<Children>): readonly DebugProtocol.Variable[] {
  const { globals } = launched.scenario.program;
  // Two VMs may have one of the same name: what is meant here is the frame's own.
  const own = new Set(globals.filter(({ isOwn }) => isOwn).map(({ name }) => name));
  const kernels = new Set(globals.map(({ name }) => name).filter((name) => !own.has(name)));
  const rows = globalsNamed(launched, held, [...own]);
  if (kernels.size === 0) return rows;
  return [...rows, {
    name: 'kernel library',
    value: `${kernels.size} globals by which the guest's kernel keeps its books`,
    variablesReference: references.give(childrenIn(held, () => globalsNamed(launched, held, [...kernels]))),
    presentationHint: { attributes: ['readOnly'] },
  }];
}

function globalsNamed(launched: Launched, held: HeldFrame, names: readonly string[]): readonly DebugProtocol.Variable[] {
  const { debuggee, scenario: { program } } = launched;
  const refusal = debuggee.whyNoEdit(held.cpu);
  return names.flatMap((name) => {
    const result = evaluateIn(launched, held, name);
    return 'error' in result ? [] : [editableVariable({ name, ...result }, { program, cpu: held.cpu }, refusal)];
  });
}

/** One row, of an actor's frame, that cannot be edited; its name is the expression that gives it again. */
export function variable(
  name: string, value: bigint, type: ValueType, site: { readonly program: Program; readonly cpu: number }, expression = name,
): DebugProtocol.Variable {
  return { ...rowOf({ name, value, type }, site, expression), presentationHint: { attributes: ['readOnly'] } };
}

/** One row of an actor's frame that can be edited, but for a `refusal`. */
export function editableVariable(value: NamedValue, site: { readonly program: Program; readonly cpu: number }, refusal: string | undefined): DebugProtocol.Variable {
  return editable(rowOf(value, site, value.name), { kind: 'expression', expression: value.name }, refusal);
}

function rowOf({ name, value, type }: NamedValue, { program, cpu }: { readonly program: Program; readonly cpu: number }, expression: string): DebugProtocol.Variable {
  const isAddress = isAddressType(type);
  const owner = isAddress ? ownerOf(program, cpu) : {};
  const row: DebugProtocol.Variable = { name, value: qualifiedText({ value, type, program, ...owner }), type, evaluateName: expression, variablesReference: 0 };
  const reference = referenceOf({ value, type }, owner);
  if (reference !== undefined) row.memoryReference = reference;
  return row;
}
