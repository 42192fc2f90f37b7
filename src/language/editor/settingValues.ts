import type { Catalog } from '../catalog';
import { pagingModeNames } from '../pagingModes';

export interface SettingChoice {
  readonly value: string;
  readonly documentation: string;
}

/** Values that a setting may take, where they can be listed: its row's check accepts each of them. */
export function settingValues(catalog: Catalog, section: 'machine' | 'platform', name: string): readonly SettingChoice[] {
  const row = catalog.settings.find((each) => each.name === name && each.section === section);
  if (row === undefined) return [];
  if (name === 'mmu') return catalog.techniques.map((each) => ({ value: each.name, documentation: each.documentation }));
  const words = name === 'paging' ? pagingModeNames : row.form.split(/\s+or\s+|,\s*/);
  return words.filter((word) => isAccepted(row.check, word)).map((value) => ({ value, documentation: row.documentation }));
}

/** A form such as `64 entries 4 ways` is several values. */
function isAccepted(check: Catalog['settings'][number]['check'], form: string): boolean {
  const values = form.split(/\s+/).map((word) => (/^\d+[KMGT]?$/.test(word) ? sizeOf(word) : word));
  return check(values) === undefined;
}

function sizeOf(word: string): number {
  const unit = 'KMGT'.indexOf(word.slice(-1));
  return unit < 0 ? Number(word) : Number(word.slice(0, -1)) * 1024 ** (unit + 1);
}
