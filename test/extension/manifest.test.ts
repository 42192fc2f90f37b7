import { strict as assert } from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { COMMAND, DEBUG_TYPE, LANGUAGE, TABLE_VIEWS, TECHNIQUES, WALK_PANEL } from '../../src/extension/contributions';
import { runningTechniques } from '../../src/engine/settings/techniques';
import { projectRoot } from '../vscode/harness/projectRoot';

interface MenuItem {
  readonly command: string;
  readonly when?: string;
}
interface Command {
  readonly command: string;
  readonly title: string;
  readonly category?: string;
  readonly icon?: string | { readonly light: string; readonly dark: string };
}
interface View {
  readonly id: string;
  readonly name: string;
  readonly when?: string;
}
interface Contributes {
  readonly commands: readonly Command[];
  readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
  readonly views: Readonly<Record<string, readonly View[]>>;
  readonly viewsWelcome: readonly { readonly view: string; readonly contents: string; readonly when?: string }[];
  readonly languages: readonly { readonly id: string }[];
  readonly breakpoints: readonly { readonly language: string }[];
  readonly keybindings: readonly { readonly command: string; readonly key: string; readonly when: string }[];
  readonly debuggers: readonly {
    readonly type: string;
    readonly languages: readonly string[];
    readonly configurationAttributes: {
      readonly launch: {
        readonly required: readonly string[];
        readonly properties: Readonly<Record<string, { readonly anyOf?: readonly { readonly enum?: readonly string[] }[] }>>;
      };
    };
    readonly initialConfigurations: readonly Readonly<Record<string, unknown>>[];
    readonly configurationSnippets: readonly { readonly body: Readonly<Record<string, unknown>> }[];
  }[];
}

const manifest = JSON.parse(fs.readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
  readonly activationEvents: readonly string[];
  readonly contributes: Contributes;
};
const { contributes } = manifest;

/** Context keys that VS Code sets, as far as this manifest may ask for them; an editor's focus not, which the command palette takes. */
const CONTEXT_KEYS = [
  'debugType', 'debugState', 'inDebugMode', 'debugStartLanguage', 'editorLangId', 'inChat', 'resourceLangId', 'view',
  'viewItem', 'callStackItemType', 'canViewMemory',
];

describe('the extension manifest', () => {
  it('gives every command a title and the category Pagewalk', () => {
    assert.ok(contributes.commands.length > 0);
    for (const { command, title, category } of contributes.commands) {
      assert.match(title, /^[A-Z]\w+/, command);
      assert.equal(category, 'Pagewalk', command);
    }
  });

  it('declares exactly the commands and views that the code registers', () => {
    const commands = contributes.commands.map(({ command }) => command).sort();
    assert.deepEqual(commands, Object.values(COMMAND).sort());
    assert.deepEqual(views().map(({ id }) => id), TABLE_VIEWS.map(({ id }) => id));
  });

  it('places only commands it declares', () => {
    const declared = new Set(contributes.commands.map(({ command }) => command));
    for (const item of menuItems()) assert.ok(declared.has(item.command), item.command);
  });

  it('keeps commands that need a node out of the command palette', () => {
    const hidden = contributes.menus['commandPalette']?.filter(({ when }) => when === 'false').map(({ command }) => command);
    assert.deepEqual(hidden?.sort(), [COMMAND.breakOnWalk, COMMAND.breakOnWrite, COMMAND.copyEntryAddress, COMMAND.copyEntryValue, COMMAND.whoWrote].sort());
  });

  it('asks only for context keys that exist', () => {
    const clauses = [...menuItems(), ...views(), ...contributes.viewsWelcome, ...contributes.keybindings].map(({ when }) => when ?? 'true');
    for (const clause of clauses) {
      for (const term of clause.split(/&&|\|\|/)) {
        const key = term.trim().replace(/^!/, '').split(/\s|==|!=/)[0] ?? '';
        assert.ok(key === 'true' || key === 'false' || CONTEXT_KEYS.includes(key), `"${key}" in "${clause}"`);
      }
    }
  });

  it('shows its views only in a Pagewalk session, and says something when they are empty', () => {
    for (const { id, when } of views()) {
      assert.equal(when, `inDebugMode && debugType == '${DEBUG_TYPE}'`, id);
      assert.ok(contributes.viewsWelcome.some(({ view }) => view === id), id);
    }
  });

  it('names only icons, grammars and settings files that are there', () => {
    const files = [...JSON.stringify(contributes).matchAll(/"(\.\/[^"]+)"/g)].map(([, file]) => file ?? '');
    assert.ok(files.length >= 8);
    for (const file of files) assert.ok(fs.existsSync(path.join(projectRoot, file)), file);
    const mapping = fs.readFileSync(require.resolve('@vscode/codicons/src/template/mapping.json'), 'utf8');
    const codicons = new Set(Object.values(JSON.parse(mapping) as Record<string, readonly string[]>).flat());
    for (const [, icon] of JSON.stringify(contributes).matchAll(/\$\(([\w-]+)\)/g)) assert.ok(codicons.has(icon ?? ''), icon);
  });

  it('offers breakpoints in the languages it brings, and one debug type that starts from a program alone', () => {
    assert.deepEqual(contributes.breakpoints.map(({ language }) => language), contributes.languages.map(({ id }) => id));
    const [debuggerRow] = contributes.debuggers;
    assert.ok(debuggerRow !== undefined && contributes.debuggers.length === 1);
    assert.equal(debuggerRow.type, DEBUG_TYPE);
    assert.deepEqual(debuggerRow.languages, contributes.languages.map(({ id }) => id), 'F5 works from a listing too');
    assert.ok(contributes.languages.some(({ id }) => id === LANGUAGE));
    const { launch } = debuggerRow.configurationAttributes;
    assert.deepEqual(launch.required, ['program']);
    assert.deepEqual(launch.properties['mmu']?.anyOf?.[0]?.enum, [...TECHNIQUES]);
    assert.deepEqual(TECHNIQUES, runningTechniques.map(({ name }) => name));
    const configurations = [...debuggerRow.initialConfigurations, ...debuggerRow.configurationSnippets.map(({ body }) => body)];
    for (const configuration of configurations) {
      const unknown = Object.keys(configuration).filter((key) => !['type', 'request', 'name', ...Object.keys(launch.properties)].includes(key));
      assert.deepEqual(unknown, [], String(configuration['name']));
    }
  });

  it('binds keys to going back and between VM exits, for which VS Code has none, and only while a scenario is stopped', () => {
    const bound = contributes.keybindings.map(({ command }) => command);
    assert.deepEqual(bound.sort(), [
      COMMAND.nextExit, COMMAND.previousExit, COMMAND.reverseStepOut, 'workbench.action.debug.reverseContinue', 'workbench.action.debug.stepBack',
    ]);
    assert.equal(new Set(contributes.keybindings.map(({ key }) => key)).size, bound.length);
    for (const { key, when } of contributes.keybindings) {
      assert.ok(when.startsWith(`inDebugMode && debugType == '${DEBUG_TYPE}' && debugState == 'stopped'`), key);
    }
  });

  it('wakes up for its own debug type and panel, never at start', () => {
    assert.deepEqual([...manifest.activationEvents].sort(), [
      `onDebugDynamicConfigurations:${DEBUG_TYPE}`,
      'onDebugInitialConfigurations',
      `onDebugResolve:${DEBUG_TYPE}`,
      `onWebviewPanel:${WALK_PANEL}`,
    ]);
  });
});

function views(): readonly View[] {
  return Object.values(contributes.views).flat();
}

function menuItems(): readonly MenuItem[] {
  return Object.values(contributes.menus).flat();
}
