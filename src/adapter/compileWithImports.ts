import type { Diagnostic } from '../language/program';
import { sourceKey } from './client';
import type { FileAccess } from './fileAccess';
import { ImportPaths } from './importPaths';
import type { Scenario, Simulator } from './simulator';

export interface Compiled {
  readonly scenario: Scenario | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Keys (`sourceKey`) of the files that were read, the scenario's own among them. */
  readonly read: ReadonlySet<string>;
}

/**
 * Compiles a scenario with all it imports. The compiler asks for imports in the middle of its work,
 * reading is asynchronous: so what a compilation missed is read, and it is compiled again, until it
 * misses nothing new.
 */
export async function compileWithImports(simulator: Simulator, files: FileAccess, path: string, text: string): Promise<Compiled> {
  const known = new Map<string, string | undefined>();
  const paths = new ImportPaths(path);
  const read = new Set([sourceKey(path)]);
  for (;;) {
    const missed: string[] = [];
    const { scenario, diagnostics } = simulator.compile(path, text, (name, importer) => {
      const at = paths.resolve(name, importer);
      const imported = at === path ? text : known.get(at);
      if (imported === undefined && !known.has(at)) missed.push(at);
      return imported === undefined ? undefined : { path: at, text: imported };
    });
    if (missed.length === 0) return { scenario, diagnostics, read };
    for (const at of missed) {
      const imported = await files.readText(at);
      known.set(at, imported);
      if (imported !== undefined) read.add(sourceKey(at));
    }
  }
}
