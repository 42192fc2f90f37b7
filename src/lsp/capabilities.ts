import type { ServerCapabilities } from 'vscode-languageserver';
import { semanticModifiers, semanticTypes } from '../language/editor/semanticTokens';

/** LSP's number of incremental synchronization. */
const INCREMENTAL = 2;

/** What the server can do; each has a handler in `readingFeatures.ts` or `writingFeatures.ts` and a test over the wire. */
export const capabilities: ServerCapabilities = {
  textDocumentSync: { openClose: true, change: INCREMENTAL, save: true },
  completionProvider: { triggerCharacters: ['.', ' '] },
  hoverProvider: true,
  signatureHelpProvider: { triggerCharacters: ['(', ','] },
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  renameProvider: { prepareProvider: true },
  documentSymbolProvider: true,
  foldingRangeProvider: true,
  documentFormattingProvider: true,
  documentRangeFormattingProvider: true,
  documentOnTypeFormattingProvider: { firstTriggerCharacter: '}', moreTriggerCharacter: ['\n'] },
  semanticTokensProvider: {
    legend: { tokenTypes: [...semanticTypes], tokenModifiers: [...semanticModifiers] },
    full: true,
  },
  inlayHintProvider: true,
  codeLensProvider: {},
  documentLinkProvider: {},
  codeActionProvider: { codeActionKinds: ['quickfix'] },
};
