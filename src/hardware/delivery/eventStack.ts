import { ACCESS } from '../paging/accessKinds';
import { SEGMENT_RIGHTS, SEGMENT_TYPE } from '../segments/segmentRegisters';
import { VECTOR } from './exceptions';
import type { SystemData } from './systemAccess';
import { SYSTEM_ACCESS } from './systemAccessKinds';

const SP_MASK = 0xffff;
const USER_LEVEL = 3;

/**
 * How a frame is pushed to a stack of CPL `to` by the interruption of a program at CPL `from`. A stack is no system data
 * structure: a push is an explicit access where the CPL is below 3 as it is made, so that RFLAGS.AC counts. One out of CPL 3
 * to an inner stack is a supervisor access all the same, and no explicit one. SDM Vol. 3, "Determination of Access Rights".
 */
export function pushAccess(from: number, to: number): number {
  if (to === USER_LEVEL) return ACCESS.write | ACCESS.user;
  return from === USER_LEVEL ? ACCESS.write | ACCESS.implicit : ACCESS.write;
}

/** How IRET at a CPL pops. */
export function popAccess(cpl: number): number {
  return cpl === USER_LEVEL ? ACCESS.read | ACCESS.user : ACCESS.read;
}

/** Which stack a frame is pushed to, or popped from. */
export interface StackSegment {
  readonly baseLo: number;
  readonly baseHi: number;
  /** In bytes, unsigned; none is looked at in 64-bit mode. */
  readonly limit: number;
  readonly rights: number;
}

/**
 * A stack while a frame is pushed or popped: nothing of it is in RSP or SS before all of the frame has been. A fault is
 * #SS with `errorCode`. SDM Vol. 3, "Stack Behavior"; "Stack-Segment Fault (#SS)".
 */
export class EventStack {
  /** The pointer. */
  lo = 0;
  hi = 0;
  private segment: StackSegment = { baseLo: 0, baseHi: 0, limit: 0, rights: 0 };
  private slot = 8;
  private isWide = 0;
  private kind = 0;
  private fault = { vector: VECTOR.stackFault, errorCode: 0 };

  constructor(private readonly access: SystemData) {}

  /** A flat stack of 8-byte slots. `kind`: an access integer, by `pushAccess` or `popAccess`. */
  use64(lo: number, hi: number, kind: number, errorCode: number): void {
    this.lo = lo;
    this.hi = hi;
    this.slot = 8;
    this.isWide = 1;
    this.kind = kind;
    this.fault = { vector: VECTOR.stackFault, errorCode };
  }

  /** A stack in a segment, of 2- or 4-byte slots; bits of the pointer above SP stay when the segment's B is 0. */
  useSegment(segment: StackSegment, pointer: number, slot: number, kind: number, errorCode: number): void {
    this.segment = segment;
    this.lo = pointer;
    this.hi = 0;
    this.slot = slot;
    this.isWide = 0;
    this.kind = kind;
    this.fault = { vector: VECTOR.stackFault, errorCode };
  }

  /** Is there room for `slots` more within the segment's limit? */
  hasRoom(slots: number): boolean {
    if (this.isWide !== 0) return true;
    for (let i = 1; i <= slots; i++) if (!this.isWithinLimit(this.lo - i * this.slot)) return false;
    return true;
  }

  /** Are the next `slots` within the segment's limit, to be popped? */
  holds(slots: number): boolean {
    if (this.isWide !== 0) return true;
    for (let i = 0; i < slots; i++) if (!this.isWithinLimit(this.lo + i * this.slot)) return false;
    return true;
  }

  push(valueLo: number, valueHi: number): number {
    this.move(-this.slot);
    return this.access.write(this.linearLo, this.linearHi, this.slot, valueLo, valueHi, SYSTEM_ACCESS.push, this.kind, this.fault);
  }

  /** Into `lo` and `hi` of the access. */
  pop(): number {
    const answer = this.access.read(this.linearLo, this.linearHi, this.slot, SYSTEM_ACCESS.pop, this.kind, this.fault);
    this.move(this.slot);
    return answer;
  }

  private move(by: number): void {
    const sum = (this.lo >>> 0) + by;
    if (this.isWide !== 0) {
      this.hi = this.hi + Math.floor(sum / 0x1_0000_0000) | 0;
      this.lo = sum | 0;
    } else {
      this.lo = this.isBig ? sum | 0 : (this.lo & ~SP_MASK) | (sum & SP_MASK);
    }
  }

  private get isBig(): boolean {
    return (this.segment.rights & SEGMENT_RIGHTS.big) !== 0;
  }

  private get linearLo(): number {
    return this.isWide !== 0 ? this.lo : this.segment.baseLo + (this.isBig ? this.lo : this.lo & SP_MASK) | 0;
  }

  private get linearHi(): number {
    return this.isWide !== 0 ? this.hi : 0;
  }

  /** SDM Vol. 3, "Limit Checking". */
  private isWithinLimit(pointer: number): boolean {
    const { rights, limit } = this.segment;
    const first = this.isBig ? pointer >>> 0 : pointer & SP_MASK;
    const last = first + this.slot - 1;
    if ((rights & SEGMENT_TYPE.expandDown) === 0) return last <= limit;
    return first > limit && last <= (this.isBig ? 0xffff_ffff : SP_MASK);
  }
}
