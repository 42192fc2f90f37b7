import { strict as assert } from 'node:assert';
import { build, type Metafile } from 'esbuild';
import { projectRoot } from '../vscode/harness/projectRoot';

const KB = 1024;

describe('the bundles of the extension', () => {
  it('cost no simulator and no parser at activation: those are loaded at first use', async () => {
    const { inputs, bytes } = await bundle('src/extension/extension.ts', 'node');
    const foreign = inputs.filter((input) => !/^src\/(extension|protocol)\//.test(input));
    assert.deepEqual(foreign, []);
    for (const late of ['adapterEntry', 'languageClient', 'webUrl']) assert.ok(!inputs.includes(`src/extension/${late}.ts`), late);
    assert.ok(bytes < 60 * KB, `${String(bytes)} bytes`);
  });

  it('load the language client with the first scenario, without Node and without a server in it', async () => {
    const { inputs } = await bundle('src/extension/languageClient.ts', 'browser');
    const foreign = inputs.filter((input) => !/^src\/(extension|protocol)\/|node_modules\/(?:vscode-languageclient|vscode-languageserver-(?:protocol|types)|vscode-jsonrpc|semver|minimatch|brace-expansion|balanced-match|concat-map)\//.test(input));
    assert.deepEqual(foreign, []);
  });

  it('keep the panel to its own code, the protocol and lit, within 150 KB', async () => {
    const { inputs, bytes } = await bundle('src/webview/main.ts', 'browser');
    const foreign = inputs.filter((input) => !/^(src\/(webview|protocol)|node_modules\/(lit|lit-html|lit-element|@lit\/reactive-element))\//.test(input));
    assert.deepEqual(foreign, []);
    assert.ok(bytes < 150 * KB, `${String(bytes)} bytes`);
  });
});

async function bundle(entry: string, platform: 'node' | 'browser'): Promise<{ inputs: readonly string[]; bytes: number }> {
  const result = await build({
    absWorkingDir: projectRoot,
    entryPoints: [entry],
    outfile: '/bundle.js',
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform,
    format: platform === 'node' ? 'cjs' : 'iife',
    external: ['vscode', './adapterEntry', './languageClient'],
  });
  const { inputs }: Metafile = result.metafile;
  return { inputs: Object.keys(inputs), bytes: result.outputFiles.reduce((sum, file) => sum + file.contents.length, 0) };
}
