import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { build } from 'esbuild';
import { projectRoot } from '../vscode/harness/projectRoot';

/** The extension as it ships, save that the adapter's bundle is the scripted one; and a folder to open. */
export interface PackedExtension {
  readonly folder: string;
  readonly workspace: string;
  remove(): void;
}

/** Builds it in a folder of its own; `files` are the workspace's, by name. */
export async function packExtension(files: Readonly<Record<string, string>>): Promise<PackedExtension> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-'));
  const folder = path.join(base, 'extension');
  const workspace = path.join(base, 'workspace');
  fs.mkdirSync(workspace);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(workspace, name), text);
  for (const part of ['package.json', 'media', 'syntaxes']) {
    fs.cpSync(path.join(projectRoot, part), path.join(folder, part), { recursive: true });
  }
  const node = { absWorkingDir: projectRoot, bundle: true, platform: 'node', format: 'cjs', logLevel: 'silent' } as const;
  await build({
    ...node,
    entryPoints: ['src/extension/extension.ts'],
    outfile: path.join(folder, 'dist/extension.js'),
    external: ['vscode', './adapterEntry', './languageClient'],
    supported: { 'dynamic-import': false },
  });
  await build({
    ...node,
    entryPoints: ['src/extension/languageClient.ts'],
    outfile: path.join(folder, 'dist/languageClient.js'),
    external: ['vscode'],
  });
  await build({ ...node, entryPoints: ['test/extension/scriptedAdapter.ts'], outfile: path.join(folder, 'dist/adapterEntry.js') });
  await build({
    absWorkingDir: projectRoot,
    entryPoints: ['src/webview/main.ts'],
    outfile: path.join(folder, 'dist/webview/panel.js'),
    bundle: true,
    format: 'iife',
    target: 'es2022',
  });
  return {
    folder,
    workspace,
    remove: () => {
      fs.rmSync(base, { recursive: true, force: true });
    },
  };
}
