import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ESLint } from 'eslint';

const root = path.resolve(__dirname, '../..');

/** The invariant in its own words, apart from the rule's table: who may import whom under src/. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  hardware: [],
  protocol: [],
  language: ['protocol'],
  hypervisor: ['hardware', 'protocol'],
  engine: ['hardware', 'protocol', 'language', 'hypervisor'],
  inspect: ['hardware', 'protocol', 'language', 'hypervisor', 'engine'],
  adapter: ['hardware', 'protocol', 'language', 'hypervisor', 'engine', 'inspect'],
  lsp: ['hardware', 'protocol', 'language', 'hypervisor', 'engine', 'inspect'],
  cli: ['hardware', 'protocol', 'language', 'hypervisor', 'engine', 'inspect', 'adapter', 'lsp'],
  webview: ['protocol'],
  extension: ['protocol'],
};
const folders = Object.keys(mayImport);
const withNode = ['adapter', 'lsp', 'cli', 'extension'];
const portable = ['hardware', 'protocol', 'language', 'hypervisor', 'engine', 'inspect'];

/** Rules that ask no type; the others would have the whole project compiled. */
const judged: readonly string[] = ['pagewalk/layers', 'no-restricted-properties', 'no-restricted-globals', 'max-lines'];

const linter = new ESLint({
  cwd: root,
  ruleFilter: ({ ruleId }) => judged.includes(ruleId),
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

/** Lints `lines` as if they stood in a file right under `folder` and returns those that `rule` refuses. */
async function refused(rule: string, folder: string, lines: readonly string[], file = someFileOf(folder)): Promise<string[]> {
  const rooms = file.split('/').length - 2;
  const text = lines.join('\n').replaceAll("'../", `'${'../'.repeat(rooms)}../`);
  const [result] = await linter.lintText(text, { filePath: path.join(root, 'src', file) });
  assert.ok(result, `${folder}/ is linted`);
  assert.ok(judged.includes(rule));
  const at = new Set(result.messages.filter((message) => message.ruleId === rule).map((message) => message.line));
  return lines.filter((_, i) => at.has(i + 1));
}

/** Relative to src/. */
function someFileOf(folder: string): string {
  const file = fs
    .readdirSync(path.join(root, 'src', folder), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll(path.sep, '/'))
    .sort()
    .find((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
  assert.ok(file, `src/${folder}/ has a source file`);
  return `${folder}/${file}`;
}

describe('imports point one way', function () {
  this.timeout(120_000);

  for (const from of folders) {
    const allowed = mayImport[from] ?? [];
    const others = folders.filter((to) => to !== from);

    it(`${from}/ imports ${allowed.join(', ') || 'no other folder'}, and nothing else of src/`, async () => {
      const good = allowed.map((to) => `import { x } from '../${to}/planted';`);
      const bad = others
        .filter((to) => !allowed.includes(to))
        .map((to) => `import { x } from '../${to}/planted';`);
      assert.deepEqual(await refused('pagewalk/layers', from, [...good, ...bad]), bad);
    });
  }

  it('knows every way to name another module, types included', async () => {
    const ways = [
      "import '../engine/planted';",
      "import type { X } from '../engine/planted';",
      "import * as engine from '../../src/engine/planted';",
      "export { y } from '../engine/planted';",
      "export * from '../engine/planted';",
      "const later = import('../engine/planted');",
      "import old = require('../engine/planted');",
      "const older = require('../engine/planted');",
      "type Z = import('../engine/planted').Z;",
    ];
    assert.deepEqual(await refused('pagewalk/layers', 'hardware', ways), ways);
  });

  it('rooms of engine/ take values from those below them, and types from any', async () => {
    const good = [
      "import { x } from '../engine/planted';", "import { x } from '../engine/breakpoints/planted';", "import { x } from '../engine/time/other';",
      "import type { X } from '../engine/time/planted';", "import { type X } from '../engine/time/planted';",
    ];
    const above = ["import { x } from '../engine/time/planted';", "export * from '../engine/time/planted';", "import { type X, y } from '../engine/time/planted';"];
    assert.deepEqual(await refused('pagewalk/layers', 'engine', good.slice(0, 3), 'engine/time/planted.ts'), []);
    assert.deepEqual(await refused('pagewalk/layers', 'engine', [...good.slice(3), ...above], 'engine/breakpoints/planted.ts'), above);
    assert.deepEqual(await refused('pagewalk/layers', 'engine', [...good.slice(3), ...above], 'engine/planted.ts'), above);
    assert.deepEqual(await refused('pagewalk/layers', 'engine', above.slice(0, 1), 'engine/newcomer/planted.ts'), above.slice(0, 1));
  });

  it("language/ has hardware's tables and not its machine", async () => {
    const tables = [
      "import { x } from '../hardware/events/eventTable';",
      "import { x } from '../hardware/paging/formats/long4';",
    ];
    const machine = ['paging/walk', 'caches/tlb', 'memory/physicalMemory', 'state/registry'].map(
      (to) => `import { x } from '../hardware/${to}';`,
    );
    assert.deepEqual(await refused('pagewalk/layers', 'language', [...tables, ...machine]), machine);
  });

  it('extension/ has the two entries of adapter/ that it hosts, and not what is behind them', async () => {
    const entries = ["import { x } from '../adapter/inline';", "const x = import('../adapter/diagnostics');"];
    const behind = [
      "import { x } from '../adapter/session';",
      "import { x } from '../adapter/requests/launching';",
    ];
    assert.deepEqual(await refused('pagewalk/layers', 'extension', [...entries, ...behind]), behind);
  });

  it('lsp/ has how the adapter finds and reads files, and nothing else of it; extension/ has its one entry', async () => {
    const files = ["import { x } from '../adapter/importPaths';", "import { x } from '../adapter/fileAccess';"];
    const session = ["import { x } from '../adapter/session';", "import { x } from '../adapter/requests/launching';"];
    assert.deepEqual(await refused('pagewalk/layers', 'lsp', [...files, ...session]), session);
    const entry = ["import { x } from '../lsp/inline';"];
    const behind = ["import { x } from '../lsp/languageServer';"];
    assert.deepEqual(await refused('pagewalk/layers', 'extension', [...entry, ...behind]), behind);
  });

  it('nobody leaves src/', async () => {
    const out = ["import { x } from '../../test/planted';", "import x from '../../package.json';"];
    for (const folder of folders) assert.deepEqual(await refused('pagewalk/layers', folder, out), out);
  });

  it('VS Code is known in extension/ alone, not even as a type', async () => {
    const vscode = ["import * as vscode from 'vscode';", "import type { Uri } from 'vscode';"];
    for (const folder of folders) {
      assert.deepEqual(await refused('pagewalk/layers', folder, vscode), folder === 'extension' ? [] : vscode);
    }
  });

  it('the debug protocol is unknown below the adapter', async () => {
    const dap = ["import type { DebugProtocol } from '@vscode/debugprotocol';"];
    for (const folder of portable) assert.deepEqual(await refused('pagewalk/layers', folder, dap), dap);
  });

  it('Node is unknown below the adapter and in the panel, under either name', async () => {
    const node = ["import * as fs from 'node:fs';", "import * as path from 'path';"];
    for (const folder of folders) {
      assert.deepEqual(await refused('pagewalk/layers', folder, node), withNode.includes(folder) ? [] : node);
    }
  });
});

describe('a run is a pure function', function () {
  this.timeout(120_000);

  for (const folder of portable) {
    it(`${folder}/ has no clock, no chance, no Node and no page`, async () => {
      const chance = ['export const a = Math.random();'];
      assert.deepEqual(await refused('no-restricted-properties', folder, chance), chance);
      const globals = [
        'Date.now()',
        'performance.now()',
        'setTimeout(f)',
        'process.env',
        'document.title',
        'new Date()',
      ];
      const lines = globals.map((use, i) => `export const g${String(i)} = ${use};`);
      assert.deepEqual(await refused('no-restricted-globals', folder, lines), lines);
    });
  }
});

describe('a file holds one concept', function () {
  this.timeout(120_000);

  it('and at 400 lines a second one has crept in', async () => {
    const lines = (count: number): string[] =>
      Array.from({ length: count }, (_, i) => `export const n${String(i)} = ${String(i)};`);
    assert.equal((await refused('max-lines', 'hardware', lines(400))).length, 0);
    assert.equal((await refused('max-lines', 'hardware', lines(401))).length, 1);
  });
});
