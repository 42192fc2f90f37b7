import type { Diagnostic } from '../../language/program';
import { compileWithImports } from '../compileWithImports';
import { badArgument, cannotRun, programMissing, programUnreadable, scenarioBroken, type Failure } from '../failures';
import { diagnosticText } from '../outputPump';
import type { LaunchArguments, Launched, SessionState } from '../sessionState';
import { SourceCatalog } from '../sourceCatalog';

/** Reads, compiles and builds what `args` ask for; tells every diagnostic on the debug console. */
export async function launchScenario(state: SessionState, args: LaunchArguments): Promise<Launched | Failure> {
  const path = args.program;
  if (typeof path !== 'string' || path === '') return programMissing();
  if (args.mmu !== undefined && typeof args.mmu !== 'string') return badArgument('launch', 'mmu', 'text, TECHNIQUE[:key=value,…]');
  const text = await state.files.readText(path);
  if (text === undefined) return programUnreadable(path);
  const { scenario, diagnostics, read } = await compileWithImports(state.simulator, state.files, path, text);
  for (const diagnostic of diagnostics) state.output.diagnostic(diagnostic);
  if (scenario === undefined) return broken(path, diagnostics);

  const started = state.simulator.launch(scenario, args.mmu);
  if ('error' in started) return cannotRun(started.error);
  const { debuggee, inspector } = started;
  return { scenario, debuggee, inspector, args, texts: new Map(), declarations: new Map(), shownRegisters: new Map(), sources: new SourceCatalog(scenario.program, debuggee.listings, read) };
}

function broken(path: string, diagnostics: readonly Diagnostic[]): Failure {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  return first === undefined ? cannotRun(`${path} did not compile.`) : scenarioBroken(diagnosticText(first), errors.length - 1);
}
