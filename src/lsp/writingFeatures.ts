import { InsertTextFormat, LSPErrorCodes, ResponseError } from 'vscode-languageserver/lib/common/api';
import type { CompletionItem, Connection } from 'vscode-languageserver';
import { completionAt, type Completion } from '../language/editor/completion';
import { formatOnType, formatRange } from '../language/editor/formatting';
import { quickFixes } from '../language/editor/quickFixes';
import { renameableAt, renameAt } from '../language/editor/rename';
import { signatureHelpAt } from '../language/editor/signatureHelp';
import { formatText } from '../language/format/formatText';
import { rangeOf } from './diagnostics';
import type { LanguageHost } from './host';
import type { OpenScenarios } from './openScenarios';
import { lspEdits, offsetAt, rangeBetween } from './ranges';
import { uriOf } from './readingFeatures';
import { completionKinds } from './shown';

/** A blank asks for what must follow a word, not for everything. */
const BLANK_ASKS = /(?:^|[\s,{])(?:under|or|are|before|barrier|await|release|on|host|mmu|paging|vendor)\s$|\.\.\s*\w+\s(?:[\w\s]*\s)?$/;

/** What changes a text, or helps with writing it. */
export function registerWritingFeatures(connection: Connection, open: OpenScenarios, host: LanguageHost): void {
  connection.onCompletion(async ({ textDocument, position, context }) => {
    const opened = open.get(textDocument.uri);
    if (opened === undefined) return null;
    const source = opened.source();
    const offset = offsetAt(source, position);
    if (context?.triggerCharacter === ' ' && !BLANK_ASKS.test(lineBefore(source.text, offset))) return null;
    return completionAt(await opened.latest(), source.text, offset).map(completionItem);
  });
  connection.onSignatureHelp(async ({ textDocument, position }) => {
    const opened = open.get(textDocument.uri);
    if (opened === undefined) return null;
    const source = opened.source();
    const help = signatureHelpAt(await opened.latest(), source.text, offsetAt(source, position));
    if (help === undefined) return null;
    const { label, documentation, parameters } = help.signature;
    return {
      signatures: [{ label, documentation: { kind: 'markdown', value: documentation }, parameters: parameters.map(({ written }) => ({ label: written })) }],
      activeSignature: 0,
      activeParameter: help.parameter,
    };
  });
  connection.onPrepareRename(async ({ textDocument, position }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    const { source } = scenario.files[0];
    const place = renameableAt(scenario, offsetAt(source, position));
    if ('error' in place) return refused(place.error);
    return { range: rangeBetween(source, place.start, place.end), placeholder: place.name };
  });
  connection.onRenameRequest(async ({ textDocument, position, newName }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    const renamed = renameAt(scenario, offsetAt(scenario.files[0].source, position), newName);
    if ('error' in renamed) return refused(renamed.error);
    return { changes: Object.fromEntries(renamed.map(({ file, edits }) => [uriOf(host, textDocument.uri, file), lspEdits(file.source, edits)])) };
  });
  connection.onDocumentFormatting(({ textDocument }) => {
    const source = open.get(textDocument.uri)?.source();
    if (source === undefined) return null;
    const formatted = formatText(source.text);
    return 'problems' in formatted ? null : lspEdits(source, formatted.edits);
  });
  connection.onDocumentRangeFormatting(({ textDocument, range }) => {
    const source = open.get(textDocument.uri)?.source();
    if (source === undefined) return null;
    return lspEdits(source, formatRange(source.text, offsetAt(source, range.start), offsetAt(source, range.end)));
  });
  connection.onDocumentOnTypeFormatting(({ textDocument, position, ch }) => {
    const source = open.get(textDocument.uri)?.source();
    return source === undefined ? null : lspEdits(source, formatOnType(source.text, offsetAt(source, position), ch));
  });
  connection.onCodeAction(async ({ textDocument, range }) => {
    const scenario = await open.get(textDocument.uri)?.scenario();
    if (scenario === undefined) return null;
    const { source } = scenario.files[0];
    return quickFixes(scenario, offsetAt(source, range.start), offsetAt(source, range.end)).map(({ title, diagnostic, edits }) => ({
      title,
      kind: 'quickfix',
      diagnostics: [{ range: rangeOf(diagnostic), message: diagnostic.message }],
      edit: { changes: { [textDocument.uri]: lspEdits(source, edits) } },
    }));
  });
}

function completionItem({ label, kind, detail, documentation, snippet, rank }: Completion): CompletionItem {
  return {
    label,
    kind: completionKinds[kind],
    detail,
    sortText: `${rank}${label}`,
    ...(documentation === undefined ? {} : { documentation: { kind: 'markdown', value: documentation } }),
    ...(snippet === undefined ? {} : { insertText: snippet, insertTextFormat: InsertTextFormat.Snippet }),
  };
}

function lineBefore(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
}

/** The client shows the sentence as it is. */
function refused(sentence: string): ResponseError {
  return new ResponseError(LSPErrorCodes.RequestFailed, sentence);
}
