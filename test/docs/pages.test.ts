import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { check } from '../../src/cli/check';
import { runCommandLine } from '../../src/cli/commandLine';
import { compare } from '../../src/cli/compare';
import { conform } from '../../src/cli/conform';
import { format } from '../../src/cli/format';
import { runScenarios } from '../../src/cli/run';
import { trace } from '../../src/cli/trace';
import { ScriptedConsole } from '../cli/scriptedConsole';
import { docBlocks, rewriteOutputs, root, type DocBlock } from './docBlocks';

/**
 * Every code block of the documentation does what the page says. `guest NAME.guest` is a file that later blocks of the page
 * use; `guest error` gives the errors below it; `guest part` is part of a scenario. In `sh` blocks each line is a command of
 * ours, and what it prints stands below, with … for what is of no interest; `status=N` says how the last one ends.
 * UPDATE_GOLDEN=1 writes what is printed.
 */
const pages = ['docs/language.md', 'docs/tutorial.md', 'docs/history.md', 'docs/glossary.md', 'docs/library.md'] as const;

const shipped = Object.fromEntries(
  readdirSync(path.join(root, 'scenarios'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.guest'))
    .map((file) => `scenarios/${file.replaceAll(path.sep, '/')}`)
    .map((file) => [file, readFileSync(path.join(root, file), 'utf8')]),
);

/** What a part of a scenario stands in: the machine, and something that runs. */
function scenarioOf({ text }: DocBlock): string {
  const hasCpu = /^ *cpu 0/m.test(text) || /^vm /m.test(text);
  return hasCpu ? text : `${text}\ncpu 0 {\n}\n`;
}

async function command(line: string, console: ScriptedConsole): Promise<number> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  assert.equal(words[0], 'pagewalk', `${line}: only our own command is run`);
  return runCommandLine(words.slice(1), {
    run: (files, options) => runScenarios(files, options, console),
    compare: (file, options) => compare(file, options, console),
    conform: (file, options) => conform(file, options, console),
    check: (files, options) => check(files, options, console),
    format: (files, options) => format(files, options, console),
    trace: (file, options) => trace(file, options, console),
    dap: () => assert.fail('a page starts no server'),
    lsp: () => assert.fail('a page starts no server'),
  }, console);
}

/** What comes of a block: the text that its page is to show, and the status of its last command. */
async function outcome(block: DocBlock, files: Map<string, string>): Promise<{ readonly text: string; readonly status: number }> {
  const [name = ''] = block.words;
  if (block.kind === 'guest') {
    if (name.endsWith('.guest')) files.set(name, block.text);
    const console = new ScriptedConsole({ files: Object.fromEntries([...files, ['here.guest', scenarioOf(block)]]) });
    const status = check(['here.guest'], {}, console);
    return { text: console.text.replace(/^here\.guest:/gm, '').replace(/^1 file: .*\n/m, ''), status };
  }
  const console = new ScriptedConsole({ files: Object.fromEntries(files) });
  let status = 0;
  for (const line of block.text.trim().split('\n')) status = await command(line, console);
  for (const [file, text] of console.files) files.set(file, text);
  return { text: console.transcript, status };
}

/** True when a page's text, in which … stands for anything within a line, is what was printed. */
function shows(page: string, printed: string): boolean {
  const pattern = page.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^\\n]*');
  return new RegExp(`^${pattern}$`).test(printed);
}

for (const page of pages) {
  describe(page, () => {
    const files = new Map(Object.entries(shipped));
    const outputs = new Map<number, string>();
    after(() => {
      if (process.env['UPDATE_GOLDEN'] === '1') rewriteOutputs(page, outputs);
    });

    for (const block of docBlocks(page)) {
      // Examples of messages are written, with what is said of them, out of the table that language/messages tests.
      if ((block.kind !== 'guest' && block.kind !== 'sh') || block.words.includes('example')) continue;
      it(`line ${block.line}: ${block.text.split('\n')[0] ?? ''}`, async () => {
        const { text, status } = await outcome(block, files);
        const isError = block.words.includes('error');
        const wanted = Number(block.words.find((word) => word.startsWith('status='))?.slice(7) ?? (isError ? 1 : 0));
        if (block.output !== undefined) {
          const isShown = shows(block.output.text, text);
          if (!isShown) outputs.set(block.output.line, text);
          if (!isShown && process.env['UPDATE_GOLDEN'] !== '1') assert.equal(text, block.output.text);
        } else if (block.kind === 'guest') {
          assert.equal(text, '', 'an example has no error, nor a warning that the page does not show');
        }
        assert.equal(status, wanted, text);
        if (isError) assert.ok(block.output !== undefined, 'an error shows its message');
      });
    }
  });
}
