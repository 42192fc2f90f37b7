import { MAX_SLOTS } from '../../hypervisor/memslots';
import type { Program, SettingValue } from '../../language/program';
import type { PagingModeName } from '../../language/pagingModes';
import type { VirtualMachine } from '../../language/virtualMachines';
import { settingRows } from './catalog';
import type { ConfigurationError } from './configuration';
import { unfitFeature } from './features';
import { memoryMap, type MemorySlot } from './memoryMap';
import { settingNumber, settingWord, type Settings } from './settingValues';
import { findTechnique, type RunningTechnique, type TechniqueSettings } from './techniques';

/** Everything about one VM that a run depends on. */
export interface VmConfiguration {
  /** Empty when its parts stand at the top of the file. */
  readonly name: string;
  readonly technique: RunningTechnique;
  readonly settings: TechniqueSettings;
  /** Its memory slots, ascending. */
  readonly slots: readonly MemorySlot[];
  readonly paging: PagingModeName;
  readonly kernel: 'library' | 'none';
  readonly delivery: 'direct' | 'memory';
}

const DEFAULT_RAM = 16 * 1024 * 1024;
const DEFAULT_TECHNIQUE = 'shadow-wp';
/** Slots that a scenario may write: one place is a sabotage's. */
const MOST_SLOTS = MAX_SLOTS - 1;

/**
 * One VM of a run: its own settings, over them those of `mmu` (`TECHNIQUE[:key=value,…]`, as after `--mmu`), under them
 * the defaults. A sentence when the technique does not exist or does not do what the VM asks for.
 */
export function configureVm(program: Program, vm: VirtualMachine, mmu: string | undefined): VmConfiguration | ConfigurationError {
  const machine = new Map(vm.machine.map((setting) => [setting.name, setting]));
  // Below a nested guest lies what the VM around it runs under.
  const below = vm.parent < 0 ? machine : new Map(program.vms[vm.parent]!.machine.map((setting) => [setting.name, setting]));
  const written = below.get('mmu')?.values[0];
  const asked = splitTechnique(mmu ?? (written === undefined ? DEFAULT_TECHNIQUE : String(written)));
  if ('error' in asked) return asked;
  const technique = findTechnique(asked.name);
  if (typeof technique === 'string') return { error: technique };
  for (const option of asked.options) {
    const setting = settingOf(technique, option, vm);
    if ('error' in setting) return setting;
    machine.set(setting.name, setting);
  }
  const slots = memoryMap(vm.machine, DEFAULT_RAM);
  const tooMany = slots[MOST_SLOTS]?.setting;
  if (tooMany !== undefined) return { error: `a VM has at most ${MOST_SLOTS} memory slots, and this one has ${slots.length}; join some`, range: tooMany.range };
  const unfit = unfitFeature(program, vm, technique.name, slots);
  if (unfit !== undefined) return unfit;
  return {
    name: vm.name,
    technique,
    settings: techniqueSettings(machine),
    slots,
    paging: vm.paging,
    kernel: vm.kernel,
    delivery: settingWord(machine, 'delivery', 'direct') as 'direct' | 'memory',
  };
}

function techniqueSettings(machine: Settings): TechniqueSettings {
  return {
    update: settingWord(machine, 'update', 'eager') as 'eager' | 'zap',
    shadowPages: settingNumber(machine, 'shadow_pages', 0, 1000),
    prefetch: settingNumber(machine, 'prefetch', 0, 8),
    previousRoots: settingNumber(machine, 'previous_roots', 0, 3),
    earlyUnshadow: settingWord(machine, 'early_unshadow', 'off') as 'on' | 'off',
    dirtyLog: settingWord(machine, 'dirty_log', 'wp') as 'wp' | 'pml',
    unrestrictedGuest: settingWord(machine, 'unrestricted_guest', 'on') as 'on' | 'off',
    violationExceptions: settingWord(machine, 'ept_violation_ve', 'off') as 'on' | 'off',
  };
}

/** A setting that stands behind the technique's name, as the machine would have it. */
function settingOf(technique: RunningTechnique, [key, value]: readonly [string, string], vm: VirtualMachine): SettingValue | ConfigurationError {
  const row = settingRows.find((each) => each.section === 'machine' && each.name === key);
  if (row === undefined || !technique.settings.includes(key)) {
    const known = technique.settings.length === 0 ? 'it has none' : `it has ${technique.settings.join(', ')}`;
    return { error: `technique ${technique.name} has no setting ${key}; ${known}` };
  }
  const number = Number(value);
  const values = [value !== '' && Number.isInteger(number) ? number : value];
  const wrong = row.check(values);
  if (wrong !== undefined) return { error: `${key}=${value} is no value of that setting: ${wrong}` };
  return { name: key, values, range: vm.machine[0]?.range ?? { file: 0, line: 0, column: 0, endLine: 0, endColumn: 0 } };
}

/** `shadow-wp:update=zap,shadow_pages=100` in its parts; a sentence when it is not of that form. */
function splitTechnique(text: string): { readonly name: string; readonly options: readonly (readonly [string, string])[] } | { readonly error: string } {
  const [name = '', settings, ...more] = text.split(':').map((part) => part.trim());
  const options = (settings?.split(',') ?? []).map((option) => option.split('=').map((part) => part.trim()));
  const isForm = name !== '' && more.length === 0 && options.every((parts) => parts.length === 2 && parts.every((part) => part !== ''));
  if (!isForm) return { error: `\`${text}\` is not of the form TECHNIQUE or TECHNIQUE:setting=value,…, such as shadow-wp:update=zap` };
  return { name, options: options.map(([key = '', value = '']) => [key, value] as const) };
}
