import { VMCB } from '../../hardware/svm/vmcb';
import { VMCS } from '../../hardware/vmx/vmcs';
import { nearestName } from '../../language/compile/nearestName';
import type { WatchedValue } from '../../engine/debuggee';
import type { Scenario } from '../simulator';
import type { ValueWatch } from './dataBreakpoint';

const FIELD = /^(vmcs|vmcb) field (\w+)$/;
const blocks: Readonly<Record<'vmcs' | 'vmcb', Readonly<Record<string, number>>>> = { vmcs: VMCS, vmcb: VMCB };

/** What a watched value is read from; names are those of the thread's own block. An error is a sentence. */
export function watchedValue(scenario: Scenario, { actor, expression }: ValueWatch): WatchedValue | { readonly error: string } {
  const field = FIELD.exec(expression);
  if (field !== null) return controlField(field[1] === 'vmcb' ? 'vmcb' : 'vmcs', field[2] ?? '');
  const procedure = scenario.program.actors[actor]?.procedure;
  const compiled = scenario.compileExpression(expression, { use: 'watch', ...(procedure === undefined ? {} : { procedure }) });
  return 'error' in compiled ? compiled : { kind: 'expression', fragment: compiled.fragment };
}

function controlField(block: 'vmcs' | 'vmcb', name: string): WatchedValue | { readonly error: string } {
  const names = blocks[block];
  const at = Object.hasOwn(names, name) ? names[name] : undefined;
  if (at !== undefined) return { kind: 'field', block, at };
  const near = nearestName(name, Object.keys(names));
  return { error: `a ${block.toUpperCase()} has no field ${name}${near === undefined ? '' : `: did you mean ${near}?`}` };
}
