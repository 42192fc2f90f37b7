import type { ProcessorFeatureName, ProcessorFeatures } from '../../hardware/processor/processorFeatures';

/** What of VMX L0 emulates for nobody: a VMCS of L1's that asks for it fails the checks of its VM entry. */
const hidden: readonly ProcessorFeatureName[] = [
  'ept5Level', 'eptModeBasedExecute', 'eptViolationVe', 'vmFunctions',
];

/** The processor as a guest hypervisor finds it. */
export function featuresOfL1(features: ProcessorFeatures): ProcessorFeatures {
  return { ...features, ...Object.fromEntries(hidden.map((name) => [name, 'off'])) };
}
