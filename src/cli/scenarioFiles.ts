import { parseFile } from '../language/syntax/parse';
import type { Console } from './console';

/** Items that make a file a scenario: anything else is there to be imported. */
const RUNS: ReadonlySet<string> = new Set(['Cpu', 'Vm']);

/**
 * The scenarios that these names mean: a file is itself; a folder is every `.guest` file in it and below that has something to
 * run, so that libraries may lie beside. A sentence when a folder has none.
 */
export function scenarioFiles(names: readonly string[], console: Console): readonly string[] | { readonly error: string } {
  const files: string[] = [];
  for (const name of names) {
    const inFolder = console.scenariosIn(name);
    if (inFolder === undefined) {
      files.push(name);
      continue;
    }
    const scenarios = inFolder.filter((file) => hasSomethingToRun(file, console));
    if (scenarios.length === 0) return { error: `${name} holds no scenario: a file NAME.guest with a \`cpu 0 { … }\` block` };
    files.push(...scenarios);
  }
  return [...new Set(files)];
}

/** False for a file that is there to be imported. One with syntax errors counts as a scenario: its errors are to be seen. */
export function hasSomethingToRun(file: string, console: Console): boolean {
  const { file: tree, problems } = parseFile(console.readText(file) ?? '');
  return problems.length > 0 || tree.items.some(({ $type }) => RUNS.has($type));
}
