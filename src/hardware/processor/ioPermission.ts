import { CR0, RFLAGS } from './controlRegisters';
import type { SystemData } from '../delivery/systemAccess';
import { SYSTEM_ACCESS } from '../delivery/systemAccessKinds';
import { VECTOR } from '../delivery/exceptions';
import { TRANSLATED } from './linearTranslation';
import { REGISTER } from './registers';
import { RESUME } from './rootMode';
import { SEGMENT, SEGMENT_RIGHTS, type SegmentRegisters } from '../segments/segmentRegisters';

/** Where a TSS has the offset of its I/O permission bit map; a TSS of 16 bits has none. */
const MAP_BASE_AT = 0x66;
const MAP_BASE_BYTES = 2;
const TSS_16_BUSY = 3;

export interface PermittedProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly access: SystemData;
  /** Has the machine system data structures in memory? Without them no TSS permits a port, but one that a hypervisor has made. */
  readonly taskState: () => 'in memory' | 'none';
  /** A fault: what it leads to. */
  readonly raise: (vector: number, errorCode: number) => number;
}

/** May the program use I/O ports? SDM Vol. 1, "I/O Privilege Level", "I/O Permission Bit Map". */
export class IoPermission {
  constructor(private readonly processor: PermittedProcessor) {}

  /** RESUME.completed when it may, else what the fault leads to: #GP(0), or one of reading the TSS. */
  ask(port: number, size: number): number {
    if (this.isPrivileged()) return RESUME.completed;
    const { access, segments, raise, taskState } = this.processor;
    const limit = segments.limit(SEGMENT.tr);
    const is16Bit = (segments.rights(SEGMENT.tr) & SEGMENT_RIGHTS.typeMask) === TSS_16_BUSY;
    const isMissing = taskState() === 'none' && !this.isVirtual8086;
    if (isMissing || is16Bit || MAP_BASE_AT + MAP_BASE_BYTES - 1 > limit) return raise(VECTOR.generalProtection, 0);
    const base = this.read(MAP_BASE_AT);
    if (base !== TRANSLATED) return base;
    // Two bytes are always read, so that any 4 ports lie within.
    const at = access.lo + (port >>> 3);
    if (at + 1 > limit) return raise(VECTOR.generalProtection, 0);
    const bits = this.read(at);
    if (bits !== TRANSLATED) return bits;
    const asked = ((1 << size) - 1) << (port & 7);
    return (access.lo & asked) === 0 ? RESUME.completed : raise(VECTOR.generalProtection, 0);
  }

  private isPrivileged(): boolean {
    const { registers } = this.processor;
    if ((registers[2 * REGISTER.cr0]! & CR0.PE) === 0) return true;
    if (this.isVirtual8086) return false;
    return registers[2 * REGISTER.cpl]! <= (registers[2 * REGISTER.rflags]! & RFLAGS.iopl) >>> RFLAGS.ioplShift;
  }

  private get isVirtual8086(): boolean {
    return (this.processor.registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0;
  }

  /** Two bytes of the TSS. */
  private read(offset: number): number {
    const { segments, access } = this.processor;
    const lo = segments.baseLo(SEGMENT.tr) + offset | 0;
    const carry = lo >>> 0 < offset ? 1 : 0;
    return access.read(lo, segments.baseHi(SEGMENT.tr) + carry | 0, MAP_BASE_BYTES, SYSTEM_ACCESS.ioPermission);
  }
}
