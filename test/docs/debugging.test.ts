import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '../..');
const page = readFileSync(path.join(root, 'docs/debugging.md'), 'utf8');
const { contributes } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly keybindings: readonly { readonly command: string; readonly key: string }[];
    readonly views: { readonly debug: readonly { readonly name: string }[] };
    readonly configuration: { readonly properties: Readonly<Record<string, unknown>> };
    readonly debuggers: readonly { readonly configurationAttributes: { readonly launch: { readonly properties: Readonly<Record<string, unknown>> } } }[];
  };
};
/** VS Code's own commands that have a key here. */
const theirs: Readonly<Record<string, string>> = { 'workbench.action.debug.stepBack': 'Step Back', 'workbench.action.debug.reverseContinue': 'Reverse' };

/** The row of the page's table that is about a command, by the title that a person sees. */
function rowOf(title: string): readonly string[] | undefined {
  const rows = page.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split('|').map((cell) => cell.trim()));
  return rows.find(([, first = '']) => first.replaceAll('**', '').split(/, (?=Copy )/).includes(title));
}

describe('docs/debugging.md', () => {
  it('has a row for each command', () => {
    for (const { title } of contributes.commands) assert.ok(rowOf(title) !== undefined, `${title} is missing`);
  });

  it('has each key beside its command', () => {
    for (const { command, key } of contributes.keybindings) {
      const title = theirs[command] ?? contributes.commands.find((each) => each.command === command)?.title ?? command;
      const said = key.split('+').map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('+');
      assert.equal(rowOf(title)?.[2], said, title);
    }
  });

  it('names every view, setting and launch attribute', () => {
    const names = [
      ...contributes.views.debug.map(({ name }) => name), ...Object.keys(contributes.configuration.properties),
      ...contributes.debuggers.flatMap(({ configurationAttributes }) => Object.keys(configurationAttributes.launch.properties)),
    ];
    for (const name of names) assert.ok(page.includes(name), `${name} is missing`);
  });
});
