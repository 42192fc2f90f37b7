import type { Invalidations } from '../caches/invalidations';
import type { PdpteRegisters } from '../paging/pdpteRegisters';
import type { SegmentRegisters, SegmentValue } from '../segments/segmentRegisters';
import { CR0, RFLAGS } from './controlRegisters';
import type { GuestPrivilege } from './guestPrivilege';
import type { Interruption } from './interruption';
import type { RegisterFile } from './registerFile';
import { REGISTER } from './registers';
import { usesPdpteRegisters } from '../vmx/vmxTransitions';
import type { PendingOperation } from './rootMode';
import { ACTOR } from '../events/eventTable';

/** The parts of a processor that its guest's view is made of. */
export interface ViewedProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly file: RegisterFile;
  readonly pdptes: PdpteRegisters;
  readonly interruption: Interruption;
  readonly invalidations: Invalidations;
  readonly pending: PendingOperation;
  readonly reload: () => void;
}

/**
 * Privilege and mode as the guest's own machine would have them: the processor's own, or what a hypervisor makes of them that has the
 * guest in virtual-8086 mode, or all of it at CPL 3.
 */
export class GuestView {
  constructor(private readonly processor: ViewedProcessor) {}

  /** In real-address mode: CR0.PE may be the hypervisor's, which then has the guest in virtual-8086 mode. */
  get isRealMode(): boolean {
    return (this.processor.file.visibleLo(REGISTER.cr0) & CR0.PE) === 0;
  }

  /** CPL: 0 in real-address mode. */
  get level(): number {
    return this.privilege?.level ?? (this.isRealMode ? 0 : this.processor.registers[2 * REGISTER.cpl]!);
  }

  /** RFLAGS. */
  get flags(): number {
    const flags = this.processor.registers[2 * REGISTER.rflags]!;
    return this.privilege === undefined ? flags : (flags & ~RFLAGS.IF) | (this.privilege.interruptFlag === 0 ? 0 : RFLAGS.IF);
  }

  setLevel(cpl: number): void {
    if (this.privilege !== undefined) return this.privilege.setLevel(cpl);
    if (!this.isRealMode) this.processor.registers[2 * REGISTER.cpl] = cpl;
  }

  /** Entry into a handler and return from it, that touch no memory: RFLAGS.IF becomes that of `flags`. */
  setInterruptFlag(flags: number): void {
    if (this.privilege !== undefined) return this.privilege.setInterruptFlag((flags & RFLAGS.IF) === 0 ? 0 : 1);
    const { registers } = this.processor;
    registers[2 * REGISTER.rflags] = (registers[2 * REGISTER.rflags]! & ~RFLAGS.IF) | (flags & RFLAGS.IF);
  }

  /** A segment register becomes this; `segment`: a `SEGMENT`. */
  setSegment(segment: number, value: SegmentValue): void {
    if (this.privilege === undefined) this.processor.segments.set(segment, value);
    else this.privilege.setSegment(segment, value);
  }

  /** Low half of register `number` as a MOV finds it. */
  visibleLo(number: number): number {
    return this.privilege?.visibleLo(number) ?? this.processor.file.visibleLo(number);
  }

  /** A hypervisor without VMX and SVM runs the guest at CPL 3 from the first entry on, and keeps its privilege. */
  deprivilege(privilege: GuestPrivilege): void {
    this.processor.interruption.deprivilege(privilege, this.processor.pending);
  }

  /** INVPCID by that hypervisor; `type`: an `INVPCID`. */
  invpcid(type: number, pcid: number, lo: number, hi: number): void {
    this.processor.invalidations.invpcid(type, pcid, lo, hi, ACTOR.vmm);
  }

  /** MOV to CR3 by that hypervisor; whether what is cached of the new PCID stays. */
  loadCr3(lo: number, hi: number, lines: 'stay' | 'go'): void {
    const { registers, reload, invalidations, pdptes } = this.processor;
    registers[2 * REGISTER.cr3] = lo;
    registers[2 * REGISTER.cr3 + 1] = hi;
    if (usesPdpteRegisters(registers)) pdptes.load(lo, undefined);
    reload();
    if (lines === 'go') invalidations.movCr3ByHost();
  }

  private get privilege(): GuestPrivilege | undefined {
    return this.processor.interruption.privilege;
  }
}
