import { CR0, CR4, EFER } from '../processor/controlRegisters';
import { LEGACY32 } from './formats/legacy32';
import { LONG4 } from './formats/long4';
import { LONG5 } from './formats/long5';
import { PAE } from './formats/pae';
import { UNPAGED } from './formats/unpaged';
import type { PagingFormat } from './pagingFormat';

/** The format that registers select. SDM Vol. 3, "Paging Modes and Control Bits". Low halves of the registers. */
export function pagingMode(cr0: number, cr4: number, efer: number): PagingFormat {
  if ((cr0 & CR0.PG) === 0) return UNPAGED;
  if ((cr4 & CR4.PAE) === 0) return LEGACY32;
  if ((efer & EFER.LME) === 0) return PAE;
  return (cr4 & CR4.LA57) === 0 ? LONG4 : LONG5;
}
