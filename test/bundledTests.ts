import * as fs from 'node:fs';
import * as path from 'node:path';
import * as esbuild from 'esbuild';
import { projectRoot } from './vscode/harness/projectRoot';

const BUNDLES = 'test-results/bundles';

/** Packages that look for files of their own beside themselves, or that mocha has loaded already. */
const LOADED_BY_NODE: readonly string[] = ['esbuild', 'eslint', 'typescript', 'mocha', 'playwright', 'playwright-core', '@vscode/codicons'];

/** Sources keep their own idea of where they stand. It goes before their first line's text, so that lines stay where they are. */
export const ownPlaces: esbuild.Plugin = {
  name: 'own places',
  setup(build) {
    build.onLoad({ filter: /\/(test|scripts)\/.*\.ts$/ }, ({ path: file }) => {
      const source = fs.readFileSync(file, 'utf8');
      if (!/\b__(dirname|filename)\b/.test(source)) return undefined;
      return { contents: `const __dirname = ${JSON.stringify(path.dirname(file))}, __filename = ${JSON.stringify(file)}; ${source}`, loader: 'ts' };
    });
  },
};

/** Test files in a folder under test/, without those in folders of it that are named. */
export function testFiles(folder: string, without: readonly string[] = []): readonly string[] {
  const root = path.join(projectRoot, 'test', folder);
  return fs.readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !without.includes(file.split(path.sep)[0] ?? ''))
    .map((file) => path.join(root, file)).sort();
}

/**
 * One CommonJS file with the tests of several, in which the engine's modules see each other directly: they run in two thirds of the
 * time, and start in less.
 *
 * @param plugins Change sources on their way into the bundle.
 * @returns Where it lies, from the checkout's root.
 */
export async function bundleTests(name: string, files: readonly string[], plugins: readonly esbuild.Plugin[] = []): Promise<string> {
  const outfile = `${BUNDLES}/${name}.test.cjs`;
  await esbuild.build({
    absWorkingDir: projectRoot,
    stdin: { contents: files.map((file) => `import ${JSON.stringify(file)};`).join('\n'), resolveDir: projectRoot },
    outfile, bundle: true, platform: 'node', target: 'node20', format: 'cjs', mainFields: ['module', 'main'],
    sourcemap: 'linked', sourcesContent: false, logLevel: 'warning', external: [...LOADED_BY_NODE], plugins: [...plugins, ownPlaces],
  });
  return outfile;
}
