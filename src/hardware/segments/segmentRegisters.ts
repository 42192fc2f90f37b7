import type { StateClaims } from '../state/registry';

/** Number of each segment register, of the two system ones too. */
export const SEGMENT = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5, ldtr: 6, tr: 7 } as const;
export const segmentNames = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const;
const SEGMENTS = segmentNames.length;

/** Words of one segment register: the selector and what was loaded with it. The limit is in bytes, granularity applied. */
export const SEGMENT_FIELD = { selector: 0, rights: 1, limit: 2, base: 3 } as const;
export const SEGMENT_WORDS = 5;
/** Words of GDTR and IDTR behind them: base (pair), limit. */
export const DESCRIPTOR_TABLE = { gdtr: 0, idtr: 1 } as const;
export const TABLE_FIELD = { base: 0, limit: 2 } as const;
const TABLE_WORDS = 3;
/** Words of all of them. */
export const SEGMENT_STATE_WORDS = SEGMENTS * SEGMENT_WORDS + 2 * TABLE_WORDS;

/**
 * Access rights as a VMCS has them. SDM Vol. 3, "Guest Register State":
 *
 *   3:0 type   4 S (code or data)   6:5 DPL   7 P   12 AVL   13 L   14 D/B   15 G   16 unusable
 */
export const SEGMENT_RIGHTS = {
  typeMask: 0xf, codeOrData: 1 << 4, dplShift: 5, dplMask: 3, present: 1 << 7, long: 1 << 13, big: 1 << 14,
  granularity: 1 << 15, unusable: 1 << 16,
} as const;
/** Bits of the type of a code or data segment. SDM Vol. 3, "Code- and Data-Segment Descriptor Types". */
export const SEGMENT_TYPE = { accessed: 1, writable: 2, readable: 2, expandDown: 4, conforming: 4, code: 8 } as const;

export interface SegmentValue {
  readonly selector: number;
  readonly rights: number;
  readonly limit: number;
  readonly baseLo: number;
  readonly baseHi: number;
}

const DATA = SEGMENT_TYPE.accessed | SEGMENT_TYPE.writable;
const CODE = SEGMENT_TYPE.accessed | SEGMENT_TYPE.readable | SEGMENT_TYPE.code;
const BUSY_TSS = 0xb;
const { present, codeOrData, long, big, granularity, unusable } = SEGMENT_RIGHTS;
/** TSS limit: the 104 bytes that long mode and protected mode both need. */
const TSS_LIMIT = 0x67;

/** A null selector, and nothing behind it. */
export const NO_SEGMENT: SegmentValue = { selector: 0, rights: unusable, limit: 0, baseLo: 0, baseHi: 0 };

/** What a boot loader leaves: a 64-bit code segment, flat data, a TSS at 0 that nothing has pointed anywhere yet. */
const initial: Readonly<Record<number, SegmentValue>> = {
  [SEGMENT.cs]: { selector: 0x10, rights: CODE | codeOrData | present | long | granularity, limit: -1, baseLo: 0, baseHi: 0 },
  [SEGMENT.ldtr]: NO_SEGMENT,
  [SEGMENT.tr]: { selector: 0x40, rights: BUSY_TSS | present, limit: TSS_LIMIT, baseLo: 0, baseHi: 0 },
};
const flatData: SegmentValue = {
  selector: 0x18, rights: DATA | codeOrData | present | big | granularity, limit: -1, baseLo: 0, baseHi: 0,
};

/** The segment registers with their hidden parts, GDTR and IDTR of one processor. Limits are unsigned: -1 is 4 GBytes. */
export class SegmentRegisters {
  readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number) {
    this.words = registry.block(`cpu${cpu}.segments`, SEGMENT_STATE_WORDS);
    for (let segment = 0; segment < SEGMENTS; segment++) this.set(segment, initial[segment] ?? flatData);
  }

  selector(segment: number): number { return this.words[segment * SEGMENT_WORDS + SEGMENT_FIELD.selector]!; }
  rights(segment: number): number { return this.words[segment * SEGMENT_WORDS + SEGMENT_FIELD.rights]!; }
  /** In bytes, unsigned. */
  limit(segment: number): number { return this.words[segment * SEGMENT_WORDS + SEGMENT_FIELD.limit]! >>> 0; }
  baseLo(segment: number): number { return this.words[segment * SEGMENT_WORDS + SEGMENT_FIELD.base]!; }
  baseHi(segment: number): number { return this.words[segment * SEGMENT_WORDS + SEGMENT_FIELD.base + 1]!; }

  set(segment: number, value: SegmentValue): void {
    const { words } = this;
    const at = segment * SEGMENT_WORDS;
    words[at + SEGMENT_FIELD.selector] = value.selector;
    words[at + SEGMENT_FIELD.rights] = value.rights;
    words[at + SEGMENT_FIELD.limit] = value.limit;
    words[at + SEGMENT_FIELD.base] = value.baseLo;
    words[at + SEGMENT_FIELD.base + 1] = value.baseHi;
  }

  /** `table`: a `DESCRIPTOR_TABLE`; its base as (lo, hi), and its limit in bytes. */
  tableBaseLo(table: number): number { return this.words[tableAt(table) + TABLE_FIELD.base]!; }
  tableBaseHi(table: number): number { return this.words[tableAt(table) + TABLE_FIELD.base + 1]!; }
  tableLimit(table: number): number { return this.words[tableAt(table) + TABLE_FIELD.limit]!; }

  /** LGDT or LIDT. */
  setTable(table: number, baseLo: number, baseHi: number, limit: number): void {
    const at = tableAt(table);
    this.words[at + TABLE_FIELD.base] = baseLo;
    this.words[at + TABLE_FIELD.base + 1] = baseHi;
    this.words[at + TABLE_FIELD.limit] = limit & 0xffff;
  }
}

/** Index of the first word of GDTR or IDTR. */
export function tableAt(table: number): number {
  return SEGMENTS * SEGMENT_WORDS + table * TABLE_WORDS;
}
