import type { TextDocument } from 'vscode-languageserver-textdocument';
import { sourceKey } from '../adapter/client';
import { ImportPaths } from '../adapter/importPaths';
import { catalog } from '../engine/settings/catalog';
import { readLibrary, readScenario, type EditedScenario } from '../language/editor/editedScenario';
import type { LanguageHost } from './host';
import { measured, type Measured } from './ranges';

const BYTE_ORDER_MARK = '\uFEFF';

/** Text of an open document by the key of its URI, or undefined when no editor has it open. */
export type OpenTexts = (key: string) => string | undefined;

/** One open document, and what was last read of it. */
export class OpenScenario {
  /** Texts of imports that no editor has open, by path; undefined: cannot be read. */
  private readonly imports = new Map<string, string | undefined>();
  private last: { readonly version: number; readonly scenario: EditedScenario } | undefined;
  private reading: { readonly version: number; readonly result: Promise<EditedScenario> } | undefined;

  constructor(
    public document: TextDocument,
    private readonly host: LanguageHost,
    private readonly openTexts: OpenTexts,
    readonly isLibrary: boolean,
  ) {}

  /** The scenario as its text stands. Reading it may wait for files that it imports. */
  scenario(): Promise<EditedScenario> {
    const { version } = this.document;
    if (this.last?.version === version) return Promise.resolve(this.last.scenario);
    if (this.reading?.version !== version) this.reading = { version, result: this.read() };
    return this.reading.result;
  }

  /** What was last read, however the text has changed since; read now when nothing was. */
  latest(): EditedScenario | Promise<EditedScenario> {
    return this.last?.scenario ?? this.scenario();
  }

  /** Offsets of the scenario count without a byte order mark, and so does LSP's first line. */
  source(): Measured {
    const text = this.document.getText();
    return measured(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  }

  /** A file that it may import has changed. */
  forgetImports(): void {
    this.imports.clear();
    this.last = this.last === undefined ? undefined : { version: -1, scenario: this.last.scenario };
    this.reading = undefined;
  }

  private async read(): Promise<EditedScenario> {
    const { document } = this;
    const { version } = document;
    for (;;) {
      const missed: string[] = [];
      const scenario = this.isLibrary ? readLibrary(catalog) : this.compile(document, missed);
      if (missed.length === 0) {
        if (this.document === document || this.last === undefined) this.last = { version, scenario };
        return scenario;
      }
      for (const path of missed) this.imports.set(path, await this.host.files.readText(path));
    }
  }

  private compile(document: TextDocument, missed: string[]): EditedScenario {
    const paths = new ImportPaths(document.uri);
    const text = document.getText();
    return readScenario({
      path: document.uri,
      text,
      catalog,
      readImport: (name, importer) => {
        const path = paths.resolve(name, importer);
        const found = path === document.uri ? text : (this.openTexts(sourceKey(path)) ?? this.imports.get(path));
        if (found === undefined && !this.imports.has(path)) missed.push(path);
        return found === undefined ? undefined : { path, text: found };
      },
    }, this.last?.scenario);
  }
}
