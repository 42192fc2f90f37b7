/** What the adapter's `stopped` event says beyond DAP. */
export interface StoppedMore {
  /** The moment: `step 12`, `step 12, in the past`. */
  readonly where: string;
  /** What `text` tells beyond the words for the stop and the moment; left out: nothing. */
  readonly news?: string;
}
