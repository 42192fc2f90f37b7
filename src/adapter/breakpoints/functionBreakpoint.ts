import { nearestNames } from '../../language/compile/nearestName';
import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import { eventNames, eventsNamed, type NamedEvents } from './eventName';
import type { ExceptionMode } from './exceptionFilters';
import { firstStatement } from './statementAtLine';

/** Something that the name of a function breakpoint stands for. */
export type FunctionTarget =
  | { readonly kind: 'statement'; readonly statement: number }
  | ({ readonly kind: 'event' } & NamedEvents);

/** A function breakpoint as it is written: `[after ]NAME[ if CONDITION]`. */
export interface WrittenFunction {
  readonly name: string;
  readonly mode: ExceptionMode;
  readonly condition?: string;
}

/** Takes the text of a function breakpoint apart. */
export function writtenFunction(text: string): WrittenFunction {
  const trimmed = text.trim();
  const after = /^after\s+/.exec(trimmed)?.[0] ?? '';
  const rest = trimmed.slice(after.length);
  const at = rest.search(/\sif\s/);
  const mode = after === '' ? 'before' : 'after';
  return at < 0 ? { name: rest, mode } : { name: rest.slice(0, at).trim(), mode, condition: rest.slice(at + ' if '.length).trim() };
}

/**
 * A function breakpoint's name is that of a procedure or handler of the scenario or its library, or a name of events
 * (`cr3-write`, `vm_exit`, `exit:ept_violation`). `page_fault` is the event and the handler: both.
 */
export function functionTargets(program: Program, { name, mode }: WrittenFunction): readonly FunctionTarget[] | { readonly error: string } {
  const procedures = runningProcedures(program, name);
  const events = eventsNamed(name, mode);
  if (events !== undefined && 'error' in events) return events;
  const event = events === undefined ? undefined : { kind: 'event' as const, ...events };
  if (mode === 'after' && event === undefined && procedures.length > 0) {
    return { error: `"after ${name}": a procedure is left where its caller goes on; set a breakpoint there.` };
  }
  const isHandler = procedures.includes(program.pageFaultHandler);
  if (procedures.length === 0) return event === undefined ? { error: unknownName(program, name) } : [event];
  const statements = procedures.flatMap((procedure) => {
    const statement = firstStatement(program, procedure);
    return statement === undefined ? [] : [{ kind: 'statement' as const, statement }];
  });
  if (isHandler && event !== undefined) return mode === 'after' ? [event] : [event, ...statements];
  return statements.length === 0 ? { error: `"${name}" has no statement to stop at.` } : statements;
}

/**
 * The procedures of that name that can run: the last one declared, which replaces those before it, and what it calls
 * by `original(…)`.
 */
function runningProcedures(program: Program, name: string): readonly number[] {
  const named = program.procedures.flatMap((procedure, number) => (procedure.name === name ? [number] : []));
  const running: number[] = named.slice(-1);
  for (const number of running) {
    for (const called of calledBy(program, number)) {
      if (named.includes(called) && !running.includes(called)) running.push(called);
    }
  }
  return running;
}

function calledBy({ code, procedures }: Program, procedure: number): readonly number[] {
  const { entry, end } = procedures[procedure] ?? { entry: 0, end: 0 };
  const called: number[] = [];
  for (let at = entry * INSTRUCTION_WORDS; at < end * INSTRUCTION_WORDS; at += INSTRUCTION_WORDS) {
    if (code[at] === OP.call) called.push(code[at + 1]!);
  }
  return called;
}

function unknownName(program: Program, name: string): string {
  const nearest = nearestNames(name, [...program.procedures.map((procedure) => procedure.name), ...eventNames]);
  const advice = nearest.length === 0
    ? 'give an event such as vm_exit, exit:ept_violation or cr3-write, a procedure, or write:gpa:0x3008.'
    : `did you mean ${nearest.map((each) => `"${each}"`).join(' or ')}?`;
  return `"${name}" is no event, procedure or entry: ${advice}`;
}
