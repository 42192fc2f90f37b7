import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { listingValues } from '../evaluation';
import type { Rows } from '../../inspect/rows';
import { staleFrame, staleReference } from '../failures';
import { variableDeclared } from '../locations';
import { counterVariables } from '../scopes/counterScope';
import { containerOf } from '../scopes/machineScope';
import { registerVariables } from '../scopes/registerScope';
import { frameVariables, globalVariables, namedVariables } from '../scopes/localScope';
import { translationVariables } from '../scopes/translationScope';
import { formattedVariable } from '../valueFormat';
import type { Children, HeldFrame, Launched, SessionState } from '../sessionState';

export function scopes(state: SessionState, args: DebugProtocol.ScopesArguments): Answer<DebugProtocol.ScopesResponse['body']> {
  const { launched } = state;
  const held = state.frames.find(args.frameId);
  if (launched === undefined || held === undefined) return staleFrame(args.frameId);
  const listed = scopesOf(state, launched, held);
  return {
    scopes: listed.map(({ name, hint, children, rows }) => ({
      name,
      ...(rows === undefined ? { variablesReference: state.references.give(children) } : containerOf(rows, { state, cpu: held.cpu })),
      expensive: false,
      ...(hint === undefined ? {} : { presentationHint: hint }),
    })),
  };
}

export function variables(
  state: SessionState,
  args: DebugProtocol.VariablesArguments,
): Answer<DebugProtocol.VariablesResponse['body']> {
  const children = state.references.find(args.variablesReference);
  if (children === undefined) return staleReference(args.variablesReference);
  const kind = typeof children === 'function' ? 'named' : 'indexed';
  if (args.filter !== undefined && args.filter !== kind) return { variables: [] };
  const start = wholeNumber(args.start);
  // A count of 0 or none asks for all.
  const count = wholeNumber(args.count) || Infinity;
  const rows = typeof children === 'function' ? children().slice(start, start + count) : children.slice(start, Math.min(count, children.count));
  return { variables: rows.map((row) => formattedVariable(row, args.format)) };
}

/** What a client may leave out, or get wrong: then 0. */
function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0;
}

type ListedScope =
  | { readonly name: string; readonly hint?: 'locals' | 'registers'; readonly children: Children; readonly rows?: undefined }
  | { readonly name: string; readonly hint?: undefined; readonly children?: undefined; readonly rows: Rows };

/** A variable's name leads to where it first gets a value. */
function withDeclaration({ client, locations }: SessionState, launched: Launched, held: HeldFrame, row: DebugProtocol.Variable): DebugProtocol.Variable {
  const declared = variableDeclared(launched, client, held.procedure, row.name);
  if (declared !== undefined) row.declarationLocationReference = locations.give(declared);
  return row;
}

/** A listing line's own values stand for locals; everything else reads the same from every frame. */
function scopesOf(state: SessionState, launched: Launched, held: HeldFrame): readonly ListedScope[] {
  const { debuggee, inspector, scenario } = launched;
  const isListing = held.frame.kind === 'listing';
  const own: ListedScope = isListing
    ? { name: 'Values of this line', hint: 'locals', children: () => namedVariables(listingValues(held), scenario.program, held.cpu) }
    : {
        name: 'Locals',
        hint: 'locals',
        children: () => frameVariables(launched, held).map((row) => withDeclaration(state, launched, held, row)),
      };
  const machine = inspector.machineScopes(held.cpu);
  const list: ListedScope[] = [own, ...machine.filter(({ place }) => place === 'first')];
  if (!isListing && scenario.program.globals.length > 0) {
    list.push({ name: 'Globals', children: () => globalVariables(launched, held, state.references) });
  }
  const behind = machine.filter(({ place }) => place === 'behind registers');
  // A host thread has neither translations nor registers of the guest's.
  if (held.cpu >= debuggee.cpus) return [...list, ...behind];
  return [
    ...list,
    { name: 'Translation', children: () => translationVariables(launched, held) },
    { name: 'Registers', hint: 'registers', children: () => registerVariables(launched, held, state.references) },
    ...behind,
    { name: 'Counters', children: () => counterVariables(launched, held, state.references) },
  ];
}
