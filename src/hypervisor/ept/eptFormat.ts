import { EPT4 } from '../../hardware/paging/formats/ept4';
import { EPT_RIGHTS } from '../../hardware/paging/accessRights';
import { SPACE } from '../../hardware/events/eventTable';
import type { TdpFormat } from '../tdp/tdpFormat';

/** SDM Vol. 3, "EPT and Memory Typing": write-back, in bits 5:3. */
const WRITE_BACK = 6 << 3;
/** W and X without R. SDM Vol. 3, "EPT Misconfigurations". */
const MMIO = 6;
const RIGHTS = 7;

export const EPT_TABLES: TdpFormat = {
  name: 'EPT',
  format: EPT4,
  space: SPACE.ept,
  leafLo: WRITE_BACK,
  leafHi: 0,
  absentHi: 0,
  neededLo: EPT_RIGHTS.readable,
  mmio: { maskLo: RIGHTS, maskHi: 0, lo: MMIO, hi: 0 },
  words: {
    mmioRoom: 'an EPT PTE has room for its frame',
    mmio: 'W and X without R',
    refusal: 'violation',
    tableRights: 'R, W and X',
    leaf: 'hpa with R and X, and W unless it is withheld (ROM; a page that others have too; a first write to be logged; a tracked frame); write-back',
    flush: 'INVEPT on every vCPU',
    flushName: 'INVEPT',
  },
};

/** Bit 63, suppress #VE. SDM Vol. 3, "Convertible EPT Violations". */
const SUPPRESS_VE_HI = 1 << (63 - 32);

/** The same where violations may become virtualization exceptions: none does of which the hypervisor has not said so. */
export const SUPPRESSING_EPT_TABLES: TdpFormat = { ...EPT_TABLES, leafHi: SUPPRESS_VE_HI, absentHi: SUPPRESS_VE_HI };
