import type { NamedValue } from '../engine/debuggee';
import type { Fragment, ValueType } from '../language/program';
import type { HeldFrame, Launched } from './sessionState';

export type Evaluated = { readonly value: bigint; readonly type: ValueType } | { readonly error: string };

/**
 * Evaluates an expression of the language in a frame, without any effect on the machine. In a listing
 * frame the line's named values come first; all else is seen as the guest frame below sees it.
 */
export function evaluateIn(launched: Launched, held: HeldFrame, text: string): Evaluated {
  const named = listingValues(held).find(({ name }) => name === text.trim());
  if (named !== undefined) return named;
  const compiled = compiledOnce(launched, text, held.procedure);
  if ('error' in compiled) return compiled;
  const result = launched.debuggee.evaluate(compiled.fragment, held.cpu, held.depth);
  if ('error' in result || result.value !== NOWHERE || !isPhysical(result.type)) return result;
  return { error: `${text.trim()} is nowhere: the address is not mapped.` };
}

export function listingValues({ frame }: HeldFrame): readonly NamedValue[] {
  return frame.kind === 'listing' ? frame.values : [];
}

/** The value of an address question about what is not mapped; no physical address is that large. */
const NOWHERE = (1n << 64n) - 1n;

function isPhysical(type: ValueType): boolean {
  return type === 'gpa' || type === 'hva' || type === 'hpa';
}

/** Watches, registers and counters ask the same expressions at each stop: they are compiled once a launch. */
function compiledOnce(launched: Launched, text: string, procedure: number): { fragment: Fragment } | { error: string } {
  const key = `${procedure} ${text}`;
  const known = launched.compiled.get(key);
  if (known !== undefined) return known;
  const compiled = launched.scenario.compileExpression(text, { procedure });
  launched.compiled.set(key, compiled);
  return compiled;
}
