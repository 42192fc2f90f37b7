import { catalog } from '../engine/catalog';
import { launch } from '../engine/launch';
import type { Timeline } from '../engine/timeline';
import { TableChanges } from '../inspect/changes';
import { tables } from '../inspect/tables';
import { compileScenario } from '../language/compile';
import { compileExpression } from '../language/expression';
import { readAddressSpace } from './addressSpaceReader';
import type { Inspector, Simulator } from './simulator';

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
    if ('error' in started) return { error: sentence(started.error) };
    return { debuggee: started.timeline, inspector: inspectorOf(started.timeline) };
  },
};

function inspectorOf(timeline: Timeline): Inspector {
  const changes = new TableChanges();
  return {
    readMemory: (cpu, space, address, count) => readAddressSpace(timeline.machine, cpu, space, address, count),
    tables: (args) => tables(timeline, args, changes),
    walk: () => ({ error: 'The page walk is not there yet.' }),
  };
}

/** The engine's reasons are clauses: a client shows them alone. */
function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}
