/** One field of an exit qualification, for encoding, decoding and print. */
export interface QualificationField {
  readonly name: string;
  readonly bits: readonly [high: number, low: number];
  /** By value; a value without text prints as a number. */
  readonly values?: readonly string[];
}

/** SDM Vol. 3, "Exit Qualification for Control-Register Accesses". */
export const crAccessQualification = [
  { name: 'control register', bits: [3, 0], values: ['CR0', '', '', 'CR3', 'CR4', '', '', '', 'CR8'] },
  { name: 'access type', bits: [5, 4], values: ['MOV to CR', 'MOV from CR', 'CLTS', 'LMSW'] },
  { name: 'general-purpose register', bits: [11, 8], values: ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'] },
] as const satisfies readonly QualificationField[];

export const CR_ACCESS = { movTo: 0, movFrom: 1 } as const;

/**
 * Qualification of a MOV to or from a control register. A scenario's `cr3 = E` names no general-purpose
 * register: the field reads 0 (RAX), and root mode finds the operand in `Processor.pending`.
 */
export function encodeCrAccess(controlRegister: number, type: number): number {
  return controlRegister | (type << 4);
}

/** Bits of an EPT violation's qualification. SDM Vol. 3, "Exit Qualification for EPT Violations". */
export const EPT_QUALIFICATION = {
  read: 1 << 0,
  write: 1 << 1,
  fetch: 1 << 2,
  /** Rights of the translation: the logical AND over the entries used, 0 when one was not present. */
  rightsShift: 3,
  linearAddressValid: 1 << 7,
  /** 1: access to the translation of the linear address; 0: to a paging-structure entry. */
  translationResult: 1 << 8,
} as const;

/** High half of EXITINFO1 of a nested page fault: bits 33:32. APM Vol. 2, "Nested versus Guest Page Faults, Fault Ordering". */
export const NPF_INFO_HI = { finalAddress: 1 << 0, guestTable: 1 << 1 } as const;

export const eptViolationQualification = [
  { name: 'data read', bits: [0, 0] },
  { name: 'data write', bits: [1, 1] },
  { name: 'instruction fetch', bits: [2, 2] },
  { name: 'readable', bits: [3, 3] },
  { name: 'writable', bits: [4, 4] },
  { name: 'executable', bits: [5, 5] },
  { name: 'guest-linear address valid', bits: [7, 7] },
  { name: 'translation result', bits: [8, 8] },
] as const satisfies readonly QualificationField[];

/** Fields of a qualification by name; `lo` is its low half. */
export function decodeQualification(fields: readonly QualificationField[], lo: number): ReadonlyMap<string, number> {
  const decoded = new Map<string, number>();
  for (const { name, bits: [high, low] } of fields) {
    decoded.set(name, (lo >>> low) & ((1 << (high - low + 1)) - 1));
  }
  return decoded;
}

/** `data write, guest-linear address valid`: the set flags and the named values, for a person. */
export function describeQualification(fields: readonly QualificationField[], lo: number): string {
  const parts: string[] = [];
  for (const field of fields) {
    const [high, low] = field.bits;
    const value = (lo >>> low) & ((1 << (high - low + 1)) - 1);
    if (high === low) {
      if (value !== 0) parts.push(field.name);
    } else {
      parts.push(field.values?.[value] ?? `${field.name} ${value}`);
    }
  }
  return parts.join(', ');
}
