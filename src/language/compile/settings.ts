import type { Catalog, SettingRow } from '../catalog';
import type { Machine, Platform, Setting, SettingValue as Value } from '../generated/ast';
import { pagingModeNames } from '../pagingModes';
import type { SettingValue } from '../program';
import { numberOf } from '../syntax/literals';
import { rangeOf, writtenText, type SourceText } from '../syntax/sourceText';
import { didYouMean } from './nearestName';
import { spellingFix } from './fixes';
import type { Report } from './report';

type Values = readonly (string | number)[];
const PAGE = 4096;

/** What the language itself does with a setting's values: says what is wrong with them; the rest is the catalog's. */
const OWN_RULES: Readonly<Record<string, (context: SettingsContext, node: Setting, values: Values) => boolean>> = {
  'machine paging': ({ report, source }, node, values) => {
    const [mode] = values;
    if (values.length === 1 && pagingModeNames.some((name) => name === mode)) return true;
    report.say(source, node, 'paging-mode', { mode: values.join(' ') });
    return false;
  },
  'machine kernel': ({ report, source }, node, values) => {
    const [kind] = values;
    if (values.length === 1 && (kind === 'standard' || kind === 'none' || (typeof kind === 'string' && kind.endsWith('.guest')))) return true;
    report.say(source, node, 'kernel-kind');
    return false;
  },
  'machine ram': ({ report, source }, node, values) => {
    const [size] = values;
    if (values.length === 1 && typeof size === 'number' && size > 0 && size % PAGE === 0) return true;
    report.say(source, node, 'ram-size');
    return false;
  },
  'machine slot': ({ report, source }, node, values) => {
    const [name, from, to, kind] = values;
    const isForm = values.length === 4 && typeof name === 'string' && typeof from === 'number' && typeof to === 'number';
    if (!isForm || (kind !== 'ram' && kind !== 'rom' && kind !== 'mmio')) {
      report.say(source, node, 'slot-form');
      return false;
    }
    if (from % PAGE === 0 && to % PAGE === 0 && from < to) return true;
    report.say(source, node, 'slot-range', { name });
    return false;
  },
};

/** Settings that the language needs even when the catalog does not list them. */
const OWN_NAMES: Readonly<Record<SettingRow['section'], readonly string[]>> = {
  machine: ['paging', 'ram', 'kernel', 'slot'],
  platform: [],
};

export interface SettingsContext {
  readonly source: SourceText;
  readonly report: Report;
  readonly catalog: Catalog;
}

/** Checks and collects the settings of a `machine` or `platform`. A name may stand once, but for `slot`. */
export function readSettings(context: SettingsContext, node: Machine | Platform, section: SettingRow['section']): SettingValue[] {
  const { source, report, catalog } = context;
  const rows = catalog.settings.filter((row) => row.section === section);
  const names = [...new Set([...rows.map((row) => row.name), ...OWN_NAMES[section]])];
  const found: SettingValue[] = [];
  for (const setting of node.settings.settings) {
    const { name } = setting;
    if (!names.includes(name)) {
      sayUnknown(context, setting, section, names);
      continue;
    }
    if (found.some((each) => each.name === name) && name !== 'slot') {
      report.say(source, setting, 'setting-twice', { name });
      continue;
    }
    const said = report.diagnostics.length;
    const values = setting.values.flatMap((value) => valuesOf(context, value));
    if (report.diagnostics.length > said) continue;
    const own = OWN_RULES[`${section} ${name}`];
    if (own !== undefined && !own(context, setting, values)) continue;
    const advice = rows.find((row) => row.name === name)?.check(values);
    if (advice !== undefined) {
      report.say(source, setting, 'setting-value', { written: writtenText(source, setting), advice: advice.replace(/\.$/, '') });
      continue;
    }
    found.push({ name, values, range: rangeOf(source, setting) });
  }
  return found;
}

function sayUnknown({ source, report, catalog }: SettingsContext, setting: Setting, section: SettingRow['section'], names: readonly string[]): void {
  const { name } = setting;
  const elsewhere = catalog.settings.find((row) => row.name === name && row.section !== section);
  if (elsewhere !== undefined) {
    report.say(source, setting, 'setting-elsewhere', { name, section: elsewhere.section });
    return;
  }
  report.say(source, setting, 'unknown-setting', { section, name, hint: didYouMean(name, names), choices: names.join(', ') });
  const fix = spellingFix(source, setting, name, names);
  if (fix !== undefined) report.mend(source, setting, 'unknown-setting', fix);
}

function valuesOf(context: SettingsContext, value: Value): Values {
  switch (value.$type) {
    case 'RangeValue':
      return [settingNumber(context, value, value.from), settingNumber(context, value, value.to)];
    case 'NumberWord':
      return value.unit === undefined ? [settingNumber(context, value, value.number)] : [`${value.number}-${value.unit}`];
    case 'Word':
      return [value.word.replace(/\s+/g, '')];
    case 'TextValue':
      return [value.text];
    case 'BitValue':
      return [`.${value.bit}`];
  }
}

function settingNumber(context: SettingsContext, node: Value, image: string): number {
  const value = numberOf(image);
  if (value !== undefined && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  context.report.say(context.source, node, 'setting-number', { image });
  return 0;
}

/** A setting's first word or number, or undefined when it is not set. */
export function settingOf(settings: readonly SettingValue[], name: string): string | number | undefined {
  return settings.find((each) => each.name === name)?.values[0];
}
