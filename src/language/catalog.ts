import type { SettingValue } from './program';

/** What the engine tells the language about the machine: names it may accept, never how they work. */
export interface SettingRow {
  readonly name: string;
  /** Where it may stand. */
  readonly section: 'machine' | 'platform';
  /** Shown in completion and in the message for a wrong value: `64 entries 4 ways`. */
  readonly form: string;
  readonly documentation: string;
  /** One sentence what is wrong with these values, or undefined when they are fine. Words and numbers in order. */
  readonly check: (values: readonly (string | number)[]) => string | undefined;
}

export interface TechniqueRow {
  readonly name: string;
  readonly documentation: string;
}

export interface Catalog {
  /** Techniques that run. */
  readonly techniques: readonly TechniqueRow[];
  /** Every technique's name that `expect under` accepts, running yet or not. */
  readonly techniqueNames: readonly string[];
  readonly settings: readonly SettingRow[];
  /** Why a platform with these settings cannot do a host action, as a clause; undefined when it can. */
  readonly hostActionRefusal: (platform: readonly SettingValue[], action: string) => string | undefined;
}
