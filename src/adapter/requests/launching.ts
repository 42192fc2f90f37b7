import type { Diagnostic } from '../../language/program';
import { besideFile, sourceKey } from '../client';
import { Failure, cannotRun, programMissing, programUnreadable, scenarioBroken } from '../failures';
import { diagnosticText } from '../outputPump';
import type { LaunchArguments, Launched, SessionState } from '../sessionState';
import type { Scenario } from '../simulator';
import { SourceCatalog } from '../sourceCatalog';

/** Reads, compiles and builds what `args` ask for; tells every diagnostic on the debug console. */
export async function launchScenario(state: SessionState, args: LaunchArguments): Promise<Launched | Failure> {
  const path = args.program;
  if (typeof path !== 'string' || path === '') return programMissing();
  const text = await state.files.readText(path);
  if (text === undefined) return programUnreadable(path);
  const { scenario, diagnostics, read } = await compileWithImports(state, path, text);
  for (const diagnostic of diagnostics) state.output.diagnostic(diagnostic, state.client);
  if (scenario === undefined) return broken(path, diagnostics);

  const started = state.simulator.launch(scenario, args.mmu);
  if ('error' in started) return cannotRun(started.error);
  const { debuggee } = started;
  return { scenario, debuggee, args, compiled: new Map(), sources: new SourceCatalog(scenario.program, debuggee.listings, read) };
}

interface Compiled {
  readonly scenario: Scenario | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Keys of the files that were read. */
  readonly read: ReadonlySet<string>;
}

/**
 * The compiler asks for imports in the middle of its work, reading is asynchronous: so what a
 * compilation missed is read, and it is compiled again, until it misses nothing new.
 */
async function compileWithImports(state: SessionState, path: string, text: string): Promise<Compiled> {
  const known = new Map<string, string | undefined>();
  const read = new Set([sourceKey(path)]);
  for (;;) {
    const missed: string[] = [];
    const { scenario, diagnostics } = state.simulator.compile(path, text, (name) => {
      const at = besideFile(path, name);
      if (!known.has(at)) missed.push(at);
      return known.get(at);
    });
    if (missed.length === 0) return { scenario, diagnostics, read };
    for (const at of missed) {
      const imported = await state.files.readText(at);
      known.set(at, imported);
      if (imported !== undefined) read.add(sourceKey(at));
    }
  }
}

function broken(path: string, diagnostics: readonly Diagnostic[]): Failure {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  return first === undefined ? cannotRun(`${path} did not compile.`) : scenarioBroken(diagnosticText(first), errors.length - 1);
}
