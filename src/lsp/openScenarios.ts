import type { Connection, TextDocumentContentChangeEvent } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { sourceKey } from '../adapter/client';
import { KERNEL_PATH } from '../language/compile';
import { nameIndex } from '../language/editor/nameIndex';
import { publishedDiagnostics } from './diagnostics';
import type { LanguageHost } from './host';
import { OpenScenario } from './openScenario';

/** A pause in typing that long is taken for a thought finished. */
const SETTLES_AFTER_MS = 250;

/** The documents that the client has open; their diagnostics are pushed when typing pauses. */
export class OpenScenarios {
  private readonly open = new Map<string, OpenScenario>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly connection: Connection, private readonly host: LanguageHost) {
    connection.onDidOpenTextDocument(({ textDocument: { uri, languageId, version, text } }) => {
      this.add(TextDocument.create(uri, languageId, version, text));
    });
    connection.onDidChangeTextDocument(({ textDocument: { uri, version }, contentChanges }) => {
      this.change(uri, version, contentChanges);
    });
    connection.onDidSaveTextDocument(({ textDocument: { uri } }) => { this.refreshImporters(uri); });
    connection.onDidChangeWatchedFiles(() => { this.refreshImporters(undefined); });
    connection.onDidCloseTextDocument(({ textDocument: { uri } }) => { this.remove(uri); });
  }

  get(uri: string): OpenScenario | undefined {
    return this.open.get(uri);
  }

  private add(document: TextDocument): void {
    const { uri } = document;
    const isLibrary = uri === this.host.libraryUri(KERNEL_PATH);
    const openTexts = (key: string): string | undefined => (
      [...this.open.values()].find((each) => sourceKey(each.document.uri) === key)?.document.getText()
    );
    this.open.set(uri, new OpenScenario(document, this.host, openTexts, isLibrary));
    this.schedule(uri, 0);
    this.refreshImporters(uri);
  }

  private change(uri: string, version: number, changes: readonly TextDocumentContentChangeEvent[]): void {
    const opened = this.open.get(uri);
    if (opened === undefined) return;
    // A new object each time: what is being read of the old text must be able to tell that it is overtaken.
    const { languageId } = opened.document;
    const text = TextDocument.update(TextDocument.create(uri, languageId, 0, opened.document.getText()), [...changes], version).getText();
    opened.document = TextDocument.create(uri, languageId, version, text);
    this.schedule(uri, SETTLES_AFTER_MS);
    this.refreshImporters(uri);
  }

  private remove(uri: string): void {
    clearTimeout(this.timers.get(uri));
    this.timers.delete(uri);
    this.open.delete(uri);
    void this.connection.sendDiagnostics({ uri, diagnostics: [] });
    this.refreshImporters(uri);
  }

  /** Another scenario may import the file that has changed. */
  private refreshImporters(uri: string | undefined): void {
    for (const [key, opened] of this.open) {
      if (key === uri || !/^\s*import\b|\bkernel\s+"/m.test(opened.document.getText())) continue;
      opened.forgetImports();
      this.schedule(key, SETTLES_AFTER_MS);
    }
  }

  private schedule(uri: string, delay: number): void {
    clearTimeout(this.timers.get(uri));
    this.timers.set(uri, setTimeout(() => {
      this.timers.delete(uri);
      void this.push(uri);
    }, delay));
  }

  private async push(uri: string): Promise<void> {
    const opened = this.open.get(uri);
    if (opened === undefined) return;
    const { version } = opened.document;
    const scenario = await opened.scenario();
    if (this.open.get(uri)?.document.version !== version) return;
    await this.connection.sendDiagnostics({ uri, version, diagnostics: publishedDiagnostics(uri, scenario) });
    // While typing pauses: a completion in a long scenario then finds its names ready.
    nameIndex(scenario).meetingNames();
  }
}
