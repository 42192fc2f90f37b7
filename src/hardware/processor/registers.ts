/** Registers by number, spelled as in the manual. Parts (`eax`, `al`) are masks the compiler makes. */
export const registerNames = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
  'rflags', 'cr0', 'cr2', 'cr3', 'cr4', 'efer', 'pkru',
] as const;
export type RegisterName = (typeof registerNames)[number];

/** Number of each register; its 64-bit value is words `2n` (low half) and `2n + 1` of the block. */
export const REGISTER = {
  rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7,
  r8: 8, r9: 9, r10: 10, r11: 11, r12: 12, r13: 13, r14: 14, r15: 15,
  rflags: 16, cr0: 17, cr2: 18, cr3: 19, cr4: 20, efer: 21, pkru: 22,
  /** Current privilege level; no register of the manual's, so `registerNames` does not list it. */
  cpl: 23,
  /** 1 in VMX non-root operation, in a guest of SVM, and in one that a hypervisor without either runs at CPL 3. */
  nonRoot: 24,
  /** The PDPTE registers of PAE paging, which no instruction names. */
  pdpte0: 25, pdpte1: 26, pdpte2: 27, pdpte3: 28,
  /** IA32_PKRS, which WRMSR writes. */
  pkrs: 29,
  /** Instruction pointer: that of the instruction under way, which a fault goes back to. */
  rip: 30,
  /** `ACTIVITY`. */
  activity: 31,
  /** `INTERRUPTIBILITY`. */
  interruptibility: 32,
} as const satisfies Record<
  RegisterName | 'cpl' | 'nonRoot' | `pdpte${0 | 1 | 2 | 3}` | 'pkrs' | 'rip' | 'activity' | 'interruptibility', number
>;

export const REGISTER_WORDS = 2 * 33;

/** The number in the name of a control register, by number of the register. */
export const CONTROL_REGISTER_NUMBERS: ReadonlyMap<number, number> = new Map([
  [REGISTER.cr0, 0], [REGISTER.cr2, 2], [REGISTER.cr3, 3], [REGISTER.cr4, 4],
]);

/** Activity states, numbered as a VMCS has them. SDM Vol. 3, "Guest Non-Register State". */
export const ACTIVITY = { active: 0, hlt: 1, shutdown: 2, waitForSipi: 3 } as const;

/** Bits of the interruptibility state. SDM Vol. 3, "Guest Non-Register State". */
export const INTERRUPTIBILITY = { blockingBySti: 1 << 0, blockingByMovSs: 1 << 1, blockingByNmi: 1 << 3 } as const;
