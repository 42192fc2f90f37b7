import type { DebugProtocol } from '@vscode/debugprotocol';
import type { LastWrite } from '../engine/debuggee';
import type { SourceRange } from '../language/program';
import type { Client } from './client';
import { cannotInspect, type Failure } from './failures';
import { cpusOf, parseMemoryReference } from './memoryReference';
import type { Launched } from './sessionState';

/** A place in a source, worked out when a client asks for it. */
export type Located = () => DebugProtocol.LocationsResponse['body'] | Failure;

/** Bytes of memory: `SPACE:0x…`, as a memory reference names them. */
export interface Cell {
  readonly at: string;
  readonly bytes: number;
}

const PAGE_BYTES = 4096n;

/**
 * Where bytes lie in host-physical memory as the tables stand: as many of them as are in one page; a sentence when nowhere.
 * `cpu`: whose addresses those without a VM's name are.
 */
export function hostPlaceOf({ debuggee, inspector, scenario: { program } }: Launched, { at, bytes }: Cell, cpu: number): { readonly address: bigint; readonly bytes: number } | { readonly nobody: string } {
  const place = parseMemoryReference(at);
  if (place === undefined) return { nobody: `"${at}" is no address.` };
  const asked = place.vm === undefined ? cpu : cpusOf(program, place.vm)?.[0] ?? cpu;
  const found = inspector.hostAddress(asked < debuggee.cpus ? asked : 0, place.space, place.address);
  if ('nobody' in found) return found;
  return { address: found.address, bytes: Math.min(bytes, Number(PAGE_BYTES - found.address % PAGE_BYTES)) };
}

/** Who wrote these bytes last, of what lies in one page; a sentence when nobody did. */
export function lastWriterOf(launched: Launched, cell: Cell, cpu: number): LastWrite | { readonly nobody: string } {
  const place = hostPlaceOf(launched, cell, cpu);
  return 'nobody' in place ? place : launched.debuggee.lastWriter(place.address, place.bytes);
}

/** `gpa:0x3008 was last written by the guest, on cpu 0 (step 12, event 3)` */
export function writerText({ debuggee }: Launched, at: string, { moment: { step, event }, thread, by, isShown }: LastWrite): string {
  const when = `step ${step}${event === 0 ? '' : `, event ${event}`}${isShown ? '' : ', while the guest booted'}`;
  return `${at} was last written by the ${by}, on ${debuggee.threads[thread] ?? ''} (${when})`;
}

/** The line of a listing that did a write, else the statement that ran. */
export function placeOfWrite({ sources, scenario: { program } }: Launched, client: Client, { listed, statement }: LastWrite): DebugProtocol.LocationsResponse['body'] | undefined {
  if (listed !== undefined) return { source: sources.ofListing(listed.listing, client), line: client.lineOut(listed.line), column: client.columnOut(1) };
  const range = program.statements[statement]?.range;
  return range === undefined ? undefined : placeOfRange({ sources }, client, range);
}

export function placeOfRange({ sources }: Pick<Launched, 'sources'>, client: Client, range: SourceRange): NonNullable<DebugProtocol.LocationsResponse['body']> {
  return {
    source: sources.ofFile(range.file, client),
    line: client.lineOut(range.line + 1),
    column: client.columnOut(range.column + 1),
    endLine: client.lineOut(range.endLine + 1),
    endColumn: client.columnOut(range.endColumn + 1),
  };
}

/** Where the bytes got their value. */
export function writerLocated(launched: Launched, client: Client, cell: Cell, cpu: number): Located {
  return () => {
    const written = lastWriterOf(launched, cell, cpu);
    if ('nobody' in written) return cannotInspect(written.nobody);
    return placeOfWrite(launched, client, written) ?? cannotInspect(`${written.text}: no line of a source did that.`);
  };
}

/** Where a variable of a procedure first gets its value, or a parameter stands; undefined: it is no variable of it. */
export function variableDeclared(launched: Launched, client: Client, procedure: number, name: string): Located | undefined {
  const { procedures, statements } = launched.scenario.program;
  const owner = procedures[procedure];
  const variable = owner?.variables.find((each) => each.name === name);
  if (owner === undefined || variable === undefined) return undefined;
  return () => {
    const assigned = statements.filter((each) => each.procedure === procedure && each.entry < variable.since && variable.since <= each.end);
    const innermost = assigned.sort((a, b) => (a.end - a.entry) - (b.end - b.entry))[0];
    return placeOfRange(launched, client, innermost?.range ?? owner.range);
  };
}
