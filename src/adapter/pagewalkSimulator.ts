import { catalog } from '../engine/catalog';
import { launch } from '../engine/launch';
import type { Timeline } from '../engine/timeline';
import { TableChanges } from '../inspect/changes';
import { readMemory } from '../inspect/memory';
import { tables } from '../inspect/tables';
import { translation } from '../inspect/translation';
import { walkPicture } from '../inspect/walkPicture';
import { compileScenario } from '../language/compile';
import { compileExpression } from '../language/expression';
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
    noteStop: () => { changes.noteStop(timeline.moment()); },
    readMemory: (cpu, space, address, count) => readMemory(timeline, cpu, space, address, count),
    runningLines: (name) => {
      const runner = timeline.machine.technique.listings.find(({ listing }) => listing.name === name);
      return (runner?.listing.lines ?? []).flatMap(({ runs }, index) => (runs ? [index + 1] : []));
    },
    tables: (args) => tables(timeline, args, changes),
    walk: (args) => walkPicture(timeline, args),
    translation: (cpu, gva) => translation(timeline, cpu, gva),
  };
}

/** The engine's reasons are clauses: a client shows them alone. */
function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}
