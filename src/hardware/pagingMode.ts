import { CR0, CR4, EFER } from './controlRegisters';
import { LONG4 } from './formats/long4';
import { LONG5 } from './formats/long5';
import { UNPAGED } from './formats/unpaged';
import type { PagingFormat } from './pagingFormat';

/** The paging mode that registers select, or the name of one that this machine has no format for. */
export type PagingMode = { readonly format: PagingFormat } | { readonly missing: string };

/** SDM Vol. 3, "Paging Modes and Control Bits". Low halves of the registers. */
export function pagingMode(cr0: number, cr4: number, efer: number): PagingMode {
  if ((cr0 & CR0.PG) === 0) return { format: UNPAGED };
  if ((cr4 & CR4.PAE) === 0) return { missing: '32-bit' };
  if ((efer & EFER.LME) === 0) return { missing: 'PAE' };
  return { format: (cr4 & CR4.LA57) === 0 ? LONG4 : LONG5 };
}
