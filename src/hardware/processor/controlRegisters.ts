/** One named bit of a register, for bit names in scenarios, decoding and messages. */
export interface RegisterBit {
  readonly name: string;
  readonly bit: number;
  readonly meaning: string;
}

/** SDM Vol. 3, "Control Registers". Masks of the low half, by the manual's names. */
export const CR0 = {
  PE: 1 << 0, MP: 1 << 1, EM: 1 << 2, TS: 1 << 3, ET: 1 << 4, NE: 1 << 5,
  WP: 1 << 16, AM: 1 << 18, NW: 1 << 29, CD: 1 << 30, PG: 1 << 31,
} as const;
export const CR4 = {
  VME: 1 << 0, PVI: 1 << 1, TSD: 1 << 2, DE: 1 << 3, PSE: 1 << 4, PAE: 1 << 5, MCE: 1 << 6, PGE: 1 << 7,
  PCE: 1 << 8, OSFXSR: 1 << 9, OSXMMEXCPT: 1 << 10, UMIP: 1 << 11, LA57: 1 << 12, VMXE: 1 << 13, SMXE: 1 << 14,
  FSGSBASE: 1 << 16, PCIDE: 1 << 17, OSXSAVE: 1 << 18, SMEP: 1 << 20, SMAP: 1 << 21, PKE: 1 << 22,
  PKS: 1 << 24,
} as const;
/** SDM Vol. 3, "Extended Feature Enable Register". */
export const EFER = { SCE: 1 << 0, LME: 1 << 8, LMA: 1 << 10, NXE: 1 << 11, SVME: 1 << 12 } as const;
export const RFLAGS = {
  CF: 1 << 0, fixed: 1 << 1, ZF: 1 << 6, TF: 1 << 8, IF: 1 << 9, NT: 1 << 14, RF: 1 << 16, VM: 1 << 17, AC: 1 << 18, VIF: 1 << 19, VIP: 1 << 20,
  /** I/O privilege level: two bits. */
  iopl: 3 << 12, ioplShift: 12,
  /** What arithmetic sets, and ID: any program may change them. */
  arithmetic: 1 << 0 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 21,
} as const;

const rows = (masks: Readonly<Record<string, number>>, meanings: Readonly<Record<string, string>>): readonly RegisterBit[] =>
  Object.entries(masks).map(([name, mask]) => ({ name, bit: 31 - Math.clz32(mask), meaning: meanings[name] ?? '' }));

/** Bits of each register that has named ones, by the register's name. */
export const registerBits: Readonly<Record<string, readonly RegisterBit[]>> = {
  cr0: rows(CR0, {
    PE: 'protected mode', WP: 'supervisor writes honour read-only pages', PG: 'paging', CD: 'caches disabled',
    NW: 'not write-through', AM: 'alignment mask', NE: 'native x87 errors', ET: 'always 1', TS: 'task switched',
    EM: 'x87 emulation', MP: 'monitor coprocessor',
  }),
  cr4: rows(CR4, {
    PSE: '4-MByte pages in 32-bit paging', PAE: '8-byte entries', PGE: 'global pages', LA57: '5-level paging',
    PCIDE: 'process-context identifiers', SMEP: 'no supervisor fetch from user pages',
    SMAP: 'no supervisor data access to user pages unless RFLAGS.AC', PKE: 'protection keys for user pages',
    PKS: 'protection keys for supervisor pages',
    VMXE: 'VMX',
  }),
  efer: rows(EFER, { SCE: 'SYSCALL', LME: 'long mode enable', LMA: 'long mode active', NXE: 'XD bits are honoured', SVME: 'SVM' }),
  rflags: rows({ CF: RFLAGS.CF, ZF: RFLAGS.ZF, IF: RFLAGS.IF, AC: RFLAGS.AC }, {
    CF: 'carry; after a VMX instruction VMfailInvalid', ZF: 'zero; after a VMX instruction VMfailValid',
    IF: 'interrupts enabled', AC: 'SMAP is overridden',
  }),
};
/** Bits of CR0 and CR4 that this processor knows; a MOV that sets another one is #GP(0). */
export const CR0_KNOWN = Object.values(CR0).reduce((all, bit) => all | bit, 0);
export const CR4_KNOWN = Object.values(CR4).reduce((all, bit) => all | bit, 0);
export const EFER_KNOWN = Object.values(EFER).reduce((all, bit) => all | bit, 0);
