import type { StateClaims } from '../state/registry';

/** One field of the VMCB. `offset` in bytes, `width` in bits and meaning: APM Vol. 2, "Layout of VMCB". */
export interface VmcbField {
  readonly name: string;
  readonly offset: number;
  readonly width: 8 | 16 | 32 | 64;
}

const STATE_SAVE_AREA = 0x400;

/** The four fields of a segment register in the state-save area. */
function segment<const Name extends string>(name: Name, offset: number) {
  const at = STATE_SAVE_AREA + offset;
  return [
    { name: `guest_${name}_selector`, offset: at, width: 16 },
    { name: `guest_${name}_attributes`, offset: at + 2, width: 16 },
    { name: `guest_${name}_limit`, offset: at + 4, width: 32 },
    { name: `guest_${name}_base`, offset: at + 8, width: 64 },
  ] as const;
}

export const vmcbFields = [
  // Control area. Bit n of the words from intercept_cr on is the intercept whose EXITCODE is n.
  { name: 'intercept_cr', offset: 0x00, width: 32 },
  { name: 'intercept_dr', offset: 0x04, width: 32 },
  { name: 'intercept_exceptions', offset: 0x08, width: 32 },
  { name: 'intercept_misc1', offset: 0x0c, width: 32 },
  { name: 'intercept_misc2', offset: 0x10, width: 32 },
  { name: 'intercept_misc3', offset: 0x14, width: 32 },
  { name: 'iopm_base_pa', offset: 0x40, width: 64 },
  { name: 'msrpm_base_pa', offset: 0x48, width: 64 },
  { name: 'asid', offset: 0x58, width: 32 },
  { name: 'tlb_control', offset: 0x5c, width: 8 },
  { name: 'v_intr', offset: 0x60, width: 64 },
  { name: 'interrupt_shadow', offset: 0x68, width: 64 },
  { name: 'exitcode', offset: 0x70, width: 64 },
  { name: 'exitinfo1', offset: 0x78, width: 64 },
  { name: 'exitinfo2', offset: 0x80, width: 64 },
  { name: 'exitintinfo', offset: 0x88, width: 64 },
  { name: 'nested_control', offset: 0x90, width: 64 },
  { name: 'eventinj', offset: 0xa8, width: 64 },
  { name: 'n_cr3', offset: 0xb0, width: 64 },
  { name: 'vmcb_clean', offset: 0xc0, width: 32 },
  { name: 'nrip', offset: 0xc8, width: 64 },
  // State-save area, as far as VMRUN and #VMEXIT go: FS, GS, LDTR, TR and MSRs are VMLOAD's and VMSAVE's.
  ...segment('es', 0x00), ...segment('cs', 0x10), ...segment('ss', 0x20), ...segment('ds', 0x30),
  ...segment('gdtr', 0x60), ...segment('idtr', 0x80),
  { name: 'guest_cpl', offset: STATE_SAVE_AREA + 0xcb, width: 8 },
  { name: 'guest_efer', offset: STATE_SAVE_AREA + 0xd0, width: 64 },
  { name: 'guest_cr4', offset: STATE_SAVE_AREA + 0x148, width: 64 },
  { name: 'guest_cr3', offset: STATE_SAVE_AREA + 0x150, width: 64 },
  { name: 'guest_cr0', offset: STATE_SAVE_AREA + 0x158, width: 64 },
  { name: 'guest_rflags', offset: STATE_SAVE_AREA + 0x170, width: 64 },
  { name: 'guest_rip', offset: STATE_SAVE_AREA + 0x178, width: 64 },
  { name: 'guest_rsp', offset: STATE_SAVE_AREA + 0x1d8, width: 64 },
  { name: 'guest_rax', offset: STATE_SAVE_AREA + 0x1f8, width: 64 },
  { name: 'guest_cr2', offset: STATE_SAVE_AREA + 0x240, width: 64 },
  { name: 'guest_g_pat', offset: STATE_SAVE_AREA + 0x268, width: 64 },
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
export function claimVmcb(registry: StateClaims, cpu: number): Int32Array {
  return registry.block(`cpu${cpu}.vmcb`, 2 * names.length);
}

/** Bits of `interrupt_shadow`. APM Vol. 2, "Interrupt Shadows". */
export const INTERRUPT_SHADOW = 1 << 0;

/** Bits of `nested_control`. */
export const NESTED_CONTROL = { enable: 1 << 0 } as const;

/** Values of `tlb_control`. APM Vol. 2, "TLB Flush". */
export const TLB_CONTROL = { nothing: 0, everything: 1, guest: 3, guestNonGlobal: 7 } as const;

/** Fields of `v_intr`: bits of the low half, and of the high half the vector. APM Vol. 2, "Virtual Interrupts". */
export const V_INTR = {
  tprMask: 0xf,
  irq: 1 << 8,
  priorityShift: 16,
  priorityMask: 15,
  ignoreTpr: 1 << 20,
  masking: 1 << 24,
  vectorMaskHi: 0xff,
} as const;

/** Low half of EVENTINJ and EXITINTINFO; the high half is the error code. APM Vol. 2, "Event Injection". */
export const EVENT = {
  vectorMask: 0xff,
  typeShift: 8,
  typeMask: 7,
  errorCodeValid: 1 << 11,
  valid: 1 << 31,
} as const;

/** Types of an injected event. */
export const EVENT_TYPE = { interrupt: 0, nmi: 2, exception: 3, softwareInterrupt: 4 } as const;
