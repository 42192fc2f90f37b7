/** Events of the adapter's own beside DAP's. A client that does not know them loses nothing but what it would have shown. */
export const EVENT = {
  edited: 'pagewalk/edited',
} as const;

/** Of an edit that was made. */
export interface EditedEvent {
  /** The moment, as the `stopped` event has it: what was the past is no more. */
  readonly where: string;
  /** Steps of the future that the edit has dropped, and edits in them; left out when there was none. */
  readonly dropped?: { readonly steps: number; readonly edits: number };
}

/** What each event of Pagewalk's own carries: `docs/protocol.md` is written from here. */
export interface PagewalkEvents {
  /** The stopped machine has been edited: tables, walk and memory are to be asked for again. It follows the answer to the request that made the edit. */
  [EVENT.edited]: { body: EditedEvent };
}
