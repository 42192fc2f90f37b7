import type { LineSettings } from '../hardware/caches/cachedLines';
import { machineRefusal } from '../hardware/processor/machineRules';
import type { Program, SettingValue, SourceRange } from '../language/program';
import type { PagingModeName } from '../language/pagingModes';
import { settingRows } from './catalog';
import { unfitFeature } from './features';
import { endOfMemory, memoryMap, ramBytes, type MemorySlot } from './memoryMap';
import { findTechnique, type RunningTechnique, type TechniqueSettings } from './techniques';

/** Everything about the machine that a run depends on. */
export interface Configuration {
  readonly technique: RunningTechnique;
  readonly settings: TechniqueSettings;
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly tlbEntries: number;
  readonly tlbWays: number;
  readonly tlbL2: LineSettings | undefined;
  /** log2 of the page sizes that TLB lines hold whole; undefined: all. */
  readonly tlbPageShifts: readonly number[] | undefined;
  readonly walkCaches: 'on' | 'off';
  readonly tags: 'on' | 'off';
  readonly rewalkOnPermissionFault: 'on' | 'off';
  /** The guest's slots, ascending. */
  readonly slots: readonly MemorySlot[];
  readonly paging: PagingModeName;
  readonly kernel: 'library' | 'none';
  readonly delivery: 'direct' | 'memory';
  readonly hostRam: number;
}

const DEFAULT_RAM = 16 * 1024 * 1024;
const DEFAULT_TECHNIQUE = 'shadow-wp';

/** Why there is no such machine, as a sentence; `range`: of the setting that asks for it, when the scenario does. */
export interface ConfigurationError {
  readonly error: string;
  readonly range?: SourceRange;
}

/**
 * The machine for a run: the scenario's settings, over them those of `mmu`
 * (`TECHNIQUE[:key=value,…]`, as after `--mmu`), under them the defaults. A sentence when the
 * technique does not exist or does not fit, or when no such machine can be.
 */
export function configure(program: Program, mmu: string | undefined): Configuration | ConfigurationError {
  const machine = new Map(program.machine.map((setting) => [setting.name, setting]));
  const platform = new Map(program.platform.map((setting) => [setting.name, setting]));
  const written = machine.get('mmu')?.values[0];
  const asked = splitTechnique(mmu ?? (written === undefined ? DEFAULT_TECHNIQUE : String(written)));
  if ('error' in asked) return asked;
  const technique = findTechnique(asked.name);
  if (typeof technique === 'string') return { error: technique };

  for (const [key, value] of asked.options) {
    const row = settingRows.find((each) => each.section === 'machine' && each.name === key);
    if (row === undefined || !technique.settings.includes(key)) {
      const known = technique.settings.length === 0 ? 'it has none' : `it has ${technique.settings.join(', ')}`;
      return { error: `technique ${technique.name} has no setting ${key}; ${known}` };
    }
    const number = Number(value);
    const values = [value !== '' && Number.isInteger(number) ? number : value];
    const wrong = row.check(values);
    if (wrong !== undefined) return { error: `${key}=${value} is no value of that setting: ${wrong}` };
    machine.set(key, { name: key, values, range: program.machine[0]?.range ?? { file: 0, line: 0, column: 0, endLine: 0, endColumn: 0 } });
  }

  const vendor = word(platform, 'vendor', 'intel') as 'intel' | 'amd';
  if (vendor === 'amd' && technique.name !== 'native') {
    return { error: `${technique.name} needs a processor with VMX, and the platform says vendor amd; write vendor intel or run it under native` };
  }
  const slots = memoryMap(program.machine, DEFAULT_RAM);
  const guestRam = ramBytes(slots);
  const hostRam = technique.ownsMachine ? endOfMemory(slots) : number(platform, 'ram', 0, 4 * guestRam);
  if (!technique.ownsMachine && hostRam < guestRam) {
    return { error: `the guest has more RAM (${guestRam} bytes) than the platform (${hostRam} bytes); give the platform more` };
  }
  const unfit = unfitFeature(program, technique.name, slots);
  if (unfit !== undefined) return unfit;
  const maxphyaddr = number(platform, 'maxphyaddr', 0, 46);
  const tlbEntries = number(platform, 'tlb', 0, 64);
  const tlbWays = number(platform, 'tlb', 2, 4);
  const tlbL2 = platform.has('tlb_l2') ? { entries: number(platform, 'tlb_l2', 0, 0), ways: number(platform, 'tlb_l2', 2, 0) } : undefined;
  const caches = [{ name: 'TLB', entries: tlbEntries, ways: tlbWays }, ...(tlbL2 === undefined ? [] : [{ name: 'TLB', ...tlbL2 }])];
  const refusal = machineRefusal({ vendor, maxphyaddr, ramBytes: hostRam, caches });
  if (refusal !== undefined) {
    const range = (platform.get('ram') ?? machine.get('ram') ?? platform.get('maxphyaddr'))?.range;
    return { error: refusal, ...(range === undefined ? {} : { range }) };
  }
  return {
    technique,
    settings: {
      update: word(machine, 'update', 'eager') as 'eager' | 'zap',
      shadowPages: number(machine, 'shadow_pages', 0, 1000),
    },
    vendor,
    maxphyaddr,
    tlbEntries,
    tlbWays,
    tlbL2,
    tlbPageShifts: platform.get('tlb_pages')?.values.map((size) => Math.log2(Number(size))),
    walkCaches: word(platform, 'walk_caches', 'off') as 'on' | 'off',
    tags: word(platform, 'tags', 'on') as 'on' | 'off',
    rewalkOnPermissionFault: word(platform, 'rewalk_on_permission_fault', vendor === 'amd' ? 'on' : 'off') as 'on' | 'off',
    slots,
    paging: program.paging,
    kernel: program.vms[0]?.kernel ?? 'library',
    delivery: word(machine, 'delivery', 'direct') as 'direct' | 'memory',
    hostRam,
  };
}

/** `shadow-wp:update=zap,shadow_pages=100` in its parts; a sentence when it is not of that form. */
function splitTechnique(text: string): { readonly name: string; readonly options: readonly (readonly [string, string])[] } | { readonly error: string } {
  const [name = '', settings, ...more] = text.split(':').map((part) => part.trim());
  const options = (settings?.split(',') ?? []).map((option) => option.split('=').map((part) => part.trim()));
  const isForm = name !== '' && more.length === 0 && options.every((parts) => parts.length === 2 && parts.every((part) => part !== ''));
  if (!isForm) return { error: `\`${text}\` is not of the form TECHNIQUE or TECHNIQUE:setting=value,…, such as shadow-wp:update=zap` };
  return { name, options: options.map(([key = '', value = '']) => [key, value] as const) };
}

function word(settings: ReadonlyMap<string, SettingValue>, name: string, otherwise: string): string {
  return String(settings.get(name)?.values[0] ?? otherwise);
}

function number(settings: ReadonlyMap<string, SettingValue>, name: string, index: number, otherwise: number): number {
  const value = settings.get(name)?.values[index];
  return typeof value === 'number' ? value : otherwise;
}
