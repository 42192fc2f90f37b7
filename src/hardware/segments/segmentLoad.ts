import { EFER } from '../processor/controlRegisters';
import { dplOf, isCode, isConforming, isWritableData, loadedFrom, rightsOf } from './descriptor';
import { type DescriptorTables, isNull, SELECTOR } from './descriptorTables';
import { selectorError } from '../delivery/deliveredEvent';
import { VECTOR } from '../delivery/exceptions';
import { TRANSLATED } from '../processor/linearTranslation';
import { REGISTER } from '../processor/registers';
import { RESUME } from '../processor/rootMode';
import { NO_SEGMENT, SEGMENT, SEGMENT_RIGHTS, SEGMENT_TYPE, type SegmentRegisters } from './segmentRegisters';

const USER_LEVEL = 3;

/** The parts of a processor, or of one that software keeps, that a load of a segment register works on. */
export interface SegmentLoadProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly tables: DescriptorTables;
  /** A fault: what it leads to. */
  readonly raise: (vector: number, errorCode: number) => number;
}

/** MOV of a selector to DS, ES, FS, GS or SS in protected mode: the descriptor, its checks, the register. SDM Vol. 2, "MOV—Move". */
export class SegmentLoad {
  constructor(private readonly processor: SegmentLoadProcessor) {}

  /** RESUME.completed once the register is loaded. SDM Vol. 3, "Privilege Level Checking When Accessing Data Segments". */
  load(segment: number, selector: number): number {
    const { registers, segments, tables, raise } = this.processor;
    const cpl = registers[2 * REGISTER.cpl]!;
    const rpl = selector & SELECTOR.rplMask;
    if (isNull(selector)) {
      const isLong = (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0 && (segments.rights(SEGMENT.cs) & SEGMENT_RIGHTS.long) !== 0;
      if (segment === SEGMENT.ss && (!isLong || cpl === USER_LEVEL || rpl !== cpl)) return raise(VECTOR.generalProtection, 0);
      segments.set(segment, { ...NO_SEGMENT, selector, rights: NO_SEGMENT.rights | (segment === SEGMENT.ss ? cpl << SEGMENT_RIGHTS.dplShift : 0) });
      return RESUME.completed;
    }
    const read = tables.read(selector, 0);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    const isAllowed = segment === SEGMENT.ss
      ? rpl === cpl && isWritableData(rights) && dplOf(rights) === cpl
      : isReadable(rights) && (isConforming(rights) || rpl <= dplOf(rights) && cpl <= dplOf(rights));
    if (!isAllowed) return raise(VECTOR.generalProtection, selectorError(selector, 0));
    if ((rights & SEGMENT_RIGHTS.present) === 0) {
      return raise(segment === SEGMENT.ss ? VECTOR.stackFault : VECTOR.segmentNotPresent, selectorError(selector, 0));
    }
    const marked = tables.markAccessed();
    if (marked !== TRANSLATED) return marked;
    segments.set(segment, loadedFrom(selector, tables.lo, tables.hi));
    return RESUME.completed;
  }
}

/** Data, or code that may be read. */
function isReadable(rights: number): boolean {
  return (rights & SEGMENT_RIGHTS.codeOrData) !== 0 && (!isCode(rights) || (rights & SEGMENT_TYPE.readable) !== 0);
}
