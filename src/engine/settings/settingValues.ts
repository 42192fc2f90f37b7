import type { SettingValue } from '../../language/program';

/** Settings of `platform` or of one `machine`, by name. */
export type Settings = ReadonlyMap<string, SettingValue>;

export function settingWord(settings: Settings, name: string, otherwise: string): string {
  return String(settings.get(name)?.values[0] ?? otherwise);
}

/** The `index`-th value of a setting, where that is a number. */
export function settingNumber(settings: Settings, name: string, index: number, otherwise: number): number {
  const value = settings.get(name)?.values[index];
  return typeof value === 'number' ? value : otherwise;
}
