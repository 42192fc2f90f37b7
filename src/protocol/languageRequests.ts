/** Requests of our own, beside LSP. */
export const LSP_REQUEST = {
  /** Text of a file of the kernel library, by its name: `{ name }` to `string | null`. */
  libraryText: 'pagewalk/libraryText',
  /** The scenario under every technique, side by side: `{ uri }` to `CompareAnswer`. */
  compare: 'pagewalk/compare',
  /** From server to client: text of a file that the client can read, `{ uri }` to `string | null`. */
  readText: 'pagewalk/readText',
} as const;

/** `markdown`: the comparison as a page. `refusal`: a sentence why there is none. */
export type CompareAnswer = { readonly markdown: string } | { readonly refusal: string };

/** What a client says of itself at `initialize`, as `initializationOptions`. */
export interface ClientOptions {
  /** Ids of the client's commands that take a scenario's URI; a lens without one is not offered. */
  readonly lensCommands?: { readonly run?: string; readonly debug?: string; readonly compare?: string };
}

/** Scheme of the kernel library's files in an editor that asks for their text by request. */
export const LIBRARY_SCHEME = 'pagewalk-library';
