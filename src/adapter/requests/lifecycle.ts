import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { announce } from '../announcements';
import { capabilities } from '../capabilities';
import { fileName } from '../client';
import { Failure, sessionGone, wrongPhase } from '../failures';
import type { LaunchArguments, Launched, SessionState } from '../sessionState';
import { launchScenario } from './launching';

export function initialize(state: SessionState, args: DebugProtocol.InitializeRequestArguments): Answer<DebugProtocol.Capabilities> {
  state.client.introduce(args);
  state.progress.isWanted = args.supportsProgressReporting === true;
  state.phase = 'not launched';
  return { ...capabilities };
}

/** Answered when the scenario is compiled and built; it runs after `configurationDone`. */
export async function launch(state: SessionState, args: LaunchArguments): Promise<Answer<undefined>> {
  state.phase = 'launching';
  const launched = await launchScenario(state, args);
  if (wasLeft(state)) return sessionGone('launch');
  if (launched instanceof Failure) {
    state.end(undefined);
    return launched;
  }
  state.launched = launched;
  state.phase = 'being configured';
  // Breakpoints can be answered as verified only now, so this is when the client is asked for them.
  state.behindAnswer.add(() => {
    if (state.phase === 'being configured') state.send('initialized');
  });
  return undefined;
}

export function configurationDone(state: SessionState): Answer<undefined> {
  if (state.launched === undefined) return undefined;
  announce(state, undefined, state.launched);
  begin(state, state.launched);
  return undefined;
}

/** Reads and compiles the scenario again, keeps all breakpoints, and starts from the beginning. */
export async function restart(state: SessionState, args: { readonly arguments?: LaunchArguments }): Promise<Answer<undefined>> {
  const before = state.launched;
  const launched = await launchScenario(state, args.arguments ?? before?.args ?? {});
  if (wasLeft(state)) return sessionGone('restart');
  // A scenario that no longer compiles leaves the session where it was.
  if (launched instanceof Failure) return launched;
  // The old run may have ended while the file was read, and has said so.
  if (state.phase === 'over' || state.isEnding) return wrongPhase('restart', 'over', 'the scenario ended meanwhile');
  state.halt();
  const edits = before?.debuggee.edits ?? 0;
  if (edits > 0) state.output.note(`Started anew: the ${edits === 1 ? 'edit that you had made is' : `${edits} edits that you had made are`} gone.`);
  state.launched = launched;
  announce(state, before, launched);
  for (const breakpoint of state.breakpoints.rebind(state.breakpointTarget(launched))) {
    state.send('breakpoint', { reason: 'changed', breakpoint });
  }
  begin(state, launched);
  return undefined;
}

/** Ends the scenario, not the session: what it has come to so far is told, and `terminated` follows. */
export function terminate(state: SessionState): Answer<undefined> {
  state.isEnding = true;
  state.behindAnswer.add(() => {
    state.whenStill(() => {
      if (state.phase === 'running' || state.phase === 'stopped') tellSoFar(state);
      state.end(undefined);
    });
    state.pause();
  });
  return undefined;
}

function tellSoFar({ launched, output }: SessionState): void {
  if (launched === undefined) return;
  const { debuggee, scenario: { program } } = launched;
  output.soFar(debuggee.result(), { scenario: fileName(program.name), technique: debuggee.technique, step: debuggee.moment().step, exits: exitsSoFar(launched) });
}

/** VM exits since the scenario's first line, of all VMs; undefined where they are not counted. */
function exitsSoFar({ debuggee, scenario }: Launched): bigint | undefined {
  const compiled = scenario.compileExpression('total.exits.total', { use: 'watch' });
  if ('error' in compiled) return undefined;
  const { actors, vms } = scenario.program;
  const cpus = vms.map((_, vm) => actors.findIndex((actor) => actor.kind === 'cpu' && actor.vm === vm)).filter((cpu) => cpu >= 0);
  return cpus.reduce((sum, cpu) => {
    const counted = debuggee.evaluate(compiled.fragment, cpu, 0);
    return 'error' in counted ? sum : sum + counted.value;
  }, 0n);
}

export function disconnect(state: SessionState): Answer<undefined> {
  state.end(undefined);
  state.halt();
  state.launched = undefined;
  state.phase = 'disconnected';
  return undefined;
}

function begin(state: SessionState, launched: Launched): void {
  state.phase = 'running';
  if (launched.args.noDebug === true) {
    state.breakpoints.disarm(launched.debuggee);
    state.move('continue', 0);
  } else if (launched.args.stopAtBoot === true) {
    launched.debuggee.showBoot();
    state.behindAnswer.add(() => {
      if (state.launched === launched && state.phase === 'running') state.standAt({ kind: 'entry' });
    });
  } else if (launched.args.stopOnEntry === true) {
    state.moveToEntry();
  } else {
    state.move('continue', 0);
  }
}

/** A disconnect can come while a file is being read. */
function wasLeft(state: SessionState): boolean {
  return state.phase === 'disconnected';
}
