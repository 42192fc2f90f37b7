/**
 * What an access is, as one small integer, so that it indexes tables: bits 1:0 the kind, bit 2 a
 * user-mode access, bit 3 an implicit supervisor access (to descriptor tables and the like, made
 * at any CPL). SDM Vol. 3, "Determination of Access Rights".
 */
export const ACCESS = {
  read: 0,
  write: 1,
  fetch: 2,
  /** Nested only: an access to a guest paging structure while EPT accessed and dirty flags are on. */
  readWrite: 3,
  /** User-mode access: CPL 3 and not implicit. */
  user: 4,
  /** Implicit supervisor access. */
  implicit: 8,
} as const;

export const ACCESS_KIND_MASK = 3;
/** Set in the kinds that write. */
export const ACCESS_WRITES = 1;
/** Number of different access integers. */
export const ACCESSES = 16;

/** For print, by access integer. */
export const accessNames = [
  'supervisor read', 'supervisor write', 'supervisor fetch', 'table update',
  'user read', 'user write', 'user fetch', 'table update',
  'implicit supervisor read', 'implicit supervisor write', 'implicit supervisor fetch', 'table update',
] as const;

/** What the processor is asked to do; an emulator in root mode finds it in `Processor.pending`. */
export const OPERATION = {
  load: 0, store: 1, readModifyWrite: 2, fetch: 3, writeRegister: 4, readRegister: 5, invlpg: 6, alignmentCheck: 7,
  vmfunc: 8, invpcid: 9, softwareInterrupt: 10, interruptReturn: 11, interruptFlag: 12,
  cpuid: 13, hlt: 14, vmcall: 15, input: 16, output: 17, rdmsr: 18, wrmsr: 19, loadSegment: 20, segmentViolation: 21,
  invlpga: 22, vmrun: 23, vmx: 24, sgdt: 25, sidt: 26, sldt: 27, str: 28, smsw: 29,
} as const;
export const operationNames = [
  'load', 'store', 'read-modify-write', 'fetch', 'register write', 'register read', 'INVLPG', 'STAC or CLAC',
  'VMFUNC', 'INVPCID', 'software interrupt', 'IRET', 'STI or CLI',
  'CPUID', 'HLT', 'VMCALL', 'IN', 'OUT', 'RDMSR', 'WRMSR', 'segment load', 'reference through a segment',
  'INVLPGA', 'VMRUN', 'VMX instruction', 'SGDT', 'SIDT', 'SLDT', 'STR', 'SMSW',
] as const;
