import { strict as assert } from 'node:assert';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CodeLens, CompletionItem, DocumentLink, DocumentSymbol, Hover, InlayHint, Location, SemanticTokens, SignatureHelp, TextEdit, WorkspaceEdit } from 'vscode-languageserver-protocol';
import { StreamMessageReader, StreamMessageWriter, createProtocolConnection } from 'vscode-languageserver-protocol/node';
import { capabilities as declared } from '../../src/lsp/capabilities';
import { projectRoot } from '../vscode/harness/projectRoot';
import { LanguageClient } from './languageClient';

const command = path.join(projectRoot, 'dist', 'cli.js');
const URI = 'file:///scenarios/wire.guest';
const TEXT = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
procedure touch(gva address, value) { user [address] = value }
cpu 0 {
  switch(p)
  touch(0x600000, 1)
  expect [0x600000] == 1
}
`;

/** Position before the n-th `word` of the text, from 0. */
function at(word: string, n = 0): { line: number; character: number } {
  let index = -1;
  for (let i = 0; i <= n; i++) index = TEXT.indexOf(word, index + 1);
  assert.ok(index >= 0, `there is no ${word} number ${String(n)}`);
  const before = TEXT.slice(0, index).split('\n');
  return { line: before.length - 1, character: before[before.length - 1]?.length ?? 0 };
}

describe('pagewalk lsp, driven over its streams', function () {
  this.timeout(30_000);
  let child: ChildProcess;
  let client: LanguageClient;
  let capabilities: object;
  const document = { textDocument: { uri: URI } };

  before(async () => {
    assert.ok(fs.existsSync(command), 'dist/cli.js is missing: run npm run build first.');
    child = spawn(process.execPath, [command, 'lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(child.stdout !== null && child.stdin !== null);
    const connection = createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
    ({ client, capabilities } = await LanguageClient.start(connection, { lensCommands: { run: 'my.run', debug: 'my.debug' } }));
    await client.open(URI, TEXT);
  });
  after(async () => {
    const ended = once(child, 'exit');
    await client.stop();
    const [status] = (await ended) as [number | null];
    assert.equal(status, 0, 'a server that was told to end ends well');
  });

  it('says what it can do, and does it: every capability has an answer', async () => {
    assert.deepEqual(capabilities, JSON.parse(JSON.stringify(declared)));
    const asked = { ...document, position: at('touch', 1), range: { start: at('machine'), end: at('expect') }, context: { includeDeclaration: true, diagnostics: [] } };
    const options = { tabSize: 2, insertSpaces: true };
    for (const [method, more] of [
      ['completion', {}], ['hover', {}], ['signatureHelp', {}], ['definition', {}], ['references', {}], ['documentHighlight', {}],
      ['prepareRename', {}], ['rename', { newName: 'poke' }], ['documentSymbol', {}], ['foldingRange', {}], ['formatting', { options }],
      ['rangeFormatting', { options }], ['onTypeFormatting', { ch: '}', options }], ['semanticTokens/full', {}], ['inlayHint', {}],
      ['codeLens', {}], ['documentLink', {}], ['codeAction', {}],
    ] as const) {
      const answer = await client.ask<unknown>(`textDocument/${method}`, { ...asked, ...more });
      assert.ok(answer !== undefined, method);
    }
  });

  it('hovers, with Markdown and the range', async () => {
    const hover = await client.ask<Hover & { contents: { value: string } }>('textDocument/hover', { ...document, position: at('0x600000', 1) });
    assert.match(hover.contents.value, /directory pointer \| 38:30/);
    assert.deepEqual(hover.range, { start: at('0x600000', 1), end: { ...at('0x600000', 1), character: at('0x600000', 1).character + 8 } });
  });

  it('completes with snippets, nearest first, and after a blank only what must follow', async () => {
    const items = await client.ask<CompletionItem[]>('textDocument/completion', { ...document, position: at('switch') });
    const touch = items.find(({ label }) => label === 'touch');
    assert.equal(touch?.insertText, 'touch(${1:address}, ${2:value})');
    assert.ok((touch.sortText ?? '') < (items.find(({ label }) => label === 'map')?.sortText ?? ''));
    const blank = { triggerKind: 2, triggerCharacter: ' ' };
    assert.equal(await client.ask('textDocument/completion', { ...document, position: at('switch'), context: blank }), null);
    const modes = await client.ask<CompletionItem[]>('textDocument/completion', { ...document, position: at('4-level'), context: blank });
    assert.ok(modes.some(({ label }) => label === '4-level'));
  });

  it('leads into the kernel library, in a file that an editor can open', async () => {
    const location = await client.ask<Location>('textDocument/definition', { ...document, position: at('switch') });
    const text = fs.readFileSync(new URL(location.uri), 'utf8').split('\n');
    assert.match(text[location.range.start.line] ?? '', /^procedure switch\(/);
  });

  it('finds references and renames them', async () => {
    const found = await client.ask<Location[]>('textDocument/references', { ...document, position: at('touch', 1), context: { includeDeclaration: true } });
    assert.deepEqual(found.map(({ range }) => range.start.line), [2, 5]);
    const edit = await client.ask<WorkspaceEdit>('textDocument/rename', { ...document, position: at('touch', 1), newName: 'poke' });
    assert.deepEqual(edit.changes?.[URI]?.map(({ newText, range }) => `${String(range.start.line)} ${newText}`), ['2 poke', '5 poke']);
    await assert.rejects(client.ask('textDocument/rename', { ...document, position: at('touch'), newName: 'while' }), { message: '`while` is a word of the language and no name; choose another one.' });
    await assert.rejects(client.ask('textDocument/prepareRename', { ...document, position: at('switch') }), /kernel library's/);
  });

  it('outlines, hints and lenses; lenses only those that the client has commands for', async () => {
    const symbols = await client.ask<DocumentSymbol[]>('textDocument/documentSymbol', document);
    assert.deepEqual(symbols.map(({ name }) => name), ['machine', 'p', 'touch', 'cpu 0']);
    const hints = await client.ask<InlayHint[]>('textDocument/inlayHint', { ...document, range: { start: at('switch'), end: at('expect') } });
    assert.deepEqual(hints.map(({ label }) => label), ['address:', 'value:']);
    const lenses = await client.ask<CodeLens[]>('textDocument/codeLens', document);
    assert.deepEqual(lenses.map(({ command: shown }) => `${shown?.title ?? ''} ${shown?.command ?? ''} ${String(shown?.arguments?.[0])}`), [`Run my.run ${URI}`, `Debug my.debug ${URI}`]);
  });

  it('tells the meaning of names in five numbers each, never backward', async () => {
    const { data } = await client.ask<SemanticTokens>('textDocument/semanticTokens/full', document);
    assert.equal(data.length % 5, 0);
    for (let i = 0; i < data.length; i += 5) assert.ok((data[i] ?? -1) >= 0 && (data[i + 1] ?? -1) >= 0 && (data[i + 2] ?? 0) > 0);
  });

  it('helps with arguments from the last tree, while the text does not parse', async () => {
    const uri = 'file:///scenarios/typing.guest';
    await client.open(uri, TEXT);
    const end = { line: 5, character: 2 };
    await client.type(uri, end, { line: 5, character: 20 }, 'touch(0x600000, ');
    const help = await client.ask<SignatureHelp>('textDocument/signatureHelp', { textDocument: { uri }, position: { line: 5, character: 18 } });
    assert.equal(help.signatures[0]?.label, 'touch(gva address, value)');
    assert.equal(help.activeParameter, 1);
    await client.close(uri);
  });

  it('formats by edits', async () => {
    const uri = 'file:///scenarios/untidy.guest';
    await client.open(uri, 'cpu 0 {\nx=1\n}');
    const edits = await client.ask<TextEdit[]>('textDocument/formatting', { textDocument: { uri }, options: { tabSize: 2, insertSpaces: true } });
    assert.deepEqual(edits.map(({ newText }) => newText), ['\n  ', ' ', ' ', '\n']);
    await client.close(uri);
  });

  it('pushes diagnostics after each pause, follows edits by their ranges, and takes them back', async () => {
    const uri = 'file:///scenarios/wrong.guest';
    await client.open(uri, 'cpu 0 {\n  x = nobody\n  print x\n}\n');
    assert.match((await client.diagnostics(uri, (messages) => messages.length > 0)).join(), /^2: .*nobody/);
    await client.type(uri, { line: 1, character: 6 }, { line: 1, character: 12 }, '1');
    assert.deepEqual(await client.diagnostics(uri, (messages) => messages.length === 0), []);
    await client.type(uri, { line: 2, character: 8 }, { line: 2, character: 9 }, 'gone');
    assert.match((await client.diagnostics(uri, (messages) => messages.length > 0)).join(), /3: .*gone/);
    await client.close(uri);
    assert.deepEqual(await client.diagnostics(uri, (messages) => messages.length === 0), []);
  });

  it('reads imports from their files and from the editor, and looks again when one changes', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-lsp-'));
    try {
      fs.writeFileSync(path.join(folder, 'lib.guest'), 'procedure helper() { }\n');
      const uri = pathToFileURL(path.join(folder, 'main.guest')).href;
      const lib = pathToFileURL(path.join(folder, 'lib.guest')).href;
      await client.open(uri, 'import "lib.guest"\ncpu 0 {\n  helper()\n}\n');
      assert.deepEqual(await client.diagnostics(uri, () => true), []);
      const found = await client.ask<Location>('textDocument/definition', { textDocument: { uri }, position: { line: 2, character: 3 } });
      assert.equal(found.uri, lib);
      const links = await client.ask<DocumentLink[]>('textDocument/documentLink', { textDocument: { uri } });
      assert.deepEqual(links.map(({ target }) => target), [lib]);
      await client.open(lib, 'procedure other() { }\n');
      assert.match((await client.diagnostics(uri, (messages) => messages.length > 0)).join(), /helper/);
      await client.close(lib);
      assert.deepEqual(await client.diagnostics(uri, (messages) => messages.length === 0), []);
      fs.writeFileSync(path.join(folder, 'lib.guest'), 'procedure third() { }\n');
      await client.save(lib);
      assert.match((await client.diagnostics(uri, (messages) => messages.length > 0)).join(), /helper/);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('compares the techniques, as a page', async () => {
    const answer = await client.ask<{ markdown?: string; refusal?: string }>('pagewalk/compare', { uri: URI });
    assert.match(answer.markdown ?? '', /^# wire\.guest under every technique\n\n\| {2}\| native \|/);
    assert.match(answer.markdown ?? '', /\| estimated cycles \| [\d,]+ \|/);
    assert.match(answer.markdown ?? '', /\| accesses without an exit \| [\d.]+&nbsp;% \|/);
    const refused = await client.ask<{ refusal?: string }>('pagewalk/compare', { uri: 'file:///not-open.guest' });
    assert.match(refused.refusal ?? '', /open it first/);
  });

  it('answers about a document that is not open with nothing', async () => {
    const nowhere = { textDocument: { uri: 'file:///nowhere.guest' }, position: { line: 9, character: 9 }, range: { start: at('machine'), end: at('expect') } };
    for (const method of ['hover', 'definition', 'completion', 'documentSymbol', 'codeLens', 'inlayHint', 'foldingRange']) {
      assert.equal(await client.ask(`textDocument/${method}`, nowhere), null, method);
    }
  });
});
