import { build, type Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A question whether somebody listens to a kind: `on[KIND]` of an event bus. */
const MASK_TEST = /(?:\b[\w.]+\.)?\bon\[[^\]]+\]!?/g;

/** Answers every such question of src/hardware with no, for good. */
const withoutEvents: Plugin = {
  name: 'without-events',
  setup: (bundle) => {
    bundle.onLoad({ filter: /src[\\/]hardware[\\/].*\.ts$/ }, ({ path: file }) => {
      const text = readFileSync(file, 'utf8');
      const contents = file.endsWith('eventBus.ts') ? text : text.replace(MASK_TEST, '(0 as number)');
      return { contents, loader: 'ts' };
    });
  },
};

/**
 * Bundles what runs in processes of its own, as the product is bundled. `ownMeasureWithoutEvents` is the same
 * code with its tests for listeners answered at build time: what events cost while nobody listens is the difference.
 */
export async function bundleOwnProcesses(folder: string): Promise<void> {
  const shared = { bundle: true, platform: 'node', target: 'node20', format: 'cjs', outExtension: { '.js': '.cjs' }, logLevel: 'error' } as const;
  const entry = (name: string): string => path.join(__dirname, `${name}.ts`);
  await build({ ...shared, entryPoints: [entry('ownMeasure'), entry('v86Process')], outdir: folder });
  await build({ ...shared, entryPoints: { ownMeasureWithoutEvents: entry('ownMeasure') }, outdir: folder, plugins: [withoutEvents] });
}
