import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EventBreakpoint, ListingBreakpoint, StatementBreakpoint } from '../../engine/debuggee';
import type { Fragment, SourceRange } from '../../language/program';
import type { ExpressionSite, Scenario } from '../simulator';
import type { BreakpointTarget } from './breakpointStore';
import { dataBreakpointKinds, dataBreakpointMatches, parseDataId } from './dataBreakpoint';
import { exceptionFilter, exceptionFilters } from './exceptionFilters';
import { functionTarget } from './functionBreakpoint';
import { parseHitCondition, type HitCondition } from './hitCondition';
import { statementAtLine } from './statementAtLine';

export type Place =
  | { readonly kind: 'statement'; readonly range: SourceRange }
  /** Line from 1. */
  | { readonly kind: 'listing'; readonly name: string; readonly line: number };

/** What a breakpoint became: something the engine can stop at, or a sentence why not. */
export type Bound =
  | { readonly kind: 'statement'; readonly breakpoint: Omit<StatementBreakpoint, 'id'>; readonly place: Place }
  | { readonly kind: 'event'; readonly breakpoint: Omit<EventBreakpoint, 'id'>; readonly place?: undefined }
  | { readonly kind: 'listing'; readonly breakpoint: Omit<ListingBreakpoint, 'id'>; readonly place: Place }
  | { readonly kind: 'unbound'; readonly message: string };

/** Condition and hit count of a breakpoint, as the engine takes them. */
interface Restriction {
  readonly condition?: Fragment;
  readonly hit?: HitCondition;
}

export function bindSource(target: BreakpointTarget, source: DebugProtocol.Source, asked: DebugProtocol.SourceBreakpoint): Bound {
  const { scenario, sources, client, inspector } = target;
  const known = sources.find(source);
  if (known === undefined) {
    return unbound(`${source.name ?? source.path ?? 'This source'} is not part of the running scenario.`);
  }
  if (asked.logMessage !== undefined && asked.logMessage !== '') {
    return unbound('Log points are not supported yet: use print in the scenario, or a condition.');
  }
  if (known.kind === 'listing') return bindListing(scenario, inspector.runningLines(known.name), known.name, client.lineIn(asked.line), asked);

  const column = asked.column === undefined ? 0 : client.columnIn(asked.column) - 1;
  const number = statementAtLine(scenario.program, known.file, client.lineIn(asked.line) - 1, column);
  return number === undefined ? unbound('nothing runs here') : bindStatement(scenario, number, asked);
}

export function bindFunction(scenario: Scenario, asked: DebugProtocol.FunctionBreakpoint): Bound {
  const found = functionTarget(scenario.program, asked.name);
  if ('error' in found) return unbound(found.error);
  if (found.kind === 'statement') return bindStatement(scenario, found.statement, asked);
  const restriction = restrict(scenario, asked, undefined);
  if ('error' in restriction) return unbound(restriction.error);
  return { kind: 'event', breakpoint: { kinds: found.kinds, matches: found.matches, ...restriction } };
}

export function bindException(scenario: Scenario, asked: DebugProtocol.ExceptionFilterOptions): Bound {
  const filter = exceptionFilter(asked.filterId);
  if (filter === undefined) {
    const ids = exceptionFilters.map(({ id }) => id).join(', ');
    return unbound(`"${asked.filterId}" is no exception filter of Pagewalk: there are ${ids}.`);
  }
  const restriction = restrict(scenario, asked, undefined);
  if ('error' in restriction) return unbound(restriction.error);
  return { kind: 'event', breakpoint: { kinds: filter.kinds, matches: filter.matches, ...restriction } };
}

export function bindData(scenario: Scenario, asked: DebugProtocol.DataBreakpoint): Bound {
  const watch = parseDataId(asked.dataId);
  if ('error' in watch) return unbound(watch.error);
  const restriction = restrict(scenario, asked, undefined);
  if ('error' in restriction) return unbound(restriction.error);
  const matches = dataBreakpointMatches(watch, asked.accessType ?? 'write');
  return { kind: 'event', breakpoint: { kinds: dataBreakpointKinds, matches, ...restriction } };
}

function bindStatement(scenario: Scenario, number: number, asked: { condition?: string; hitCondition?: string }): Bound {
  const statement = scenario.program.statements[number];
  if (statement === undefined) throw new Error(`invariant: statement ${number} of the program exists`);
  const restriction = restrict(scenario, asked, { procedure: statement.procedure });
  if ('error' in restriction) return unbound(restriction.error);
  return {
    kind: 'statement',
    breakpoint: { statement: number, ...restriction },
    place: { kind: 'statement', range: statement.range },
  };
}

/** A line of a listing where nothing runs (a comment, a heading, a brace) moves to the next one where something does. */
function bindListing(
  scenario: Scenario,
  running: readonly number[],
  name: string,
  wanted: number,
  asked: { condition?: string; hitCondition?: string },
): Bound {
  const line = running.find((each) => each >= wanted);
  if (line === undefined) return unbound('nothing runs here');
  const restriction = restrict(scenario, asked, undefined);
  if ('error' in restriction) return unbound(restriction.error);
  if (restriction.hit !== undefined) return unbound('A line of a listing takes no hit count: give a condition instead.');
  return {
    kind: 'listing',
    breakpoint: { listing: name, line, ...(restriction.condition === undefined ? {} : { condition: restriction.condition }) },
    place: { kind: 'listing', name, line },
  };
}

function restrict(
  scenario: Scenario,
  asked: { condition?: string; hitCondition?: string },
  site: ExpressionSite | undefined,
): Restriction | { readonly error: string } {
  let restriction: Restriction = {};
  if (asked.condition !== undefined && asked.condition.trim() !== '') {
    const compiled = scenario.compileExpression(asked.condition, site);
    if ('error' in compiled) return { error: `The condition cannot be used: ${compiled.error}` };
    restriction = { condition: compiled.fragment };
  }
  if (asked.hitCondition !== undefined && asked.hitCondition.trim() !== '') {
    const hit = parseHitCondition(asked.hitCondition);
    if ('error' in hit) return hit;
    restriction = { ...restriction, hit };
  }
  return restriction;
}

function unbound(message: string): Bound {
  return { kind: 'unbound', message };
}
