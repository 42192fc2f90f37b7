import { CR0 } from './controlRegisters';
import { type ControlState, controlStateRules, type Halves } from './controlStateRules';
import { type ProcessorFeatureName, type ProcessorFeatures, featuresWith, processorFeatures } from './processorFeatures';
import { brokenEptPointerRule } from '../vmx/eptPointerRules';

/** Entries and ways of a cache of translations. */
export interface CacheShape {
  /** For the sentence: `TLB`. */
  readonly name: string;
  readonly entries: number;
  readonly ways: number;
}

/** A machine as it is asked for; what is left out is not judged. */
export interface MachineDescription {
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  /** Host-physical memory, from address 0. */
  readonly ramBytes?: number;
  readonly caches?: readonly CacheShape[];
  /** Features that differ from the table's defaults. */
  readonly features?: Partial<ProcessorFeatures>;
  /** Control registers of the processor, or of the guest that it begins in. */
  readonly registers?: ControlState;
  readonly eptp?: Halves;
  /** The host that VMRUN keeps, whose paging nested tables are read by. */
  readonly nestedHost?: ControlState;
}

/** Something that manuals forbid of a machine before its first instruction. */
export interface MachineRule {
  /** What holds of every machine. */
  readonly name: string;
  readonly source: string;
  /** What of this machine breaks the rule, as the subject of a sentence, or undefined. */
  readonly breach: (machine: MachineDescription) => string | undefined;
}

/** Section of the rule that a host of SVM cannot break: EFER.SVME is for it. */
const ENABLING_SVM = 'Enabling SVM';

export const MAXPHYADDR = { least: 36, most: 52 } as const;

const SIZES = ['bytes', 'KBytes', 'MBytes', 'GBytes', 'TBytes', 'PBytes'] as const;

/** `64 GBytes`: the largest unit that divides it. */
function sizeText(bytes: number): string {
  let unit = 0;
  for (let size = bytes; size >= 1024 && size % 1024 === 0 && unit < SIZES.length - 1; size /= 1024) unit++;
  return `${bytes / 1024 ** unit} ${SIZES[unit]}`;
}

const shapeText = ({ name, entries, ways }: CacheShape): string => `a ${name} of ${entries} entries and ${ways} ways`;
const isWhole = (number: number): boolean => Number.isInteger(number) && number >= 1;

/** The first cache that is off. Later rules do not speak of a cache that an earlier one refuses. */
function cacheThat({ caches }: MachineDescription, isOff: (cache: CacheShape) => boolean): string | undefined {
  const found = caches?.find(isOff);
  return found === undefined ? undefined : shapeText(found);
}

/** Features that mean nothing without another one. SDM Vol. 3, "VM-Execution Control Fields", "Reporting VMX Capabilities". */
const featureNeeds: readonly (readonly [ProcessorFeatureName, ProcessorFeatureName])[] = [
  ['eptExecuteOnly', 'ept'], ['ept5Level', 'ept'], ['ept2Mb', 'ept'], ['ept1Gb', 'ept'], ['eptAccessedDirty', 'ept'],
  ['eptAdvancedExitInformation', 'ept'], ['eptModeBasedExecute', 'ept'], ['eptViolationVe', 'ept'],
  ['unrestrictedGuest', 'ept'], ['pageModificationLogging', 'ept'], ['vmFunctions', 'ept'],
  ['pageModificationLogging', 'eptAccessedDirty'],
];

function featureOfOtherVendor({ vendor, features }: MachineDescription): string | undefined {
  const names = Object.keys(features ?? {}) as ProcessorFeatureName[];
  const found = names.find((name) => features?.[name] === 'on' && !['both', vendor].includes(processorFeatures[name].vendor));
  return found === undefined ? undefined : `${found} on a processor of ${vendor}`;
}

function featureWithoutItsGround({ vendor, features }: MachineDescription): string | undefined {
  if (vendor !== 'intel') return undefined;
  const all = featuresWith(features);
  const found = featureNeeds.find(([name, ground]) => all[name] === 'on' && all[ground] === 'off');
  return found === undefined ? undefined : `${found[0]} without ${found[1]}`;
}

/** Rules of processor, memory and caches. A later one may lean on an earlier. */
export const machineRules: readonly MachineRule[] = [
  {
    name: `MAXPHYADDR is ${MAXPHYADDR.least} to ${MAXPHYADDR.most}`,
    source: 'SDM Vol. 3, "Enumeration of Paging Features by CPUID"',
    breach: ({ maxphyaddr }) => (
      Number.isInteger(maxphyaddr) && maxphyaddr >= MAXPHYADDR.least && maxphyaddr <= MAXPHYADDR.most
        ? undefined : `a MAXPHYADDR of ${maxphyaddr}`
    ),
  },
  {
    name: 'memory lies below 2 to the MAXPHYADDR',
    source: 'SDM Vol. 3, "Physical Address Space"',
    breach: ({ ramBytes, maxphyaddr }) => (
      ramBytes !== undefined && ramBytes > 2 ** maxphyaddr ? `RAM of ${sizeText(ramBytes)} with a MAXPHYADDR of ${maxphyaddr}` : undefined
    ),
  },
  {
    name: 'a cache of translations has at least one entry and at least one way',
    source: 'SDM Vol. 2, "CPUID—CPU Identification", deterministic address translation parameters',
    breach: (machine) => cacheThat(machine, ({ entries, ways }) => !isWhole(entries) || !isWhole(ways)),
  },
  {
    name: 'entries are ways times sets',
    source: 'SDM Vol. 2, "CPUID—CPU Identification", deterministic address translation parameters',
    breach: (machine) => cacheThat(machine, ({ entries, ways }) => entries % ways !== 0),
  },
  {
    name: 'the number of sets is a power of two, since bits of the address select one',
    source: 'SDM Vol. 2, "CPUID—CPU Identification", deterministic address translation parameters',
    breach: (machine) => cacheThat(machine, ({ entries, ways }) => !Number.isInteger(Math.log2(entries / ways))),
  },
  {
    name: 'a processor has features of its own vendor', source: 'SDM Vol. 2, and APM Vol. 3, the CPUID leaf of the feature',
    breach: featureOfOtherVendor,
  },
  {
    name: 'a feature comes with the one that it is a part of', source: 'SDM Vol. 3, "VM-Execution Control Fields", "Reporting VMX Capabilities"',
    breach: featureWithoutItsGround,
  },
];

/** Rules of the registers that a machine begins with, those of a host behind nested paging, and of EPTP. */
export const stateRules: readonly MachineRule[] = [
  ...controlStateRules.map(({ name, section, broken }): MachineRule => ({
    name, source: section === ENABLING_SVM ? `APM Vol. 2, "${section}"` : `SDM Vol. 3, "${section}"`,
    breach: (machine) => (machine.registers !== undefined && broken(machine.registers, machine) ? registersText(machine.registers) : undefined),
  })),
  {
    name: 'nested paging needs a host with paging', source: 'APM Vol. 2, "Enabling Nested Paging"',
    breach: ({ nestedHost }) => (nestedHost !== undefined && (nestedHost.cr0[0] & CR0.PG) === 0 ? `a host with ${registersText(nestedHost)}` : undefined),
  },
  ...controlStateRules.filter(({ section }) => section !== ENABLING_SVM).map(({ name, section, broken }): MachineRule => ({
    name: `of the host behind nested paging, ${name}`, source: `APM Vol. 2, "Enabling Nested Paging"; SDM Vol. 3, "${section}"`,
    breach: (machine) => (machine.nestedHost !== undefined && broken(machine.nestedHost, machine) ? registersText(machine.nestedHost) : undefined),
  })),
];

function registersText({ cr0, cr3, cr4, efer }: ControlState): string {
  return `CR0 ${hex(cr0)}, CR3 ${hex(cr3)}, CR4 ${hex(cr4)} and EFER ${hex(efer)}`;
}

function hex([lo, hi]: Halves): string {
  return `0x${hi === 0 ? '' : (hi >>> 0).toString(16)}${(lo >>> 0).toString(16).padStart(hi === 0 ? 1 : 8, '0')}`;
}

/** Why there is no such machine: one clause that names the rule and where it stands; undefined when there is one. */
export function machineRefusal(machine: MachineDescription): string | undefined {
  for (const { name, source, breach } of [...machineRules, ...stateRules]) {
    const found = breach(machine);
    if (found !== undefined) return `${found} is impossible: ${name} (${source})`;
  }
  return eptPointerRefusal(machine);
}

function eptPointerRefusal({ eptp, maxphyaddr, features }: MachineDescription): string | undefined {
  if (eptp === undefined) return undefined;
  const rule = brokenEptPointerRule(eptp[0], eptp[1], { maxphyaddr, features: featuresWith(features) });
  return rule === undefined ? undefined : `an EPTP of ${hex(eptp)} is impossible: ${rule} (SDM Vol. 3, "Extended-Page-Table Pointer (EPTP)")`;
}
