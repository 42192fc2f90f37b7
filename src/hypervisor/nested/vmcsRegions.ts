/**
 * Where a loader puts the VMX regions of a guest hypervisor: below 1 MByte, whose frames are the loader's, and behind what event
 * delivery has there.
 */
export const VMXON_FRAME = 0x92;
const FIRST_VMCS_FRAME = 0x93;
const END_FRAME = 0xa0;

/** So many CPUs may the nested guests of a VM have together. */
export const MOST_NESTED_CPUS = END_FRAME - FIRST_VMCS_FRAME;

/** Guest frame with the VMCS of the nested CPU that is number `index` among those of the VM's nested guests. */
export function vmcsFrame(index: number): number {
  return FIRST_VMCS_FRAME + index;
}
