/**
 * One thing that the compiler may say of a scenario. `<name>` in a sentence is a hole that the place fills which says it.
 * The example is the smallest scenario that has exactly this said of it: a whole file, or lines of `exampleFrame`'s CPU.
 */
export interface MessageRow {
  /** Left out: an error, and there is no program. */
  readonly severity?: 'warning';
  /** What is wrong, then what to do. */
  readonly sentence: string;
  readonly file?: string;
  readonly cpu?: string;
  /** A condition of a breakpoint, for what only those can meet. */
  readonly condition?: string;
  /** So many others are said of the example before it. */
  readonly among?: number;
  /** Files that the example imports, by path. */
  readonly imports?: Readonly<Record<string, string>>;
  /** Globals that are set from outside. */
  readonly globals?: Readonly<Record<string, bigint>>;
}

type HolesOf<Sentence extends string> = Sentence extends `${string}<${infer Hole}>${infer Rest}` ? Hole | HolesOf<Rest> : never;

/** What fills the holes of a row's sentence. */
export type Fillings<Row extends MessageRow> = Readonly<Record<HolesOf<Row['sentence']>, string | number | bigint>>;

/** The scenario around an example that is lines of a CPU. */
export function exampleFrame(lines: string): string {
  return `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  ${lines.split('\n').join('\n  ')}
}
`;
}
