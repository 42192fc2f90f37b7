import type { Registry } from '../state/registry';

/** One field of the VMCB. `offset` and meaning: APM Vol. 2, "Layout of VMCB". */
export interface VmcbField {
  readonly name: string;
  readonly offset: number;
}

const STATE_SAVE_AREA = 0x400;

export const vmcbFields = [
  { name: 'asid', offset: 0x58 },
  { name: 'exitcode', offset: 0x70 },
  { name: 'exitinfo1', offset: 0x78 },
  { name: 'exitinfo2', offset: 0x80 },
  { name: 'nested_control', offset: 0x90 },
  { name: 'n_cr3', offset: 0xb0 },
  { name: 'guest_cpl', offset: STATE_SAVE_AREA + 0xcb },
  { name: 'guest_efer', offset: STATE_SAVE_AREA + 0xd0 },
  { name: 'guest_cr4', offset: STATE_SAVE_AREA + 0x148 },
  { name: 'guest_cr3', offset: STATE_SAVE_AREA + 0x150 },
  { name: 'guest_cr0', offset: STATE_SAVE_AREA + 0x158 },
  { name: 'guest_rflags', offset: STATE_SAVE_AREA + 0x170 },
  { name: 'guest_cr2', offset: STATE_SAVE_AREA + 0x240 },
] as const satisfies readonly VmcbField[];

/**
 * The host's registers that VMRUN keeps and that its nested tables are read by: in the host state-save area, whose
 * layout no manual gives.
 */
const hostFields = ['host_cr0', 'host_cr4', 'host_efer'] as const;

export type VmcbFieldName = (typeof vmcbFields)[number]['name'] | (typeof hostFields)[number];

const names: readonly VmcbFieldName[] = [...vmcbFields.map((row) => row.name), ...hostFields];

/** Word index of each field's low half; the high half is the next word. */
export const VMCB = Object.fromEntries(names.map((name, index) => [name, 2 * index])) as Record<VmcbFieldName, number>;

/** Claims the VMCB, and the host's part beside it, of one virtual processor. */
export function claimVmcb(registry: Registry, cpu: number): Int32Array {
  return registry.block(`cpu${cpu}.vmcb`, 2 * names.length);
}

/** Bits of `nested_control`. */
export const NESTED_CONTROL = { enable: 1 << 0 } as const;

/** EXITCODE of #VMEXIT. APM Vol. 2, "SVM Intercept Exit Codes". */
export const SVM_EXIT = { npf: 0x400 } as const;
