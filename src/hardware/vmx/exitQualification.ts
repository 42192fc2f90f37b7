/** One field of an exit qualification, for encoding, decoding and print. */
export interface QualificationField {
  /** For code; left out where the name will do. */
  readonly key?: string;
  readonly name: string;
  readonly bits: readonly [high: number, low: number];
  /** By value; a value without text prints as a number. */
  readonly values?: readonly string[];
}

/** Lowest bit of each field that has a key, by key: where an encoder puts its value. */
export function fieldShifts<const Key extends string>(fields: readonly (QualificationField & { readonly key?: Key })[]): Record<Key, number> {
  return Object.fromEntries(fields.flatMap(({ key, bits }) => (key === undefined ? [] : [[key, bits[1]]]))) as Record<Key, number>;
}

/** SDM Vol. 3, "Exit Qualification for Control-Register Accesses". */
export const crAccessQualification = [
  { key: 'register', name: 'control register', bits: [3, 0], values: ['CR0', '', '', 'CR3', 'CR4', '', '', '', 'CR8'] },
  { key: 'type', name: 'access type', bits: [5, 4], values: ['MOV to CR', 'MOV from CR', 'CLTS', 'LMSW'] },
  { name: 'general-purpose register', bits: [11, 8], values: ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'] },
] as const satisfies readonly QualificationField[];

const CR = fieldShifts(crAccessQualification);

/** Values of the access type. */
export const CR_ACCESS = { movTo: 0, movFrom: 1 } as const;

/**
 * Qualification of a MOV to or from a control register. A scenario's `cr3 = E` names no general-purpose
 * register: the field reads 0 (RAX), and root mode finds the operand in `Processor.pending`.
 */
export function encodeCrAccess(controlRegister: number, type: number): number {
  return (controlRegister << CR.register) | (type << CR.type);
}

/** SDM Vol. 3, "Exit Qualification for Task Switches": above the selector, a `TASK_SWITCH`. */
export const TASK_SWITCH_SOURCE_SHIFT = 30;

/**
 * SDM Vol. 3, "Exit Qualification for EPT Violations". Bits 5:3 and 6 are the logical AND over the entries used, and 0
 * when one was not present; bit 6 only with mode-based execute control, bits 11:9 only with advanced information.
 */
export const eptViolationFields = [
  { key: 'read', name: 'data read', bits: [0, 0] },
  { key: 'write', name: 'data write', bits: [1, 1] },
  { key: 'fetch', name: 'instruction fetch', bits: [2, 2] },
  { key: 'readable', name: 'readable', bits: [3, 3] },
  { key: 'writable', name: 'writable', bits: [4, 4] },
  { key: 'executable', name: 'executable', bits: [5, 5] },
  { key: 'userExecutable', name: 'executable by user-mode addresses', bits: [6, 6] },
  { key: 'linearAddressValid', name: 'guest-linear address valid', bits: [7, 7] },
  /** 1: access to the translation of the linear address; 0: to a paging-structure entry. */
  { key: 'translationResult', name: 'translation result', bits: [8, 8] },
  { key: 'userAddress', name: 'user-mode linear address', bits: [9, 9] },
  { key: 'writablePage', name: 'read/write page', bits: [10, 10] },
  { key: 'executeDisablePage', name: 'execute-disable page', bits: [11, 11] },
  { key: 'nmiUnblocking', name: 'NMI unblocking due to IRET', bits: [12, 12] },
] as const satisfies readonly QualificationField[];

/** SDM Vol. 3, "Exit Qualification for Page-Modification Log-Full Events". */
export const modificationLogFullFields = [
  { key: 'nmiUnblocking', name: 'NMI unblocking due to IRET', bits: [12, 12] },
] as const satisfies readonly QualificationField[];

type EptViolationKey = (typeof eptViolationFields)[number]['key'];

/** Bit of each field of an EPT violation's qualification, by key. */
export const EPT_QUALIFICATION = Object.fromEntries(
  eptViolationFields.map(({ key, bits }) => [key, 1 << bits[1]]),
) as Record<EptViolationKey, number>;

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

/** SDM Vol. 3, "Exit Qualification for I/O Instructions". */
export const ioQualification = [
  { key: 'sizeLess1', name: 'size less 1', bits: [2, 0], values: ['1 byte', '2 bytes', '', '4 bytes'] },
  { key: 'in', name: 'IN', bits: [3, 3] },
  { name: 'string instruction', bits: [4, 4] },
  { name: 'REP prefixed', bits: [5, 5] },
  { name: 'immediate operand', bits: [6, 6] },
  { key: 'port', name: 'port', bits: [31, 16] },
] as const satisfies readonly QualificationField[];

const IO = fieldShifts(ioQualification);

/** Qualification of IN or OUT of `size` bytes with the port in DX. */
export function encodeIoAccess(port: number, size: number, direction: 'in' | 'out'): number {
  return ((size - 1) << IO.sizeLess1) | (direction === 'in' ? 1 << IO.in : 0) | (port << IO.port);
}
