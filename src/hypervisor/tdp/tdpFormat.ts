import type { PagingFormat } from '../../hardware/paging/pagingFormat';

/**
 * What sets one kind of tables of the second dimension apart from the other: EPT's, or those of AMD's nested paging (NPT). KVM
 * calls both TDP, two-dimensional paging, and so does what they share here.
 */
export interface TdpFormat {
  readonly name: 'EPT' | 'NPT';
  readonly format: PagingFormat;
  /** A `SPACE`. */
  readonly space: number;
  /** Bits that every leaf has beside frame and rights: low half. */
  readonly leafLo: number;
  /** … and those of the high half. */
  readonly leafHi: number;
  /** What an entry holds that is not present: its high half (KVM's SHADOW_NONPRESENT_VALUE). */
  readonly absentHi: number;
  /** Bits without which an entry lets nothing be reached: low half. */
  readonly neededLo: number;
  /** An entry says MMIO, and faults at each access, when these bits of it are so. */
  readonly mmio: { readonly maskLo: number; readonly maskHi: number; readonly lo: number; readonly hi: number };
  readonly words: TdpWords;
}

/** How listings speak of them. */
export interface TdpWords {
  /** The entry can say that a frame is MMIO. */
  readonly mmioRoom: string;
  /** What an MMIO entry is made of. */
  readonly mmio: string;
  /** What refused the access: `violation`. */
  readonly refusal: string;
  /** Rights of an entry that references a table. */
  readonly tableRights: string;
  /** What a leaf is made of. */
  readonly leaf: string;
  /** How translations of every vCPU are dropped, and what is spared where none need be. */
  readonly flush: string;
  readonly flushName: string;
}
