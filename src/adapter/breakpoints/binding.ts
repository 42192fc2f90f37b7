import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ChangeBreakpoint, EventBreakpoint, ListingBreakpoint, StatementBreakpoint } from '../../engine/debuggee';
import type { Fragment, SourceRange } from '../../language/program';
import type { Site } from '../../language/expression';
import type { Inspector, Scenario } from '../simulator';
import { CPU_AT, KIND } from '../../hardware/events/eventTable';
import { accessesOnLines } from './accessLocations';
import type { BreakpointTarget } from './breakpointStore';
import { whyNoField } from './conditionFields';
import { accessTypes, dataId, parseDataId, type DataAccessType, type ValueWatch } from './dataBreakpoint';
import { inMode } from './dataModes';
import { neverUnder, noAfter, type NamedEvents } from './eventName';
import { exceptionFilter, exceptionFilters, wantedBy } from './exceptionFilters';
import { exceptionModes } from './breakpointModes';
import { instructionAddress, isOfSort, isStillThere, type InstructionPlace } from './instructionPlace';
import { functionTargets, writtenFunction } from './functionBreakpoint';
import { parseHitCondition, type HitCondition } from './hitCondition';
import { compileLogMessage, type LogMessage } from './logMessage';
import { parseMemoryFunction, type WatchedAccess } from './memoryFunction';
import { memoryWatchBytes, memoryWatchKinds, memoryWatchMatches, usesOf } from './memoryWatch';
import { readsOfRegister, registerOf } from './registerReads';
import { cpusOf, memoryReference } from '../memoryReference';
import { hex } from '../valueText';
import { statementAtLine } from './statementAtLine';
import { watchedValue } from './watchedValue';
import { parseWriteBreakpoint, writeBreakpointKinds, writeBreakpointMatches } from './writeBreakpoint';

export type Place =
  | { readonly kind: 'statement'; readonly range: SourceRange }
  /** Line from 1. */
  | { readonly kind: 'listing'; readonly name: string; readonly line: number };

/** What a breakpoint became: something the engine can stop at, or a sentence why not. */
export type Bound =
  | {
      readonly kind: 'bound';
      readonly stops: readonly Armed[];
      /** Where it is shown; an event has no place. */
      readonly place?: Place;
      /** What a person should know though it can stop. */
      readonly message?: string;
    }
  /** `isPending`: it is still to be looked up. */
  | { readonly kind: 'unbound'; readonly message: string; readonly isPending?: true };

/** What the engine is given for a breakpoint: one name can stand for several places. With `log` it is said, and nothing stops. */
export type Armed = { readonly log?: LogMessage } & (
  | { readonly kind: 'statement'; readonly breakpoint: Omit<StatementBreakpoint, 'id'> }
  | { readonly kind: 'event'; readonly breakpoint: Omit<EventBreakpoint, 'id'> }
  | { readonly kind: 'listing'; readonly breakpoint: Omit<ListingBreakpoint, 'id'> }
  | { readonly kind: 'change'; readonly breakpoint: Omit<ChangeBreakpoint, 'id'> }
);

/** What a breakpoint asks beyond its place. */
interface Wish {
  readonly condition?: string;
  readonly hitCondition?: string;
  /** Makes it a log point: said, with the values of expressions in braces, in place of a stop. */
  readonly logMessage?: string;
}

/** Condition, hit count and message of a breakpoint, as the engine takes them. */
interface Restriction {
  readonly log?: LogMessage;
  readonly condition?: Fragment;
  readonly hit?: HitCondition;
}

export function bindSource(target: BreakpointTarget, source: DebugProtocol.Source, asked: DebugProtocol.SourceBreakpoint): Bound {
  const { scenario, sources, client, inspector } = target;
  const known = sources.find(source);
  if (known === undefined) {
    return unbound(`${nameOf(source)} is not part of the running scenario.`);
  }
  if (known.kind === 'listing') return bindListing(scenario, inspector, known.name, client.lineIn(asked.line), asked);

  const line = client.lineIn(asked.line) - 1;
  const column = asked.column === undefined ? 0 : client.columnIn(asked.column) - 1;
  // What is said as an access is passed is said at its statement: a message sees the machine, not the place in the line.
  const access = asked.column === undefined || asked.logMessage !== undefined
    ? undefined : accessesOnLines(scenario.program, known.file, line, line).find(({ range }) => range.column === column);
  if (access !== undefined) return bindStatement(scenario, access.statement, asked, access);
  const number = statementAtLine(scenario.program, known.file, line, column);
  return number === undefined ? nothingRuns(source, asked) : bindStatement(scenario, number, asked);
}

/**
 * A function breakpoint, `NAME if CONDITION`: `write:SPACE:ADDRESS` for an entry, or a name for one thing or several. DAP has
 * log points in sources only; others may be asked for alike.
 */
export function bindFunction({ scenario, inspector, debuggee }: BreakpointTarget, asked: DebugProtocol.FunctionBreakpoint & Wish): Bound {
  const written = writtenFunction(asked.name);
  const condition = bothConditions(written.condition, asked.condition);
  const wish = condition === undefined ? asked : { ...asked, condition };
  const memory = parseMemoryFunction(written.name);
  if (memory !== undefined) return 'error' in memory ? unbound(memory.error) : bindMemory(scenario, inspector, memory, wish);
  if (written.name.startsWith('write:')) return bindWrite(scenario, inspector, written.name, wish);
  const found = functionTargets(scenario.program, written);
  if ('error' in found) return unbound(found.error);
  const bound = found.map((target) => {
    if (target.kind === 'statement') return bindStatement(scenario, target.statement, wish);
    const never = target.filter === undefined ? undefined : neverUnder(target.filter, debuggee.technique);
    return never === undefined ? bindEvent(scenario, whoseEvents(target, inspector), wish) : unbound(never);
  });
  return joined(bound);
}

function bothConditions(written: string | undefined, asked: string | undefined): string | undefined {
  if (written === undefined || asked === undefined || asked.trim() === '') return written ?? asked;
  return `(${written}) and (${asked})`;
}

/** Of events that concern only what one CPU does to another: those. */
function whoseEvents({ kinds, matches, until, isOfAnotherCpu }: NamedEvents, inspector: Inspector): Events {
  const rest = { kinds, ...(until === undefined ? {} : { until }) };
  if (isOfAnotherCpu === undefined) return { ...rest, matches };
  return { ...rest, matches: (record) => record[CPU_AT] !== inspector.actingCpu() && matches(record) };
}

/** Stops at all of them. A condition that only some can judge keeps those, and the others' reason is told. */
function joined(all: readonly Bound[]): Bound {
  const stops = all.flatMap((bound) => (bound.kind === 'bound' ? bound.stops : []));
  const refused = all.find((bound) => bound.kind === 'unbound');
  if (stops.length === 0) return refused ?? unbound('Nothing of that name runs: set the breakpoint on a statement.');
  const place = all.flatMap((bound) => (bound.kind === 'bound' && bound.place !== undefined ? [bound.place] : []))[0];
  return {
    kind: 'bound',
    stops,
    ...(place === undefined ? {} : { place }),
    ...(refused === undefined ? {} : { message: `Stops at ${stops.length} of ${all.length} places of this name. ${refused.message}` }),
  };
}

function bindWrite(scenario: Scenario, inspector: Inspector, name: string, asked: Wish): Bound {
  const parsed = parseWriteBreakpoint(name);
  if ('error' in parsed) return unbound(parsed.error);
  const standing = inspector.entriesAt(parsed.space, parsed.address, parsed.length, parsed.vm);
  if ('error' in standing) return unbound(`"${name}" can never stop: ${standing.error}`);
  const bound = bindEvent(scenario, { kinds: writeBreakpointKinds(parsed), matches: writeBreakpointMatches(parsed, runsOf(scenario, inspector, parsed.vm)) }, asked);
  if (bound.kind === 'unbound' || standing.isTable) return bound;
  return { ...bound, message: `No known table lies at ${memoryReference({ ...parsed, address: BigInt(parsed.address) })} now: this stops only once one does.` };
}

type Events = Pick<EventBreakpoint, 'kinds' | 'matches' | 'bytes' | 'until' | 'within'>;

function bindEvent(scenario: Scenario, events: Events, asked: Wish, site: Site = {}): Bound {
  const restriction = restrict(scenario, asked, site);
  if ('error' in restriction) return unbound(restriction.error);
  const missing = restriction.condition === undefined ? undefined : whyNoField(restriction.condition, events.kinds);
  if (missing !== undefined) return unbound(`The condition cannot be used: ${missing}`);
  const { log, ...rest } = restriction;
  return { kind: 'bound', stops: [{ kind: 'event', breakpoint: { ...events, ...rest }, ...logged(log) }] };
}

/** A row of the disassembly; without a place there is none at its address. */
export function bindInstruction({ scenario }: BreakpointTarget, asked: DebugProtocol.InstructionBreakpoint, place: InstructionPlace | undefined): Bound {
  if (place === undefined) return unbound(`There is no instruction at ${addressText(asked)}: a breakpoint goes on a row of the disassembly at which something stands.`);
  const { statement: number, instruction, event } = place;
  const statement = scenario.program.statements[number];
  if (statement === undefined || !isStillThere(scenario.program, place)) {
    return unbound(`The scenario has another instruction at ${addressText(asked)} by now: set the breakpoint anew in the disassembly.`);
  }
  if (event === undefined) return bindStatement(scenario, number, asked, instruction === statement.entry ? undefined : { instruction, range: statement.range });
  const events = { kinds: [KIND[event.kind]], matches: isOfSort(event), within: { instruction, nth: event.nth } };
  // Of a handler that returns nothing is left to be named.
  const bound = bindEvent(scenario, events, asked, event.kind === 'iret' ? {} : { procedure: statement.procedure, instruction });
  return bound.kind === 'unbound' ? bound : { ...bound, place: { kind: 'statement', range: statement.range } };
}

function addressText({ instructionReference, offset }: DebugProtocol.InstructionBreakpoint): string {
  const address = instructionAddress(instructionReference, offset);
  return address === undefined ? `"${instructionReference}"` : hex(address);
}

export function bindException({ scenario, inspector, debuggee }: BreakpointTarget, asked: DebugProtocol.ExceptionFilterOptions): Bound {
  const filter = exceptionFilter(asked.filterId);
  if (filter === undefined) {
    const ids = exceptionFilters.map(({ id }) => id).join(', ');
    return unbound(`"${asked.filterId}" is no exception filter of Pagewalk: there are ${ids}.`);
  }
  const mode = exceptionModes.find(({ id }) => id === (asked.mode ?? 'before'))?.id;
  if (mode === undefined) return unbound(`"${asked.mode ?? ''}" is no mode of an exception filter: there are ${exceptionModes.map(({ id }) => id).join(' and ')}.`);
  const wanted = wantedBy(filter, mode);
  if (wanted === undefined) return unbound(noAfter(filter.label));
  const never = neverUnder(filter, debuggee.technique);
  if (never !== undefined) return unbound(never);
  return bindEvent(scenario, whoseEvents(wanted, inspector), asked);
}

/** `mode` is no field of the protocol's for these: a client that sends it is understood. */
export function bindData({ scenario, inspector }: BreakpointTarget, asked: DebugProtocol.DataBreakpoint & { readonly mode?: string }): Bound {
  const parsed = parseDataId(asked.dataId);
  if ('error' in parsed) return unbound(parsed.error);
  const watch = inMode(parsed, asked.mode, scenario.program, inspector);
  if ('error' in watch) return unbound(watch.error);
  const accessType = accessTypes.find((each) => each === (asked.accessType ?? 'write'));
  if (accessType === undefined) return unbound(`"${String(asked.accessType)}" is no use of memory: there are ${accessTypes.join(', ')}.`);
  if (watch.kind === 'value') return bindValue({ scenario, inspector }, watch, accessType, asked);
  return bindMemory(scenario, inspector, { watch, accessType }, asked);
}

function bindMemory(scenario: Scenario, inspector: Inspector, { watch, accessType }: WatchedAccess, asked: Wish): Bound {
  if (watch.vm !== undefined && cpusOf(scenario.program, watch.vm) === undefined) return unbound(`"${dataId(watch)}" watches nothing: there is no VM ${watch.vm} here.`);
  const uses = usesOf(watch, accessType);
  const kinds = memoryWatchKinds(watch, uses);
  if (kinds.length === 0) return unbound('Entries of tables are walked by their physical address: write walk gpa:0x… or walk hpa:0x….');
  const matches = memoryWatchMatches(watch, uses, inspector, runsOf(scenario, inspector, watch.vm));
  return bindEvent(scenario, { kinds, matches, bytes: memoryWatchBytes(watch) }, asked);
}

/** Stops behind each step that changes the value, or right before each that reads the register, or at both. */
function bindValue({ scenario, inspector }: Pick<BreakpointTarget, 'scenario' | 'inspector'>, watch: ValueWatch, accessType: DataAccessType, asked: Wish): Bound {
  const name = scenario.program.actors[watch.actor]?.name;
  if (name === undefined) return unbound(`"${dataId(watch)}" watches nothing: no thread has the id ${watch.actor + 1}.`);
  const reads = accessType === 'write' ? undefined : bindReads(scenario, watch, asked);
  if (reads !== undefined && accessType === 'read') return reads;
  const changes = bindChanges({ scenario, inspector }, watch, name, asked);
  if (reads === undefined || changes.kind === 'unbound') return changes;
  return reads.kind === 'bound' ? { ...reads, stops: [...changes.stops, ...reads.stops] } : { ...changes, message: `Stops at changes alone. ${reads.message}` };
}

/** A read changes nothing, and is known before it is done: by the instruction. */
function bindReads(scenario: Scenario, { actor, expression }: ValueWatch, asked: Wish): Bound {
  const register = registerOf(expression);
  if (register === undefined) return unbound(`${expression} can be watched for changes alone: no instruction tells that it is read.`);
  if (asked.logMessage !== undefined && asked.logMessage !== '') return unbound(`What is said at a read of ${register} is said at its line: set a log point there.`);
  const reads = readsOfRegister(scenario.program, register);
  if (reads.length === 0) return unbound(`No statement of this program reads ${register}, so there is nothing to stop at.`);
  const bound = joined(reads.map(({ statement, instruction }) => bindStatement(scenario, statement, asked, { instruction, actor })));
  if (bound.kind === 'unbound') return bound;
  // A register is at no place.
  const { kind, stops, message } = bound;
  return { kind, stops, ...(message === undefined ? {} : { message }) };
}

function bindChanges({ scenario, inspector }: Pick<BreakpointTarget, 'scenario' | 'inspector'>, watch: ValueWatch, name: string, asked: Wish): Bound {
  const of = watchedValue({ scenario, inspector }, watch);
  if ('error' in of) return unbound(`"${watch.expression}" cannot be watched: ${of.error}`);
  const restriction = restrict(scenario, asked, {});
  if ('error' in restriction) return unbound(restriction.error);
  const { log, ...rest } = restriction;
  return { kind: 'bound', stops: [{ kind: 'change', breakpoint: { text: `${watch.expression} of ${name}`, cpu: watch.actor, of, ...rest }, ...logged(log) }] };
}

/** Whether the VM of that name runs on a CPU, as it stands: a nested guest's events carry the CPU of the VM around. Undefined without a name. */
function runsOf({ program }: Scenario, inspector: Inspector, vm: string | undefined): ((cpu: number) => boolean) | undefined {
  if (vm === undefined) return undefined;
  const cpus = cpusOf(program, vm) ?? [];
  return (cpu) => cpus.includes(inspector.actorOn(cpu));
}

/** `inside`: the instruction of it right before which it stops, and whose doing it must be; left out: at its start, whoever runs it. */
function bindStatement(
  scenario: Scenario, number: number, asked: Wish,
  inside: { readonly instruction?: number; readonly actor?: number; readonly range?: SourceRange } = {},
): Bound {
  const statement = scenario.program.statements[number];
  if (statement === undefined) throw new Error(`invariant: statement ${number} of the program exists`);
  const restriction = restrict(scenario, asked, { procedure: statement.procedure });
  if ('error' in restriction) return unbound(restriction.error);
  const { log, ...rest } = restriction;
  const { instruction, actor, range = statement.range } = inside;
  return {
    kind: 'bound',
    stops: [{ kind: 'statement', breakpoint: { statement: number, ...(instruction === undefined ? {} : { instruction }), ...(actor === undefined ? {} : { actor }), ...rest }, ...logged(log) }],
    place: { kind: 'statement', range },
  };
}

/** A line of a listing where nothing runs (a comment, a heading, a brace) moves to the next one where something does. */
function bindListing(scenario: Scenario, inspector: Inspector, name: string, wanted: number, asked: DebugProtocol.SourceBreakpoint): Bound {
  const line = inspector.runningLines(name).find((each) => each >= wanted);
  if (line === undefined) return nothingRuns({ name }, asked);
  const restriction = restrict(scenario, asked, { values: inspector.listedValues(name, line) });
  if ('error' in restriction) return unbound(restriction.error);
  const { log, ...rest } = restriction;
  return {
    kind: 'bound',
    stops: [{ kind: 'listing', breakpoint: { listing: name, line, ...rest }, ...logged(log) }],
    place: { kind: 'listing', name, line },
  };
}

function restrict(
  scenario: Scenario,
  asked: Wish,
  site: Site,
): Restriction | { readonly error: string } {
  let restriction: Restriction = {};
  if (asked.condition !== undefined && asked.condition.trim() !== '') {
    const compiled = scenario.compileExpression(asked.condition, { ...site, use: 'condition' });
    if ('error' in compiled) return { error: `The condition cannot be used: ${compiled.error}` };
    restriction = { condition: compiled.fragment };
  }
  if (asked.hitCondition !== undefined && asked.hitCondition.trim() !== '') {
    const hit = parseHitCondition(asked.hitCondition);
    if ('error' in hit) return hit;
    restriction = { ...restriction, hit };
  }
  if (asked.logMessage !== undefined && asked.logMessage !== '') {
    const log = compileLogMessage(scenario, asked.logMessage, site);
    if ('error' in log) return log;
    restriction = { ...restriction, log: log.message };
  }
  return restriction;
}

function logged(log: LogMessage | undefined): { readonly log?: LogMessage } {
  return log === undefined ? {} : { log };
}

function nothingRuns(source: DebugProtocol.Source, { line }: DebugProtocol.SourceBreakpoint): Bound {
  return unbound(`Nothing runs on line ${line} of ${nameOf(source)}: choose a line where something does.`);
}

function unbound(message: string): Bound {
  return { kind: 'unbound', message };
}

/** What a client calls a source; it may give an empty name. */
function nameOf({ name, path }: DebugProtocol.Source): string {
  return [name, path].find((each) => each !== undefined && each !== '') ?? 'This source';
}
