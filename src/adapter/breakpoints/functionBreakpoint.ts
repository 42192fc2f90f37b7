import { KIND, eventKinds } from '../../hardware/eventTable';
import { nearestName } from '../../language/compile/nearestName';
import { firstStatement } from './statementAtLine';
import { exceptionFilter, exceptionFilters } from './exceptionFilters';
import { parseWriteBreakpoint, writeBreakpointKinds, writeBreakpointMatches } from './writeBreakpoint';
import type { Program } from '../../language/program';

/** What the name of a function breakpoint stands for. */
export type FunctionTarget =
  | { readonly kind: 'statement'; readonly statement: number }
  | { readonly kind: 'event'; readonly kinds: readonly number[]; readonly matches: (record: Int32Array) => boolean };

/**
 * A function breakpoint's name is `write:SPACE:ADDRESS` (a page-table entry), the name of an event
 * kind (`vm_exit`), the id of an exception filter (`cr3-write`) or a procedure of the scenario or its library.
 */
export function functionTarget(program: Program, name: string): FunctionTarget | { readonly error: string } {
  const wanted = name.trim();
  if (wanted.startsWith('write:')) {
    const parsed = parseWriteBreakpoint(wanted);
    if ('error' in parsed) return parsed;
    return { kind: 'event', kinds: writeBreakpointKinds(parsed), matches: writeBreakpointMatches(parsed) };
  }
  const procedure = program.procedures.findIndex((candidate) => candidate.name === wanted);
  if (procedure >= 0) {
    const statement = firstStatement(program, procedure);
    return statement === undefined ? { error: `"${wanted}" has no statement to stop at.` } : { kind: 'statement', statement };
  }
  const filter = exceptionFilter(wanted);
  if (filter !== undefined) return { kind: 'event', kinds: filter.kinds, matches: filter.matches };
  if (isEventName(wanted)) return { kind: 'event', kinds: [KIND[wanted]], matches: () => true };
  return { error: unknownName(program, wanted) };
}

function isEventName(name: string): name is keyof typeof KIND {
  return Object.hasOwn(KIND, name);
}

function unknownName(program: Program, name: string): string {
  const choices = [
    ...program.procedures.map((procedure) => procedure.name),
    ...eventKinds.map((kind) => kind.name),
    ...exceptionFilters.map((filter) => filter.id),
  ];
  const hint = nearestName(name, choices);
  const advice = hint === undefined ? 'give an event such as vm_exit, a procedure, or write:gpa:0x3008.' : `did you mean "${hint}"?`;
  return `"${name}" is no event, procedure or entry: ${advice}`;
}
