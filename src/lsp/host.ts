import type { FileAccess } from '../adapter/fileAccess';

/** What the language server asks of whoever runs it: a process on a stream, an editor, a web worker. */
export interface LanguageHost {
  /** Texts of files that no editor has open. */
  readonly files: FileAccess;
  /** The URI under which the editor can open a file of the kernel library, by its name: `kernel.guest`. */
  libraryUri(name: string): string;
}
