import type { Catalog, SettingRow } from '../catalog';
import type { Machine, Platform, SettingValue as Value } from '../generated/ast';
import type { SettingValue } from '../program';
import { numberOf } from '../syntax/literals';
import { rangeOf, writtenText, type SourceText } from '../syntax/sourceText';
import { didYouMean } from './nearestName';
import type { Report } from './report';

/** What the language itself does with a setting's values; the rest is the catalog's. */
const OWN_RULES: Readonly<Record<string, (values: readonly (string | number)[]) => string | undefined>> = {
  'machine paging': ([mode]) => {
    if (mode === '4-level') return undefined;
    if (typeof mode === 'string' && ['none', '32-bit', 'pae', '5-level'].includes(mode)) {
      return `\`paging ${mode}\` is not supported yet; write paging 4-level.`;
    }
    return `\`paging ${mode ?? ''}\` is no paging mode; write paging 4-level.`;
  },
  'machine kernel': (values) => {
    const [kind] = values;
    if (values.length === 1 && (kind === 'standard' || kind === 'none' || (typeof kind === 'string' && kind.endsWith('.guest')))) {
      return undefined;
    }
    return 'A kernel is `standard`, `none` or a file in quotes; write one of them.';
  },
  'machine ram': (values) => (
    values.length === 1 && typeof values[0] === 'number' ? undefined : '`ram` takes one size; write ram 16M.'
  ),
};

/** Settings that the language needs even when the catalog does not list them. */
const OWN_NAMES: Readonly<Record<SettingRow['section'], readonly string[]>> = {
  machine: ['paging', 'ram', 'kernel'],
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
      report.error(source, setting, unknownSetting(catalog, section, name, names));
      continue;
    }
    if (found.some((each) => each.name === name) && name !== 'slot') {
      report.error(source, setting, `\`${name}\` is set twice; keep one of the two.`);
      continue;
    }
    const values = setting.values.flatMap((value) => valuesOf(context, value));
    const problem = OWN_RULES[`${section} ${name}`]?.(values) ??
      catalogProblem(rows.find((row) => row.name === name), values, writtenText(source, setting));
    if (problem !== undefined) {
      report.error(source, setting, problem);
      continue;
    }
    found.push({ name, values, range: rangeOf(source, setting) });
  }
  return found;
}

/** The catalog says what to write, the language where. */
function catalogProblem(row: SettingRow | undefined, values: readonly (string | number)[], written: string): string | undefined {
  const advice = row?.check(values);
  return advice === undefined ? undefined : `\`${written}\` does not fit: ${advice.replace(/\.$/, '')}.`;
}

function unknownSetting(catalog: Catalog, section: SettingRow['section'], name: string, names: readonly string[]): string {
  const elsewhere = catalog.settings.find((row) => row.name === name && row.section !== section);
  if (elsewhere !== undefined) return `\`${name}\` is a setting of \`${elsewhere.section}\`; move it there.`;
  return `There is no ${section} setting \`${name}\`${didYouMean(name, names)}; there are ${names.join(', ')}.`;
}

function valuesOf(context: SettingsContext, value: Value): readonly (string | number)[] {
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
  if (value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    context.report.error(context.source, node, `\`${image}\` is too large for a setting; write a smaller number.`);
    return 0;
  }
  return Number(value);
}

/** A setting's first word or number, or undefined when it is not set. */
export function settingOf(settings: readonly SettingValue[], name: string): string | number | undefined {
  return settings.find((each) => each.name === name)?.values[0];
}

