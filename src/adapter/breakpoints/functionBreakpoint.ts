import { KIND, eventKinds } from '../../hardware/events/eventTable';
import { nearestName } from '../../language/compile/nearestName';
import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import { firstStatement } from './statementAtLine';
import { exceptionFilter, exceptionFilters } from './exceptionFilters';

/** Something that the name of a function breakpoint stands for. */
export type FunctionTarget =
  | { readonly kind: 'statement'; readonly statement: number }
  | { readonly kind: 'event'; readonly kinds: readonly number[]; readonly matches: (record: Int32Array) => boolean };

/**
 * A function breakpoint's name is that of a procedure or handler of the scenario or its library, the id of an
 * exception filter (`cr3-write`) or an event kind (`vm_exit`). `page_fault` is the event and the handler: both.
 */
export function functionTargets(program: Program, name: string): readonly FunctionTarget[] | { readonly error: string } {
  const procedures = runningProcedures(program, name);
  const event = eventTarget(name);
  const isHandler = procedures.includes(program.pageFaultHandler);
  if (procedures.length === 0) return event === undefined ? { error: unknownName(program, name) } : [event];
  const statements = procedures.flatMap((procedure) => {
    const statement = firstStatement(program, procedure);
    return statement === undefined ? [] : [{ kind: 'statement' as const, statement }];
  });
  if (isHandler && event !== undefined) return [event, ...statements];
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

function eventTarget(name: string): FunctionTarget | undefined {
  const filter = exceptionFilter(name);
  if (filter !== undefined) return { kind: 'event', kinds: filter.kinds, matches: filter.matches };
  return isEventName(name) ? { kind: 'event', kinds: [KIND[name]], matches: () => true } : undefined;
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
