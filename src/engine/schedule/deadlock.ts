import { RFLAGS } from '../../hardware/processor/controlRegisters';
import type { Program } from '../../language/program';
import type { Machine } from '../machine/machine';
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

/** Why an actor does not go on while all others stand, and for whom it waits, as a sentence. */
export function waitText(machine: Machine, actor: number): string {
  const { program, interpreter: { scheduler, meetings } } = machine;
  const name = nameOf(machine, actor);
  const meeting = scheduler.meeting(actor);
  const at = program.meetings[meeting]?.name ?? '';
  const others = (actors: readonly number[]): string => actors.map((each) => nameOf(machine, each)).join(' and ') || 'another thread';
  switch (scheduler.state(actor)) {
    case ACTOR_STATE.atBarrier: return `${name} waits at barrier ${at} for ${others(meetings.missingAt(meeting))}${placeOf(machine, actor)}: let the others run.`;
    case ACTOR_STATE.awaiting: return `${name} waits until somebody is held for ${at}${placeOf(machine, actor)}: let the others run.`;
    case ACTOR_STATE.held: return `${name} is held inside its access until another thread releases ${at}${placeOf(machine, actor)}: let the others run.`;
    case ACTOR_STATE.waitsForBoot: return `${name} waits for the boot to end: let the others run.`;
    case ACTOR_STATE.running: return `${name} has executed HLT${placeOf(machine, actor)}, and an interrupt would have to come from another CPU: let the others run.`;
    case ACTOR_STATE.outside: return `The processor of ${name} runs another program: step that one.`;
    case ACTOR_STATE.dead: return `The VM of ${name} cannot go on: let the others run.`;
    default: return `${name} has come to the end of its block: let the others run.`;
  }
}

/** An actor goes round a loop in which nothing changes that it sees, while all others stand. */
export function spinText(machine: Machine, actor: number): string {
  const { program, interpreter: { stacks } } = machine;
  return `${nameOf(machine, actor)} goes round a loop in which nothing changes${procedureText(program, stacks[actor]!.procedure)}${placeOf(machine, actor)}: `
    + 'what it waits for another thread has to do. Let the others run.';
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
