import type { SegmentValue } from '../segments/segmentRegisters';

/**
 * The privilege that a guest believes it has, whose hypervisor runs all of it at CPL 3: the guest's kernel too. Outside VMX
 * and SVM a processor knows one privilege level, its own; what the guest makes of it is the hypervisor's to keep.
 */
export interface GuestPrivilege {
  /** CPL as the guest's own machine would have it. */
  readonly level: number;
  /** RFLAGS.IF likewise: 0 or 1. The processor's is 1 as long as the guest runs. */
  readonly interruptFlag: number;
  /** The guest goes to another level by a way that costs nothing. */
  setLevel(cpl: number): void;
  setInterruptFlag(flag: number): void;
  /** A segment register becomes this as the guest's own machine would have it; what the processor then has is the hypervisor's affair. */
  setSegment(segment: number, value: SegmentValue): void;
  /** Low half of a `REGISTER` as a MOV of the guest's kernel finds it, once it is emulated; undefined: as the processor has it. */
  visibleLo(register: number): number | undefined;
}
