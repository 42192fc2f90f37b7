import { VMCB } from '../../hardware/svm/vmcb';
import { VMCS } from '../../hardware/vmx/vmcs';
import { nearestName } from '../../language/compile/nearestName';
import type { WatchedValue } from '../../engine/debuggee';
import type { BreakpointTarget } from './breakpointStore';
import type { ValueWatch } from './dataBreakpoint';

const FIELD = /^(vmcs|vmcb) field (\w+)$/;
const blocks: Readonly<Record<'vmcs' | 'vmcb', Readonly<Record<string, number>>>> = { vmcs: VMCS, vmcb: VMCB };

/** What a watched value is read from; names are those of the thread's own block. An error is a sentence. */
export function watchedValue({ scenario, inspector }: Pick<BreakpointTarget, 'scenario' | 'inspector'>, { actor, expression }: ValueWatch): WatchedValue | { readonly error: string } {
  const [, block, name = ''] = FIELD.exec(expression) ?? [];
  if (block === 'vmcs' || block === 'vmcb') return whyNoBlock({ scenario, inspector }, actor, block) ?? controlField(block, name);
  const procedure = scenario.program.actors[actor]?.procedure;
  const compiled = scenario.compileExpression(expression, { use: 'watch', ...(procedure === undefined ? {} : { procedure }) });
  return 'error' in compiled ? compiled : { kind: 'expression', fragment: compiled.fragment };
}

/** A structure that no hypervisor uses never changes. */
function whyNoBlock({ scenario, inspector }: Pick<BreakpointTarget, 'scenario' | 'inspector'>, actor: number, block: 'vmcs' | 'vmcb'): { readonly error: string } | undefined {
  const has = inspector.controlBlock(actor);
  if (has === block) return undefined;
  const name = scenario.program.actors[actor]?.name ?? 'this thread';
  return { error: has === undefined ? `${name} has no ${block.toUpperCase()}, as no hypervisor runs it.` : `${name} is run by a ${has.toUpperCase()}: write ${has} field and a name.` };
}

function controlField(block: 'vmcs' | 'vmcb', name: string): WatchedValue | { readonly error: string } {
  const names = blocks[block];
  const at = Object.hasOwn(names, name) ? names[name] : undefined;
  if (at !== undefined) return { kind: 'field', block, at };
  const near = nearestName(name, Object.keys(names));
  return { error: `a ${block.toUpperCase()} has no field ${name}${near === undefined ? '' : `: did you mean ${near}?`}` };
}
