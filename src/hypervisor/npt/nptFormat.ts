import { NPT_LONG4 } from '../../hardware/paging/formats/nestedPaging';
import { SPACE } from '../../hardware/events/eventTable';
import type { TdpFormat } from '../tdp/tdpFormat';

/** Bit 51, which is reserved where physical addresses have fewer bits. */
const RESERVED_HI = 1 << (51 - 32);

/** US. APM Vol. 2, "Nested Paging": every nested access is a user access. */
const USER = 1 << 2;

/** Nested tables have the format of the host's own paging: there is no memory type, and no misconfiguration. */
export const NPT_TABLES: TdpFormat = {
  name: 'NPT',
  format: NPT_LONG4,
  space: SPACE.npt,
  leafLo: 0,
  leafHi: 0,
  absentHi: 0,
  neededLo: NPT_LONG4.presentMask | USER,
  mmio: { maskLo: NPT_LONG4.presentMask, maskHi: RESERVED_HI, lo: NPT_LONG4.presentMask, hi: RESERVED_HI },
  words: {
    mmioRoom: 'bit 51 is reserved, and an NPT PTE has room for its frame',
    mmio: 'P and bit 51, which is reserved',
    refusal: 'fault',
    tableRights: 'P, RW and US: every nested access is a user access',
    leaf: 'hpa with P and US, and RW unless it is withheld (ROM; a page that others have too; a first write to be logged)',
    flush: 'TLB_CONTROL 3 on every vCPU, which drops its ASID',
    flushName: 'TLB_CONTROL',
  },
};
