import { catalog } from '../engine/catalog';
import type { Debuggee } from '../engine/debuggee';
import { launch } from '../engine/launch';
import { Timeline } from '../engine/timeline';
import { compileScenario } from '../language/compile';
import { compileExpression } from '../language/expression';
import { readAddressSpace } from './addressSpaceReader';
import type { Simulator } from './simulator';

/** The floors below as one thing: what every session outside of tests runs on. */
export const simulator: Simulator = {
  compile: (path, text, readImport) => {
    const { program, symbols, diagnostics } = compileScenario({ path, text, readImport, catalog });
    if (program === undefined || symbols === undefined) return { diagnostics };
    const scenario = {
      program,
      compileExpression: (expression: string, site: { readonly procedure: number } | undefined) =>
        compileExpression({ program, symbols }, expression, site),
    };
    return { scenario, diagnostics };
  },

  launch: (scenario, mmu) => {
    const started = launch(scenario.program, mmu);
    return 'error' in started ? { error: sentence(started.error) } : { debuggee: started.timeline };
  },

  readMemory: (debuggee, cpu, space, address, count) => readAddressSpace(timelineOf(debuggee).machine, cpu, space, address, count),
  tables: () => ({ error: 'The table trees are not there yet.' }),
  walk: () => ({ error: 'The page walk is not there yet.' }),
};

/** A session hands back the debuggee that it was given here. */
function timelineOf(debuggee: Debuggee): Timeline {
  if (!(debuggee instanceof Timeline)) throw new Error('invariant: the debuggee was launched by this simulator');
  return debuggee;
}

/** The engine's reasons are clauses: a client shows them alone. */
function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}
