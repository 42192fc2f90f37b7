// Builds everything that ships into dist/. `--browser-check` builds what must also run in a web
// worker for the browser instead, and writes nothing: it fails as soon as a Node module creeps in.
// `--minify` is for the packaged extension, `--watch` for work on it.
'use strict';

const esbuild = require('esbuild');
const fs = require('node:fs');
const path = require('node:path');

const root = __dirname;
const minify = process.argv.includes('--minify');

const common = {
  absWorkingDir: root,
  bundle: true,
  minify,
  sourcemap: minify ? false : 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  // Libraries that offer both module systems are taken as ES modules, which alone bundle without dynamic requires.
  mainFields: ['module', 'main'],
};
const onNode = { ...common, platform: 'node', target: 'node20', format: 'cjs' };

/** Web workers have no Node modules: what the DAP library calls of `url` is a global there, `events` a package. */
const inBrowser = {
  ...common,
  platform: 'browser',
  target: 'es2022',
  mainFields: ['browser', 'module', 'main'],
  define: { global: 'globalThis' },
  alias: { url: path.join(root, 'src/extension/webUrl.ts') },
};

const COMMAND = 'the pagewalk command';

/** @type {Record<string, import('esbuild').BuildOptions>} */
const products = {
  'the extension': {
    ...onNode,
    entryPoints: ['src/extension/extension.ts'],
    outfile: 'dist/extension.js',
    external: ['vscode', './adapterEntry', './languageClient'],
    // A bundle cannot import() a CommonJS file by a name without extension; require() can.
    supported: { 'dynamic-import': false },
  },
  'what the extension loads at first use': {
    ...onNode,
    entryPoints: ['src/extension/adapterEntry.ts'],
    outfile: 'dist/adapterEntry.js',
  },
  'the language client, loaded with the first scenario': {
    ...onNode,
    entryPoints: ['src/extension/languageClient.ts'],
    outfile: 'dist/languageClient.js',
    external: ['vscode'],
  },
  'the extension for the browser': {
    ...inBrowser,
    entryPoints: ['src/extension/webExtension.ts'],
    outfile: 'dist/web/extension.js',
    format: 'cjs',
    external: ['vscode'],
  },
  'the language server as a web worker': {
    ...inBrowser,
    entryPoints: ['src/lsp/worker.ts'],
    outfile: 'dist/web/languageServer.js',
    format: 'iife',
  },
  'the debug adapter on stdio': { ...onNode, entryPoints: ['src/adapter/stdio.ts'], outfile: 'dist/adapter.js' },
  [COMMAND]: {
    ...onNode,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/cli.js',
    banner: { js: '#!/usr/bin/env node' },
  },
  'the Page Walk panel': {
    ...common,
    entryPoints: ['src/webview/main.ts'],
    outfile: 'dist/webview/panel.js',
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    loader: { '.ttf': 'file' },
    mainFields: ['browser', 'module', 'main'],
  },
};

/** Floors that run in the desktop's extension host, in a web worker and in the command alike. */
const portable = ['hardware', 'protocol', 'language', 'hypervisor', 'engine', 'inspect'];

function sourcesOf(folder) {
  return fs
    .readdirSync(path.join(root, 'src', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => `./src/${folder}/${file.replaceAll(path.sep, '/')}`);
}

async function checkForBrowser() {
  const contents = portable.flatMap(sourcesOf).map((file, i) => `export * as m${i} from ${JSON.stringify(file)};`);
  await esbuild.build({
    ...common,
    stdin: { contents: contents.join('\n'), resolveDir: root, sourcefile: 'everything-portable.ts', loader: 'ts' },
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    write: false,
    sourcemap: false,
    mainFields: ['browser', 'module', 'main'],
  });
  console.log(`${contents.length} modules of ${portable.join(', ')} build for the browser.`);
}

/** The kernel library as files: an editor that is not VS Code opens them when one goes to a definition. */
function copyLibrary() {
  const from = path.join(root, 'src/language/library');
  const to = path.join(root, 'dist/library');
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(from).filter((each) => each.endsWith('.guest'))) fs.copyFileSync(path.join(from, name), path.join(to, name));
}

/** Builds every product, the sound ones beside a broken one; fails at the end if any is broken. */
async function build() {
  const broken = [];
  for (const [name, options] of Object.entries(products)) {
    await esbuild.build(options).catch(() => broken.push(name));
  }
  copyLibrary();
  if (!broken.includes(COMMAND)) fs.chmodSync(path.join(root, products[COMMAND].outfile), 0o755);
  if (broken.length > 0) throw new Error(`Not built, for the errors above: ${broken.join(', ')}.`);
}

async function watch() {
  for (const options of Object.values(products)) {
    const context = await esbuild.context({ ...options, logLevel: 'info' });
    await context.watch();
  }
}

const task = process.argv.includes('--browser-check')
  ? checkForBrowser
  : process.argv.includes('--watch')
    ? watch
    : build;
task().catch((error) => {
  // esbuild's own errors are printed already, each with its file and line.
  if (!error.errors) console.error(error.message);
  process.exitCode = 1;
});
