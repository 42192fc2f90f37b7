/** Events of the adapter's own beside DAP's. A client that does not know them loses nothing but what it would have shown. */
export const EVENT = {
  /** The stopped machine has been edited: tables, walk and memory are to be asked for again. Told behind the answer to the request. */
  edited: 'pagewalk/edited',
} as const;

export interface EditedEvent {
  /** Where the debugger stands, in the words of the `stopped` event: what was the past is no more. */
  readonly description: string;
  /** Steps of the future that the edit has dropped, and edits in them; left out when there was none. */
  readonly dropped?: { readonly steps: number; readonly edits: number };
}
