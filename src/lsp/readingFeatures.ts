import type { Connection, DocumentSymbol, Location } from 'vscode-languageserver';
import { besideFile } from '../adapter/importPaths';
import { codeLenses } from '../language/editor/codeLenses';
import { definitionAt, referencesAt } from '../language/editor/definition';
import { documentLinks } from '../language/editor/documentLinks';
import type { EditedFile, EditedScenario } from '../language/editor/editedScenario';
import { folds } from '../language/editor/folding';
import { hoverAt } from '../language/editor/hover';
import { inlayHints } from '../language/editor/inlayHints';
import type { NameUse } from '../language/editor/nameIndex';
import { outline, type OutlineItem } from '../language/editor/outline';
import { semanticModifiers, semanticTokens, semanticTypes } from '../language/editor/semanticTokens';
import { KERNEL_PATH } from '../language/compile';
import type { ClientOptions } from '../protocol/languageRequests';
import type { LanguageHost } from './host';
import type { OpenScenarios } from './openScenarios';
import { offsetAt, positionAt, rangeBetween, type Measured } from './ranges';
import { foldKinds, outlineKinds } from './shown';

/** LSP's numbers of how a highlighted word is used, and of a hint's kind. */
const HIGHLIGHT = { declares: 3, writes: 3, uses: 2 } as const;
const PARAMETER_HINT = 2;

/** What one looks at: nothing here changes a text. A document that is not open has no answer. */
export function registerReadingFeatures(connection: Connection, open: OpenScenarios, host: LanguageHost, options: () => ClientOptions): void {
  connection.onHover(async ({ textDocument, position }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    const { source } = scenario.files[0];
    const hover = hoverAt(scenario, offsetAt(source, position));
    if (hover === undefined) return null;
    return { contents: { kind: 'markdown', value: hover.markdown }, range: rangeBetween(source, hover.start, hover.end) };
  });
  connection.onDefinition(async ({ textDocument, position }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    const found = scenario === undefined ? undefined : definitionAt(scenario, offsetAt(scenario.files[0].source, position));
    return found === undefined ? null : locationOf(host, textDocument.uri, found);
  });
  connection.onReferences(async ({ textDocument, position, context }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    return referencesAt(scenario, offsetAt(scenario.files[0].source, position))
      .filter(({ role }) => context.includeDeclaration || role !== 'declares')
      .map((use) => locationOf(host, textDocument.uri, use));
  });
  connection.onDocumentHighlight(async ({ textDocument, position }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    const { source } = scenario.files[0];
    return referencesAt(scenario, offsetAt(source, position)).filter(({ file }) => file.source.file === 0)
      .map(({ token, role }) => ({ range: rangeBetween(source, token.start, token.end), kind: HIGHLIGHT[role] }));
  });
  connection.onDocumentSymbol(async ({ textDocument }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    return scenario === undefined ? null : outline(scenario).map((item) => symbolOf(scenario.files[0].source, item));
  });
  connection.onFoldingRanges(async ({ textDocument }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    return scenario === undefined ? null : folds(scenario).map(({ line, endLine, kind }) => {
      const shown = foldKinds[kind];
      return { startLine: line, endLine, ...(shown === undefined ? {} : { kind: shown }) };
    });
  });
  connection.languages.semanticTokens.on(async ({ textDocument }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    return { data: scenario === undefined ? [] : encodedTokens(scenario) };
  });
  connection.languages.inlayHint.on(async ({ textDocument, range }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    const { source } = scenario.files[0];
    return inlayHints(scenario, offsetAt(source, range.start), offsetAt(source, range.end))
      .map(({ offset, label }) => ({ position: positionAt(source, offset), label, kind: PARAMETER_HINT, paddingRight: true }));
  });
  connection.onCodeLens(async ({ textDocument }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    const commands = options().lensCommands ?? {};
    return scenario === undefined ? null : codeLenses(scenario).flatMap(({ title, action, start, end }) => {
      const command = commands[action];
      const range = rangeBetween(scenario.files[0].source, start, end);
      return command === undefined ? [] : [{ range, command: { title, command, arguments: [textDocument.uri] } }];
    });
  });
  connection.onDocumentLinks(async ({ textDocument }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    return scenario === undefined ? null : documentLinks(scenario).map((link) => ({
      range: rangeBetween(scenario.files[0].source, link.start, link.end),
      target: 'url' in link ? link.url : besideFile(textDocument.uri, link.path),
      tooltip: link.tooltip,
    }));
  });
}

/** Where a file of a scenario is for the client: the document itself, an import, or the kernel library. */
export function uriOf(host: LanguageHost, documentUri: string, file: EditedFile): string {
  if (file.source.file === 0) return documentUri;
  return file.source.path === KERNEL_PATH ? host.libraryUri(KERNEL_PATH) : file.source.path;
}

function locationOf(host: LanguageHost, documentUri: string, { file, token }: NameUse): Location {
  return { uri: uriOf(host, documentUri, file), range: rangeBetween(file.source, token.start, token.end) };
}

function symbolOf(source: Measured, item: OutlineItem): DocumentSymbol {
  return {
    name: item.name,
    detail: item.detail,
    kind: outlineKinds[item.kind],
    range: rangeBetween(source, item.start, item.end),
    selectionRange: rangeBetween(source, item.nameStart, item.nameEnd),
    children: item.children.map((child) => symbolOf(source, child)),
  };
}

/** Five numbers a token, each place counted from the token before. LSP, "Semantic Tokens". */
function encodedTokens(scenario: EditedScenario): number[] {
  const { source } = scenario.files[0];
  const data: number[] = [];
  let before = { line: 0, character: 0 };
  for (const { start, end, type, modifiers } of semanticTokens(scenario)) {
    const { line, character } = positionAt(source, start);
    const bits = modifiers.reduce((all, modifier) => all | (1 << semanticModifiers.indexOf(modifier)), 0);
    data.push(line - before.line, line === before.line ? character - before.character : character, end - start, semanticTypes.indexOf(type), bits);
    before = { line, character };
  }
  return data;
}
