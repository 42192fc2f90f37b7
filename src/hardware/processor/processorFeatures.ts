/** One thing that processors have or lack. */
export interface ProcessorFeature {
  readonly vendor: 'intel' | 'amd' | 'both';
  /** Where software finds out. */
  readonly reportedBy: string;
  /** Has the simulated processor it unless told otherwise? */
  readonly byDefault: 'on' | 'off';
}

/** Optional features that change a translation, a fault or an exit. */
export const processorFeatures = {
  pse36: { vendor: 'both', reportedBy: 'CPUID.01H:EDX[17]', byDefault: 'on' },
  pcid: { vendor: 'both', reportedBy: 'CPUID.01H:ECX[17]', byDefault: 'on' },
  invpcid: { vendor: 'both', reportedBy: 'CPUID.07H:EBX[10]', byDefault: 'on' },
  smep: { vendor: 'both', reportedBy: 'CPUID.07H:EBX[7]', byDefault: 'on' },
  smap: { vendor: 'both', reportedBy: 'CPUID.07H:EBX[20]', byDefault: 'on' },
  pku: { vendor: 'both', reportedBy: 'CPUID.07H:ECX[3]', byDefault: 'on' },
  pks: { vendor: 'intel', reportedBy: 'CPUID.07H:ECX[31]', byDefault: 'on' },
  la57: { vendor: 'both', reportedBy: 'CPUID.07H:ECX[16]', byDefault: 'on' },
  page1Gb: { vendor: 'both', reportedBy: 'CPUID.80000001H:EDX[26]', byDefault: 'on' },
  eptExecuteOnly: { vendor: 'intel', reportedBy: 'IA32_VMX_EPT_VPID_CAP[0]', byDefault: 'on' },
  ept5Level: { vendor: 'intel', reportedBy: 'IA32_VMX_EPT_VPID_CAP[7]', byDefault: 'on' },
  ept2Mb: { vendor: 'intel', reportedBy: 'IA32_VMX_EPT_VPID_CAP[16]', byDefault: 'on' },
  ept1Gb: { vendor: 'intel', reportedBy: 'IA32_VMX_EPT_VPID_CAP[17]', byDefault: 'on' },
  eptAccessedDirty: { vendor: 'intel', reportedBy: 'IA32_VMX_EPT_VPID_CAP[21]', byDefault: 'on' },
  eptAdvancedExitInformation: { vendor: 'intel', reportedBy: 'IA32_VMX_EPT_VPID_CAP[22]', byDefault: 'off' },
  eptModeBasedExecute: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[54]', byDefault: 'on' },
  eptViolationVe: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[50]', byDefault: 'on' },
  pageModificationLogging: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[49]', byDefault: 'on' },
  ept: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[33]', byDefault: 'on' },
  vpid: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[37]', byDefault: 'on' },
  unrestrictedGuest: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[39]', byDefault: 'on' },
  vmFunctions: { vendor: 'intel', reportedBy: 'IA32_VMX_PROCBASED_CTLS2[45]', byDefault: 'on' },
} as const satisfies Record<string, ProcessorFeature>;

export type ProcessorFeatureName = keyof typeof processorFeatures;

/** What a processor has. */
export type ProcessorFeatures = Readonly<Record<ProcessorFeatureName, 'on' | 'off'>>;

/** The features of a processor that differs from the table's defaults in `changes` only. */
export function featuresWith(changes: Partial<ProcessorFeatures> = {}): ProcessorFeatures {
  const defaults = Object.entries(processorFeatures).map(([name, feature]) => [name, feature.byDefault]);
  return { ...(Object.fromEntries(defaults) as ProcessorFeatures), ...changes };
}
