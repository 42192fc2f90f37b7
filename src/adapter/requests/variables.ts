import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { listingValues } from '../evaluation';
import type { MachineScope } from '../../inspect/machineScopes';
import { staleFrame, staleReference } from '../failures';
import { variableDeclared, type Located } from '../locations';
import { counterVariables } from '../scopes/counterScope';
import { containerOf, type Container } from '../scopes/machineScope';
import { registerVariables } from '../scopes/registerScope';
import { frameVariables, globalVariables, namedVariables } from '../scopes/localScope';
import { translationVariables } from '../scopes/translationScope';
import { formattedVariable } from '../valueFormat';
import type { Client } from '../client';
import { childrenIn, childrenOf, type NamedChildren } from '../children';
import type { HeldFrame, Launched, SessionState } from '../sessionState';

export function scopes(state: SessionState, args: DebugProtocol.ScopesArguments): Answer<DebugProtocol.ScopesResponse['body']> {
  const { launched } = state;
  const held = state.frames.find(args.frameId);
  if (launched === undefined || held === undefined) return staleFrame(args.frameId);
  return {
    scopes: scopesOf(state, launched, held).map(({ name, hint, container: { variablesReference, indexedVariables } }) => {
      const scope: DebugProtocol.Scope = { name, variablesReference, expensive: false };
      if (indexedVariables !== undefined) scope.indexedVariables = indexedVariables;
      if (hint !== undefined) scope.presentationHint = hint;
      return scope;
    }),
  };
}

export function variables(
  state: SessionState,
  args: DebugProtocol.VariablesArguments,
): Answer<DebugProtocol.VariablesResponse['body']> {
  const children = state.references.find(args.variablesReference);
  if (children === undefined) return staleReference(args.variablesReference);
  if (args.filter !== undefined && args.filter !== children.kind) return { variables: [] };
  const start = wholeNumber(args.start);
  // A count of 0 or none asks for all.
  const count = wholeNumber(args.count) || Infinity;
  const rows = children.kind === 'named' ? part(children.all(), start, count) : children.slice(start, Math.min(count, children.count));
  return { variables: args.format === undefined ? [...rows] : rows.map((row) => formattedVariable(row, args.format)) };
}

function part<Row>(rows: readonly Row[], start: number, count: number): readonly Row[] {
  return start === 0 && count >= rows.length ? rows : rows.slice(start, start + count);
}

/** What a client may leave out, or get wrong: then 0. */
function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0;
}

interface ListedScope {
  readonly name: string;
  readonly hint?: 'locals' | 'registers';
  readonly container: Container;
}

/** A variable's name leads to where it first gets a value. */
function withDeclaration({ client, locations }: SessionState, launched: Launched, held: HeldFrame, row: DebugProtocol.Variable): DebugProtocol.Variable {
  const declared = knownDeclaration(launched, client, held.procedure, row.name);
  if (declared !== undefined) row.declarationLocationReference = locations.give(declared);
  return row;
}

/** Where a variable is declared is no matter of the moment: known once a launch. */
function knownDeclaration(launched: Launched, client: Client, procedure: number, name: string): Located | undefined {
  const { declarations } = launched;
  const inProcedure = declarations.get(procedure) ?? new Map<string, Located | undefined>();
  if (!inProcedure.has(name)) {
    inProcedure.set(name, variableDeclared(launched, client, procedure, name));
    declarations.set(procedure, inProcedure);
  }
  return inProcedure.get(name);
}

/** A listing line's own values stand for locals; everything else reads the same from every frame. */
function scopesOf(state: SessionState, launched: Launched, held: HeldFrame): readonly ListedScope[] {
  const { debuggee, inspector, scenario } = launched;
  const { references } = state;
  const isListing = held.frame.kind === 'listing';
  const machine = inspector.machineScopes(held.cpu);
  const list: ListedScope[] = [];
  const add = (name: string, children: NamedChildren, hint?: 'locals' | 'registers'): void => {
    const container = { variablesReference: references.give(children) };
    list.push(hint === undefined ? { name, container } : { name, container, hint });
  };
  const addMachine = (wanted: MachineScope['place']): void => {
    for (const { name, place, rows } of machine) if (place === wanted) list.push({ name, container: containerOf(rows, { state, cpu: held.cpu }) });
  };
  if (isListing) add('Values of this line', childrenOf(() => namedVariables(listingValues(held), scenario.program, held.cpu)), 'locals');
  else add('Locals', childrenIn(held, () => frameVariables(launched, held).map((row) => withDeclaration(state, launched, held, row))), 'locals');
  addMachine('first');
  if (!isListing && scenario.program.globals.length > 0) add('Globals', childrenIn(held, () => globalVariables(launched, held, references)));
  // A host thread has neither translations nor registers of the guest's.
  const isCpu = held.cpu < debuggee.cpus;
  if (isCpu) {
    add('Translation', childrenOf(() => translationVariables(launched, held)));
    add('Registers', childrenIn(held, () => registerVariables(launched, held, references)), 'registers');
  }
  addMachine('behind registers');
  if (isCpu) add('Counters', childrenOf(() => counterVariables(launched, held, references)));
  return list;
}
