import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ChangeBreakpoint, Debuggee, EventBreakpoint, ListingBreakpoint, LogPoint, StatementBreakpoint, Stop } from '../../engine/debuggee';
import type { Inspector, Scenario } from '../simulator';
import type { SourceCatalog } from '../sourceCatalog';
import { sourceKey, type Client } from '../client';
import { placeOfRange } from '../locations';
import { bindData, bindException, bindFunction, bindInstruction, bindSource, type Armed, type Bound, type Place } from './binding';
import { instructionAddress, instructionPlace, type InstructionPlace } from './instructionPlace';
import type { LogMessage } from './logMessage';

/** What breakpoints are bound to: one launch of a scenario. */
export interface BreakpointTarget {
  readonly scenario: Scenario;
  readonly debuggee: Debuggee;
  readonly inspector: Inspector;
  readonly sources: SourceCatalog;
  readonly client: Client;
  /** Makes a change to the debuggee when it stands still. */
  readonly whenStill: (change: () => void) => void;
}

/** One breakpoint as asked, and what it is bound to in the present launch. */
interface Kept<Asked> {
  readonly id: number;
  readonly asked: Asked;
  bound: Bound;
}

/** Id of the breakpoint that stops a run at its first statement; never shown to a client. */
const ENTRY_ID = 0;
/** An instruction breakpoint that is set while the scenario runs: what stands at an address is looked up at rest. */
const PENDING: Bound = { kind: 'unbound', message: 'What stands at this address is looked up as soon as the scenario stands still.', isPending: true };

/**
 * All breakpoints of a session. What the client asked is kept, so that a restart binds it again; a
 * breakpoint asked again unchanged keeps its id.
 */
export class BreakpointStore {
  private nextId = ENTRY_ID + 1;
  private entry: number | undefined;
  private readonly inSource = new Map<string, { source: DebugProtocol.Source; kept: Kept<DebugProtocol.SourceBreakpoint>[] }>();
  private data: Kept<DebugProtocol.DataBreakpoint>[] = [];
  private functions: Kept<DebugProtocol.FunctionBreakpoint>[] = [];
  private exceptions: Kept<DebugProtocol.ExceptionFilterOptions>[] = [];
  private instructions: Kept<DebugProtocol.InstructionBreakpoint>[] = [];
  /** What stood at the addresses of instruction breakpoints when they were set, by id: an address is a moment, and another run has others. */
  private readonly places = new Map<number, InstructionPlace>();

  setInSource(target: BreakpointTarget, source: DebugProtocol.Source, asked: readonly DebugProtocol.SourceBreakpoint[]): DebugProtocol.Breakpoint[] {
    const key = storeKey(source);
    const before = this.inSource.get(key)?.kept ?? [];
    const kept = this.keep(before, asked, (breakpoint) => bindSource(target, source, breakpoint));
    this.inSource.set(key, { source, kept });
    this.install(target);
    return kept.map((breakpoint) => described(breakpoint, target));
  }

  setFunctions(target: BreakpointTarget, asked: readonly DebugProtocol.FunctionBreakpoint[]): DebugProtocol.Breakpoint[] {
    this.functions = this.keep(this.functions, asked, (breakpoint) => bindFunction(target, breakpoint));
    this.install(target);
    return this.functions.map((breakpoint) => described(breakpoint, target));
  }

  setExceptions(target: BreakpointTarget, asked: readonly DebugProtocol.ExceptionFilterOptions[]): DebugProtocol.Breakpoint[] {
    this.exceptions = this.keep(this.exceptions, asked, (options) => bindException(target, options));
    this.install(target);
    return this.exceptions.map((breakpoint) => described(breakpoint, target));
  }

  setData(target: BreakpointTarget, asked: readonly DebugProtocol.DataBreakpoint[]): DebugProtocol.Breakpoint[] {
    this.data = this.keep(this.data, asked, (breakpoint) => bindData(target, breakpoint));
    this.install(target);
    return this.data.map((breakpoint) => described(breakpoint, target));
  }

  /** `changed` is told of those that could not be looked up at once. */
  setInstructions(
    target: BreakpointTarget, asked: readonly DebugProtocol.InstructionBreakpoint[], changed: (breakpoint: DebugProtocol.Breakpoint) => void,
  ): DebugProtocol.Breakpoint[] {
    this.instructions = this.keep(this.instructions, asked, () => PENDING);
    for (const id of this.places.keys()) if (!this.isInstruction(id)) this.places.delete(id);
    for (const kept of this.instructions) if (this.places.has(kept.id)) kept.bound = this.boundInstruction(target, kept);
    let isAnswered = false;
    target.whenStill(() => {
      const pending = this.instructions.filter(({ bound }) => bound === PENDING);
      for (const kept of pending) kept.bound = this.boundInstruction(target, kept);
      this.install({ debuggee: target.debuggee, whenStill: atOnce });
      if (isAnswered) for (const kept of pending) changed(described(kept, target));
    });
    isAnswered = true;
    return this.instructions.map((breakpoint) => described(breakpoint, target));
  }

  /** After a restart: binds everything to the new launch; gives those of sources, whose places may have moved. */
  rebind(target: BreakpointTarget): DebugProtocol.Breakpoint[] {
    const all: DebugProtocol.Breakpoint[] = [];
    for (const { source, kept } of this.inSource.values()) {
      for (const breakpoint of kept) {
        breakpoint.bound = bindSource(target, source, breakpoint.asked);
        all.push(described(breakpoint, target));
      }
    }
    for (const breakpoint of this.functions) {
      breakpoint.bound = bindFunction(target, breakpoint.asked);
      all.push(described(breakpoint, target));
    }
    for (const breakpoint of this.instructions) {
      breakpoint.bound = this.boundInstruction(target, breakpoint);
      all.push(described(breakpoint, target));
    }
    for (const breakpoint of this.data) breakpoint.bound = bindData(target, breakpoint.asked);
    for (const breakpoint of this.exceptions) breakpoint.bound = bindException(target, breakpoint.asked);
    this.install(target);
    return all;
  }

  /** At a stop: function breakpoints of which something else is to be known now (a table has come to lie there). */
  retold(targetNow: () => BreakpointTarget): DebugProtocol.Breakpoint[] {
    const talking = this.functions.filter(({ bound }) => bound.kind === 'bound' && bound.message !== undefined);
    if (talking.length === 0) return [];
    const target = targetNow();
    return talking.flatMap((kept) => {
      const bound = bindFunction(target, kept.asked);
      if (bound.message === kept.bound.message) return [];
      kept.bound = bound;
      return [described(kept, target)];
    });
  }

  /** The exception filter that a breakpoint id stands for. */
  filterOf(id: number): string | undefined {
    return this.exceptions.find((kept) => kept.id === id)?.asked.filterId;
  }

  /** The name of the function breakpoint that an id stands for. */
  functionOf(id: number): string | undefined {
    return this.functions.find((kept) => kept.id === id)?.asked.name;
  }

  /** What the data breakpoint that an id stands for watches, by its data id. */
  dataOf(id: number): string | undefined {
    return this.data.find((kept) => kept.id === id)?.asked.dataId;
  }

  isInstruction(id: number): boolean {
    return this.instructions.some((kept) => kept.id === id);
  }

  /** Arms a breakpoint of our own that reports as the entry stop; undefined takes it away. */
  stopOnceAt(debuggee: Debuggee, statement: number | undefined): void {
    this.entry = statement;
    this.install({ debuggee, whenStill: atOnce });
  }

  /** The stop is the entry breakpoint's alone. */
  isEntry(stop: Stop): boolean {
    return this.entry !== undefined && stop.kind === 'breakpoint' && stop.ids.every((id) => id === ENTRY_ID);
  }

  /** A run without debugging stops nowhere; what was asked is kept. */
  disarm(debuggee: Debuggee): void {
    debuggee.setStatementBreakpoints([]);
    debuggee.setEventBreakpoints([]);
    debuggee.setListingBreakpoints([]);
    debuggee.setChangeBreakpoints([]);
    debuggee.setLogPoints([]);
  }

  private keep<Asked>(before: readonly Kept<Asked>[], asked: readonly Asked[], bind: (asked: Asked) => Bound): Kept<Asked>[] {
    const left = [...before];
    return asked.map((breakpoint) => {
      const spelled = JSON.stringify(breakpoint);
      const same = left.findIndex((kept) => JSON.stringify(kept.asked) === spelled);
      const id = same >= 0 ? left.splice(same, 1)[0]?.id : undefined;
      return { id: id ?? this.nextId++, asked: breakpoint, bound: bind(breakpoint) };
    });
  }

  private boundInstruction(target: BreakpointTarget, { id, asked }: Kept<DebugProtocol.InstructionBreakpoint>): Bound {
    const address = instructionAddress(asked.instructionReference, asked.offset);
    const place = this.places.get(id) ?? (address === undefined ? undefined : instructionPlace(target.debuggee, address));
    if (place !== undefined) this.places.set(id, place);
    return bindInstruction(target, asked, place);
  }

  private install({ debuggee, whenStill }: Pick<BreakpointTarget, 'debuggee' | 'whenStill'>): void {
    const statements: StatementBreakpoint[] = this.entry === undefined ? [] : [{ id: ENTRY_ID, statement: this.entry }];
    const events: EventBreakpoint[] = [];
    const listings: ListingBreakpoint[] = [];
    const changes: ChangeBreakpoint[] = [];
    const logPoints: LogPoint[] = [];
    const everywhere = [...this.inSource.values()].flatMap(({ kept }) => kept as readonly Kept<unknown>[]);
    for (const { id, bound } of [...everywhere, ...this.functions, ...this.data, ...this.exceptions, ...this.instructions]) {
      for (const stop of bound.kind === 'bound' ? bound.stops : []) {
        if (stop.log !== undefined) logPoints.push(logPoint(id, stop, stop.log));
        else if (stop.kind === 'statement') statements.push({ id, ...stop.breakpoint });
        else if (stop.kind === 'event') events.push({ id, ...stop.breakpoint });
        else if (stop.kind === 'listing') listings.push({ id, ...stop.breakpoint });
        else changes.push({ id, ...stop.breakpoint });
      }
    }
    whenStill(() => {
      debuggee.setStatementBreakpoints(statements);
      debuggee.setEventBreakpoints(events);
      debuggee.setListingBreakpoints(listings);
      debuggee.setChangeBreakpoints(changes);
      debuggee.setLogPoints(logPoints);
    });
  }
}

function atOnce(change: () => void): void {
  change();
}

function storeKey(source: DebugProtocol.Source): string {
  const reference = source.sourceReference ?? 0;
  return reference > 0 ? `reference:${reference}` : sourceKey(source.path ?? source.name ?? '');
}

/** A place with a message is passed, not stopped at. */
function logPoint(id: number, armed: Armed, message: LogMessage): LogPoint {
  const { condition, hit } = armed.breakpoint;
  const common = { id, message, ...(condition === undefined ? {} : { condition }), ...(hit === undefined ? {} : { hit }) };
  if (armed.kind === 'listing') return { ...common, at: { kind: 'listing', listing: armed.breakpoint.listing, line: armed.breakpoint.line } };
  if (armed.kind === 'change') return { ...common, at: { kind: 'change', text: armed.breakpoint.text, cpu: armed.breakpoint.cpu, of: armed.breakpoint.of } };
  const at = armed.kind === 'statement'
    ? { kind: 'statement' as const, statement: armed.breakpoint.statement }
    : eventAt(armed.breakpoint);
  return { ...common, at };
}

function eventAt({ kinds, matches, bytes, until }: Pick<EventBreakpoint, 'kinds' | 'matches' | 'bytes' | 'until'>): LogPoint['at'] {
  return { kind: 'event', kinds, matches, ...(bytes === undefined ? {} : { bytes }), ...(until === undefined ? {} : { until }) };
}

function described({ id, bound }: Kept<unknown>, { sources, client }: BreakpointTarget): DebugProtocol.Breakpoint {
  if (bound.kind === 'unbound') return { id, verified: false, message: bound.message, reason: bound.isPending === true ? 'pending' : 'failed' };
  const { place, message } = bound;
  return {
    id,
    verified: true,
    ...(message === undefined ? {} : { message }),
    ...(place === undefined ? {} : placed(place, sources, client)),
  };
}

function placed(place: Place, sources: SourceCatalog, client: Client): Omit<DebugProtocol.Breakpoint, 'verified'> {
  if (place.kind === 'listing') return { source: sources.ofListing(place.name, client), line: client.lineOut(place.line) };
  return placeOfRange({ sources }, client, place.range);
}
