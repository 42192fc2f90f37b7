import type { Processor } from '../../hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT, SEGMENT_RIGHTS, SEGMENT_TYPE, type SegmentRegisters, type SegmentValue } from '../../hardware/segments/segmentRegisters';

/** At which all of the guest runs. */
export const COMPRESSED_LEVEL = 3;
/**
 * What SGDT, SIDT, STR and a read of CS give at CPL 3: the hypervisor's. IDT and GDT lie where Linux has them in its cpu_entry_area;
 * the selectors are those of the entries that Xen has reserved for itself, above the guest's own.
 */
const HYPERVISOR = {
  idt: { lo: 0, hi: 0xfffffe00 | 0, limit: 0xfff },
  gdt: { lo: 0x1000, hi: 0xfffffe00 | 0, limit: 0xefff },
} as const;
/** Selectors of the registers that are not the guest's to choose. */
const OWN_SELECTORS: ReadonlyMap<number, number> = new Map([[SEGMENT.tr, 0xe040], [SEGMENT.cs, 0xe033], [SEGMENT.ss, 0xe02b]]);
const { codeOrData, present, big, granularity, unusable, dplShift, dplMask } = SEGMENT_RIGHTS;
/** For an SS that is null below CPL 3 in 64-bit mode, and would be refused at 3. */
const FLAT_STACK: SegmentValue = {
  selector: 0, rights: SEGMENT_TYPE.accessed | SEGMENT_TYPE.writable | codeOrData | present | big | granularity, limit: -1, baseLo: 0, baseHi: 0,
};

/**
 * Ring compression: what the processor has for a segment register of the guest's, with the guest's base, limit and type, and the one
 * privilege level that all of the guest runs at.
 */
export function compressed(segment: number, value: SegmentValue): SegmentValue {
  const isUsable = (value.rights & unusable) === 0;
  if (!isUsable && segment !== SEGMENT.ss) return value;
  const { rights, ...rest } = isUsable ? value : FLAT_STACK;
  const isOfLevel = (rights & codeOrData) !== 0;
  return {
    ...rest, selector: OWN_SELECTORS.get(segment) ?? value.selector,
    rights: isOfLevel ? (rights & ~(dplMask << dplShift)) | (COMPRESSED_LEVEL << dplShift) : rights,
  };
}

/** The processor's registers for the guest's, each compressed: `processors` become what `guests` come to. */
export function compressAll(guests: SegmentRegisters, processors: SegmentRegisters): void {
  const { idt, gdt } = HYPERVISOR;
  processors.setTable(DESCRIPTOR_TABLE.idtr, idt.lo, idt.hi, idt.limit);
  processors.setTable(DESCRIPTOR_TABLE.gdtr, gdt.lo, gdt.hi, gdt.limit);
  for (const segment of Object.values(SEGMENT)) processors.set(segment, compressed(segment, valueOf(guests, segment)));
}

/** What the guest has loaded of null selectors by itself, which no trap tells of: DS, ES, FS and GS. */
export function noteNullSegments({ segments }: Processor, guests: SegmentRegisters): void {
  for (const segment of [SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs]) {
    if ((segments.rights(segment) & unusable) !== 0) guests.set(segment, valueOf(segments, segment));
  }
}

function valueOf(segments: SegmentRegisters, segment: number): SegmentValue {
  return {
    selector: segments.selector(segment), rights: segments.rights(segment), limit: segments.limit(segment),
    baseLo: segments.baseLo(segment), baseHi: segments.baseHi(segment),
  };
}
