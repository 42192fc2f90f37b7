import { RFLAGS } from '../hardware/processor/controlRegisters';
import type { Program } from '../language/program';
import type { Machine } from './machine';
import { ACTOR_STATE } from './scheduler';

/** Who waits where, of a run in which nobody can go on: one clause an actor. */
export function deadlockText(machine: Machine): string {
  const { program, interpreter } = machine;
  const clauses = program.actors.flatMap((_, actor) => {
    const what = waitOf(machine, actor);
    return what === undefined ? [] : [`${nameOf(machine, actor)} ${what}${placeOf(machine, actor)}${isSpinning(machine, actor) ? '' : deafness(machine, actor)}`];
  });
  const missed = program.actors.flatMap((_, actor) => {
    const meeting = interpreter.holds.missed(actor);
    return meeting < 0 ? [] : [`the hold of ${nameOf(machine, actor)} for ${program.meetings[meeting]!.name} ended without its event`];
  });
  return `deadlock: ${[...clauses, ...missed].join('; ')}; write what lets one of them go on`;
}

function nameOf({ program }: Machine, actor: number): string {
  return program.actors[actor]!.name;
}

function waitOf(machine: Machine, actor: number): string | undefined {
  const { program, interpreter: { scheduler, stacks } } = machine;
  const meeting = program.meetings[scheduler.meeting(actor)]?.name ?? '';
  switch (scheduler.state(actor)) {
    case ACTOR_STATE.atBarrier: return `waits at barrier ${meeting}`;
    case ACTOR_STATE.awaiting: return `awaits ${meeting}`;
    case ACTOR_STATE.held: return `is held for ${meeting}`;
    case ACTOR_STATE.waitsForBoot: return 'waits for the boot to end';
    case ACTOR_STATE.running: return scheduler.isHalted(actor) ? 'halts, and no interrupt comes' : `goes round a loop that only another could end${procedureText(program, stacks[actor]!.procedure)}`;
    case ACTOR_STATE.ended: return deafness(machine, actor) === '' ? undefined : 'has come to its end';
    default: return undefined;
  }
}

/** It runs, and will never do anything else. */
function isSpinning({ interpreter: { scheduler } }: Machine, actor: number): boolean {
  return scheduler.state(actor) === ACTOR_STATE.running && !scheduler.isHalted(actor);
}

function procedureText({ procedures }: Program, procedure: number): string {
  const { kind, name } = procedures[procedure]!;
  return kind === 'procedure' ? `, in \`${name}\`` : '';
}

/** A CPU that waits takes interrupts, but for IF = 0: then a shootdown waits for its answer for ever. */
function deafness({ processors }: Machine, actor: number): string {
  const processor = processors[actor];
  return processor === undefined || (processor.guest.flags & RFLAGS.IF) !== 0 ? '' : ' with IF = 0, so that it takes no interrupt';
}

/** The line of its block, whatever it has called. */
function placeOf({ program, interpreter }: Machine, actor: number): string {
  const stack = interpreter.stacks[actor]!;
  const frames = stack.frames();
  const isCalled = stack.depth > 0 && frames[frames.length - 2]?.isHandler === false;
  const number = stack.depth === 0 ? stack.statement : interpreter.statements.at(frames[frames.length - 1]!.pc - (isCalled ? 1 : 0));
  const range = program.statements[number]?.range;
  return range === undefined ? '' : ` (line ${range.line + 1})`;
}
