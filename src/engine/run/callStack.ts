import { LOG } from '../../language/program';
import type { Death } from '../interpreter/deaths';
import type { Machine } from '../machine/machine';
import { exitReasonKey } from '../names';
import { RUN } from '../interpreter/runState';

/** Of more calls than that the innermost and the outermost are told, and how many lie between. */
const MOST_TOLD = 12;
const INNERMOST = 6;
const OUTERMOST = 4;

/**
 * Where a CPU stood when it could not go on, as a debugger shows it: the statement, the procedures and handlers that were under
 * way with the places they were called from, the `cpu` block last; then its last VM exit. Lines without an indent.
 */
export function callStackOf(machine: Machine, death: Death): readonly string[] {
  if (death.status === RUN.deadlock) return [];
  const frames = framesOf(machine, death);
  const told = frames.length <= MOST_TOLD ? frames
    : [...frames.slice(0, INNERMOST), `… ${frames.length - INNERMOST - OUTERMOST} more`, ...frames.slice(-OUTERMOST)];
  const happenings = machine.interpreter.happenings[death.cpu];
  const exits = happenings?.count(LOG.exits) ?? 0;
  if (happenings === undefined || exits === 0) return told;
  return [...told, `the last VM exit of ${machine.program.actors[death.cpu]!.name}: ${exitReasonKey(happenings.exit(exits - 1))}`];
}

function framesOf({ program, interpreter }: Machine, { cpu, statement }: Death): readonly string[] {
  const frames = interpreter.stacks[cpu]!.frames();
  return frames.map(({ procedure, pc }, i) => {
    const { kind, name } = program.procedures[procedure]!;
    const called = frames[i - 1];
    // A call returns behind itself; a handler returns to its access.
    const at = called === undefined || called.isHandler ? pc : pc - 1;
    const { range } = program.statements[i === 0 ? statement : interpreter.statements.at(at)] ?? {};
    const place = range === undefined ? '' : ` (${program.files[range.file]!.path}:${range.line + 1}:${range.column + 1})`;
    return `at ${kind === 'procedure' || kind === 'cpu' || kind === 'host thread' ? name : `on ${name}`}${place}`;
  });
}
