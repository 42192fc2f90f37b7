/** Nanoseconds by name; one process may find several. */
export type Times = Readonly<Record<string, number>>;

/** Why there is no measurement, as a sentence without its full stop. */
export interface Missing {
  readonly missing: string;
}

export function isMissing(result: Times | Missing): result is Missing {
  return typeof result['missing'] === 'string';
}

/** Something that is measured in a fresh process once a round. */
export interface Measurement {
  /** `bochs-ept`; its times are quantities `bochs-ept.hit`, `bochs-ept.miss`. */
  readonly name: string;
  readonly title: string;
  readonly run: () => Promise<Times | Missing>;
}
