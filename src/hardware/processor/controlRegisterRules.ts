import { CR0, CR4, EFER } from './controlRegisters';
import { FLUSH } from '../events/flushCauses';
import type { InvalidationName } from '../caches/invalidationRows';
import { REGISTER } from './registers';

/** What a MOV to a control register invalidates in the TLB, and why. */
export type Invalidation =
  | { readonly kind: 'none' }
  | { readonly kind: 'row'; readonly row: InvalidationName; readonly cause: number };
const NOTHING: Invalidation = { kind: 'none' };

/** What a change of CR0 or CR4 invalidates. SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches". */
export function invalidationOf(register: 'cr0' | 'cr4', old: number, value: number): Invalidation {
  const changed = old ^ value;
  if (register === 'cr0') {
    return changed & old & CR0.PG ? { kind: 'row', row: 'pagingOff', cause: FLUSH.movCr0 } : NOTHING;
  }
  if (changed & CR4.PGE || changed & old & CR4.PCIDE) return { kind: 'row', row: 'everyPcid', cause: FLUSH.movCr4 };
  return changed & CR4.PAE || changed & value & CR4.SMEP ? { kind: 'row', row: 'currentPcid', cause: FLUSH.movCr4 } : NOTHING;
}

/** Bits whose change makes MOV to CR0 or CR4 load the PDPTE registers. SDM Vol. 3, "PDPTE Registers". */
const pdpteBits = new Map<number, number>([
  [REGISTER.cr0, CR0.CD | CR0.NW | CR0.PG],
  [REGISTER.cr4, CR4.PAE | CR4.PGE | CR4.PSE | CR4.SMEP],
]);

/** `register`: a `REGISTER`; `old` and `value`: low halves. */
export function changesPdpteBits(register: number, old: number, value: number): boolean {
  return ((old ^ value) & (pdpteBits.get(register) ?? 0)) !== 0;
}

/** EFER with LMA as paging makes it. SDM Vol. 3, "Initializing IA-32e Mode". */
export function eferWithLma(cr0: number, efer: number): number {
  return (cr0 & CR0.PG) !== 0 && (efer & EFER.LME) !== 0 ? efer | EFER.LMA : efer & ~EFER.LMA;
}
