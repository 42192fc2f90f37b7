import { CR0, CR0_KNOWN, CR4, CR4_KNOWN, EFER, EFER_KNOWN } from './controlRegisters';
import { FLUSH } from '../events/flushCauses';
import type { InvalidationName } from '../caches/invalidationRows';
import { REGISTER } from './registers';

/** Low halves of the registers that decide the paging mode. */
export interface ModeRegisters {
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
}

/** What a MOV to a control register invalidates in the TLB, and why. */
export type Invalidation =
  | { readonly kind: 'none' }
  | { readonly kind: 'row'; readonly row: InvalidationName; readonly cause: number };
const NOTHING: Invalidation = { kind: 'none' };

interface Rule {
  /** For messages; #GP(0) itself says no more. */
  readonly name: string;
  readonly broken: (now: ModeRegisters, value: number) => boolean;
}

/** SDM Vol. 3, "Control Registers" and Vol. 2, "MOV—Move to/from Control Registers": #GP(0) of each register. */
const rules: Readonly<Record<'cr0' | 'cr4' | 'efer', readonly Rule[]>> = {
  cr0: [
    { name: 'a bit that is not defined', broken: (_, value) => (value & ~CR0_KNOWN) !== 0 },
    { name: 'PG without PE', broken: (_, value) => (value & CR0.PG) !== 0 && (value & CR0.PE) === 0 },
    { name: 'NW without CD', broken: (_, value) => (value & CR0.NW) !== 0 && (value & CR0.CD) === 0 },
    {
      name: 'paging with LME but without PAE',
      broken: (now, value) => (value & CR0.PG) !== 0 && (now.efer & EFER.LME) !== 0 && (now.cr4 & CR4.PAE) === 0,
    },
    { name: 'paging off in 64-bit mode', broken: (now, value) => (value & CR0.PG) === 0 && (now.efer & EFER.LMA) !== 0 },
    { name: 'paging off with PCIDs', broken: (now, value) => (value & CR0.PG) === 0 && (now.cr4 & CR4.PCIDE) !== 0 },
  ],
  cr4: [
    { name: 'a bit that is not defined', broken: (_, value) => (value & ~CR4_KNOWN) !== 0 },
    { name: 'PAE off in long mode', broken: (now, value) => (now.efer & EFER.LMA) !== 0 && (value & CR4.PAE) === 0 },
    { name: 'LA57 changed in long mode', broken: (now, value) => (now.efer & EFER.LMA) !== 0 && ((now.cr4 ^ value) & CR4.LA57) !== 0 },
    { name: 'PCIDs outside long mode', broken: (now, value) => (now.efer & EFER.LMA) === 0 && (value & CR4.PCIDE) !== 0 },
  ],
  efer: [
    { name: 'a bit that is not defined', broken: (_, value) => (value & ~EFER_KNOWN) !== 0 },
    { name: 'LME changed while paging', broken: (now, value) => (now.cr0 & CR0.PG) !== 0 && ((now.efer ^ value) & EFER.LME) !== 0 },
  ],
};

/** Is the value illegal for the register, so that writing it is #GP(0)? `hi`: its high half, which must be zero. */
export function isIllegalValue(register: 'cr0' | 'cr4' | 'efer', now: ModeRegisters, lo: number, hi: number): boolean {
  return brokenRule(register, now, lo, hi) !== undefined;
}

/** Name of the rule that the value breaks, or undefined when it breaks none of the register's own. */
export function brokenRule(register: 'cr0' | 'cr4' | 'efer', now: ModeRegisters, lo: number, hi: number): string | undefined {
  if (hi !== 0) return 'a bit above 31 that is not defined';
  return rules[register].find((rule) => rule.broken(now, lo))?.name;
}

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
