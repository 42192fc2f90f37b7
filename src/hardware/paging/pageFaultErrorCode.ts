import { ACCESS, ACCESS_KIND_MASK, ACCESS_WRITES } from './accessKinds';

/** Bits of the page-fault error code. SDM Vol. 3, "Page-Fault Exceptions". */
export const PFEC = {
  /** 0: an entry was not present; 1: rights or a reserved bit. */
  P: 1 << 0,
  /** Write. */
  W: 1 << 1,
  /** User-mode access. */
  U: 1 << 2,
  /** A reserved bit was set. */
  RSVD: 1 << 3,
  /** Instruction fetch; reported only where the processor can refuse fetches. */
  ID: 1 << 4,
  /** Protection key. */
  PK: 1 << 5,
} as const;

/** Names as `expect page_fault(…)` and messages spell them, by bit. */
export const pageFaultErrorCodeNames = ['present', 'write', 'user', 'reserved', 'fetch', 'key'] as const;

/**
 * Error code of a page fault. `cause`: the bits that say why (P, RSVD, PK); `reportsFetch`: PFEC.ID
 * when EFER.NXE or CR4.SMEP is 1, else 0 (a fetch is then not told from a read).
 */
export function pageFaultErrorCode(access: number, cause: number, reportsFetch: number): number {
  const kind = access & ACCESS_KIND_MASK;
  let code = cause;
  if (kind & ACCESS_WRITES) code |= PFEC.W;
  if (access & ACCESS.user) code |= PFEC.U;
  if (kind === ACCESS.fetch) code |= reportsFetch;
  return code;
}
