/** Requests of our own, beside LSP. */
export const LSP_REQUEST = {
  libraryText: 'pagewalk/libraryText',
  compare: 'pagewalk/compare',
  readText: 'pagewalk/readText',
} as const;

/** `markdown`: the comparison as a page. `refusal`: a sentence why there is none. */
export type CompareAnswer = { readonly markdown: string } | { readonly refusal: string };

/** What each of them takes and gives: `docs/protocol.md` is written from here. */
export interface LanguageRequests {
  /** An open scenario under every technique that fits it, side by side. */
  [LSP_REQUEST.compare]: { arguments: { readonly uri: string }; response: CompareAnswer };
  /** The text of a file of the kernel library, by its name (`kernel.guest`); null: there is none of that name. */
  [LSP_REQUEST.libraryText]: { arguments: { readonly name: string }; response: string | null };
  /** From the server in a web worker to its client, which alone can read files: the text of one; null: it cannot be read. */
  [LSP_REQUEST.readText]: { arguments: { readonly uri: string }; response: string | null };
}

/** What a client says of itself at `initialize`, as `initializationOptions`. */
export interface ClientOptions {
  /** Ids of the client's commands that take a scenario's URI; a lens without one is not offered. */
  readonly lensCommands?: { readonly run?: string; readonly debug?: string; readonly compare?: string };
}

/** Scheme of the kernel library's files in an editor that asks for their text by request. */
export const LIBRARY_SCHEME = 'pagewalk-library';
