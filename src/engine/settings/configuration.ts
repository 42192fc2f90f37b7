import type { LineSettings } from '../../hardware/caches/cachedLines';
import { machineRefusal } from '../../hardware/processor/machineRules';
import type { Sabotage } from '../../hypervisor/sabotage';
import type { Backing } from '../../hypervisor/host/hostMemory';
import type { Program, SourceRange } from '../../language/program';
import { backings } from './catalog';
import { costModelOf, type CostModel } from '../costs/costModel';
import { endOfMemory, ramBytes } from './memoryMap';
import { settingNumber, settingWord, type Settings } from './settingValues';
import type { Vendor } from './techniques';
import { configureVm, type VmConfiguration } from './vmConfiguration';

/** What each vendor's processors have for hypervisors. */
const virtualization: Readonly<Record<Vendor, string>> = { intel: 'VMX', amd: 'SVM' };

/** Everything about the machine that a run depends on. */
export interface Configuration {
  /** By number, as in Program.vms. */
  readonly vms: readonly VmConfiguration[];
  readonly vendor: Vendor;
  readonly maxphyaddr: number;
  readonly tlbEntries: number;
  readonly tlbWays: number;
  readonly tlbL2: LineSettings | undefined;
  /** log2 of the page sizes that TLB lines hold whole; undefined: all. */
  readonly tlbPageShifts: readonly number[] | undefined;
  readonly walkCaches: 'on' | 'off';
  readonly tags: 'on' | 'off';
  readonly rewalkOnPermissionFault: 'on' | 'off';
  readonly hostRam: number;
  readonly sabotage: Sabotage;
  /** Size of the host's swap device, in bytes; 0 when there is none. */
  readonly swap: number;
  readonly backing: Backing;
  readonly costs: CostModel;
}

/** Why there is no such machine, as a sentence; `range`: of the setting that asks for it, when the scenario does. */
export interface ConfigurationError {
  readonly error: string;
  readonly range?: SourceRange;
}

/** Why a VM's technique cannot be on a processor of this vendor: one that the platform names, or that another VM's needs. */
function unfitVendor(vms: readonly VmConfiguration[], vendor: Vendor, range: SourceRange | undefined): ConfigurationError | undefined {
  const technique = vms.find((vm) => vm.technique.vendor !== undefined && vm.technique.vendor !== vendor)?.technique;
  if (technique?.vendor === undefined) return undefined;
  const needs = `${technique.name} needs a processor with ${virtualization[technique.vendor]}`;
  if (range !== undefined) return { error: `${needs}, and the platform says vendor ${vendor}; write vendor ${technique.vendor} or run it under native` };
  const other = vms.find((vm) => vm.technique.vendor === vendor)?.technique.name ?? vendor;
  return { error: `${needs}, and ${other} one with ${virtualization[vendor]}; choose techniques that one processor has` };
}

/** Why VMs cannot be on one host: it has the machine, or is a guest itself. */
function unfitHost(vms: readonly VmConfiguration[]): ConfigurationError | undefined {
  const hosted = vms.map(({ technique }) => technique).filter((technique) => !technique.ownsMachine);
  const guest = hosted.find(({ below }) => below !== undefined);
  const other = hosted.find(({ below }) => below === undefined);
  if (guest === undefined || other === undefined) return undefined;
  return { error: `the host of ${guest.name} is a guest itself, and that of ${other.name} has the machine; run all VMs under ${guest.name}, or none` };
}

/** The sentence with its line before it, for a place that does not name the line by itself. */
export function refusalText({ error, range }: ConfigurationError): string {
  return range === undefined ? error : `line ${range.line + 1}: ${error}`;
}

/**
 * The machine for a run: the scenario's settings, over them those of `mmu`
 * (`TECHNIQUE[:key=value,…]`, as after `--mmu`), which are for every VM, under them the defaults. A sentence when a
 * technique does not exist or does not fit, or when no such machine can be.
 */
export function configure(program: Program, mmu: string | undefined): Configuration | ConfigurationError {
  const platform: Settings = new Map(program.platform.map((setting) => [setting.name, setting]));
  const vms: VmConfiguration[] = [];
  for (const vm of program.vms) {
    const configured = configureVm(program, vm, mmu);
    if ('error' in configured) return configured;
    vms.push(configured);
  }
  const hypervisor = vms.find(({ technique }) => !technique.ownsMachine)?.technique;
  const vendor = settingWord(platform, 'vendor', hypervisor?.vendor ?? 'intel') as Vendor;
  const misfit = unfitVendor(vms, vendor, platform.get('vendor')?.range);
  const unfitTogether = misfit ?? unfitHost(vms);
  if (unfitTogether !== undefined) return unfitTogether;
  // A nested guest has memory of the VM around it, and none of the host's.
  const onHost = vms.filter((_, number) => program.vms[number]!.parent < 0);
  const guestRam = onHost.reduce((sum, { slots }) => sum + ramBytes(slots), 0);
  const hostRam = hypervisor === undefined ? endOfMemory(vms.flatMap(({ slots }) => slots)) : settingNumber(platform, 'ram', 0, 4 * guestRam);
  if (hostRam < guestRam && hypervisor !== undefined) {
    const guests = onHost.length === 1 ? 'the guest has' : 'the guests together have';
    return { error: `${guests} more RAM (${guestRam} bytes) than the platform (${hostRam} bytes); give the platform more` };
  }
  const swap = hypervisor === undefined ? 0 : settingNumber(platform, 'swap', 0, 0);
  const backing = backings.get(platform.get('backing')?.values[0] ?? '') ?? '4K';
  const unfit = backing === 'direct' && hypervisor !== undefined ? directRefusal(platform, guestRam, hostRam) : undefined;
  if (unfit !== undefined) return unfit;
  const maxphyaddr = settingNumber(platform, 'maxphyaddr', 0, 46);
  const tlbEntries = settingNumber(platform, 'tlb', 0, 64);
  const tlbWays = settingNumber(platform, 'tlb', 2, 4);
  const tlbL2 = platform.has('tlb_l2')
    ? { entries: settingNumber(platform, 'tlb_l2', 0, 0), ways: settingNumber(platform, 'tlb_l2', 2, 0) } : undefined;
  const caches = [{ name: 'TLB', entries: tlbEntries, ways: tlbWays }, ...(tlbL2 === undefined ? [] : [{ name: 'TLB', ...tlbL2 }])];
  const refusal = machineRefusal({ vendor, maxphyaddr, ramBytes: hostRam + swap, caches });
  if (refusal !== undefined) {
    const range = (platform.get('ram') ?? program.machine.find(({ name }) => name === 'ram') ?? platform.get('maxphyaddr'))?.range;
    return { error: refusal, ...(range === undefined ? {} : { range }) };
  }
  const costs = costModelOf(platform.get('costs')?.values ?? []);
  if ('error' in costs) return { error: costs.error };
  return {
    vms,
    vendor,
    maxphyaddr,
    tlbEntries,
    tlbWays,
    tlbL2,
    tlbPageShifts: platform.get('tlb_pages')?.values.map((size) => Math.log2(Number(size))),
    walkCaches: settingWord(platform, 'walk_caches', 'off') as 'on' | 'off',
    tags: settingWord(platform, 'tags', 'on') as 'on' | 'off',
    rewalkOnPermissionFault: settingWord(platform, 'rewalk_on_permission_fault', vendor === 'amd' ? 'on' : 'off') as 'on' | 'off',
    hostRam,
    sabotage: settingWord(platform, 'sabotage', 'none') as Sabotage,
    swap,
    costs,
    backing,
  };
}

/** What the host keeps for itself and for the hypervisors' first tables, where the guests' RAM is taken from it at the start. */
const HOST_BYTES = 2 * 1024 * 1024;

/** Why slots cannot be host frames of their own. */
function directRefusal(platform: Settings, guestRam: number, hostRam: number): ConfigurationError | undefined {
  const swap = platform.get('swap');
  if (swap !== undefined) {
    return { error: 'a swap device serves nobody with backing direct, as the host cannot take back a frame that is a memory slot\'s own; leave out swap, or write backing 4K', range: swap.range };
  }
  if (guestRam + HOST_BYTES <= hostRam) return undefined;
  const range = (platform.get('ram') ?? platform.get('backing'))?.range;
  return {
    error: `with backing direct all of the guests' RAM (${guestRam} bytes) is taken at the start, and the host needs ${HOST_BYTES} bytes besides; `
      + `give the platform at least ${guestRam + HOST_BYTES} bytes of ram`,
    ...(range === undefined ? {} : { range }),
  };
}
