import type { DebugProtocol } from '@vscode/debugprotocol';
import { walkFields } from '../../language/compile/builtins';
import { walkedAddress } from '../../language/walkedAddress';
import { childrenOf, type Children } from '../children';
import { evaluateIn } from '../evaluation';
import type { Handles } from '../handles';
import type { HeldFrame, Launched } from '../sessionState';
import { variable } from './localScope';
import { translationOf } from './translationScope';

/**
 * What `walk(a)` is as a whole, which the language has no value for: where the address leads, and below it each space on the way
 * and each field. An error where its address has no value; undefined where the expression is something else.
 */
export function walkValue(
  launched: Launched, held: HeldFrame, expression: string, references: Handles<Children>,
): { readonly result: string; readonly variablesReference: number } | { readonly error: string } | undefined {
  const argument = walkedAddress(expression);
  if (argument === undefined) return undefined;
  const address = evaluateIn(launched, held, argument);
  // The address of another VM is asked for by its fields alone: what is shown of it is of this VM's tables.
  if ('error' in address) return address;
  if (address.vm !== undefined || 'error' in evaluateIn(launched, held, `walk(${argument}).fault`)) return undefined;
  const spaces = translationOf(launched, held, BigInt.asUintN(64, address.value));
  const result = spaces.find(({ name }) => name === 'gpa')?.value ?? '';
  return { result, variablesReference: references.give(childrenOf(() => [...spaces, ...fieldsOf(launched, held, argument)])) };
}

/** Those that the guest's paging mode has. */
function fieldsOf(launched: Launched, held: HeldFrame, argument: string): readonly DebugProtocol.Variable[] {
  return Object.keys(walkFields).flatMap((field) => {
    const expression = `walk(${argument}).${field}`;
    const answer = evaluateIn(launched, held, expression);
    return 'error' in answer ? [] : [variable(field, answer.value, answer.type, { program: launched.scenario.program, cpu: held.cpu }, expression)];
  });
}
