import { DeliveredEvent } from '../../hardware/delivery/deliveredEvent';
import { DELIVERED, type DeliveryProcessor } from '../../hardware/delivery/deliveryProcessor';
import { EventDelivery } from '../../hardware/delivery/eventDelivery';
import { EventStack } from '../../hardware/delivery/eventStack';
import { InterruptReturn } from '../../hardware/delivery/interruptReturn';
import type { CompiledFormat } from '../../hardware/paging/compiledFormat';
import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { IoPermission } from '../../hardware/processor/ioPermission';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER, REGISTER_WORDS } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { DescriptorTables } from '../../hardware/segments/descriptorTables';
import { SegmentLoad } from '../../hardware/segments/segmentLoad';
import { SegmentRegisters } from '../../hardware/segments/segmentRegisters';
import { Registry } from '../../hardware/state/registry';
import { saveSegments } from '../../hardware/vmx/guestState';
import { INTERRUPTION_TYPE, INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import type { DeprivilegedMmu } from './deprivilegedMmu';
import { GuestData } from './guestData';
import { COMPRESSED_LEVEL, compressAll, noteNullSegments } from './ringCompression';

/** Beside what the rules of delivery give: an exception stands in the way, and nothing has been done. */
export const FAULTED = 17;
const BLOCKED_FOR_ONE_INSTRUCTION = INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs;
/** What of RFLAGS the processor has as the hypervisor needs it, while the guest believes what is kept beside. */
const OWN_FLAGS = RFLAGS.IF | RFLAGS.iopl | RFLAGS.VIF | RFLAGS.VIP;

/** An exception that a check has come to. */
export interface RaisedFault {
  readonly vector: number;
  readonly errorCode: number;
}

/**
 * The guest's processor as the guest believes it to be, while one trap is handled: hardware's rules of event delivery, of IRET, of loads
 * of segment registers and of ports work on it as on a processor, and each access that they make is the hypervisor's. Nothing of it is
 * kept: `load` makes it of the trap frame and the privilege kept beside, and `commit` makes those of it.
 */
export class VirtualCpu implements DeliveryProcessor {
  readonly registers = new Int32Array(REGISTER_WORDS);
  readonly segments = new SegmentRegisters(new Registry(), 0);
  readonly access: GuestData;
  readonly tables: DescriptorTables;
  readonly stack: EventStack;
  /** The exception that stands in the way; undefined for a page fault, which its walk has injected. */
  fault: RaisedFault | undefined;
  /** A task gate, or IRET in a nested task. */
  asksForTask = false;
  private readonly processors = new SegmentRegisters(new Registry(), 0);
  private readonly event = new DeliveredEvent();
  private readonly delivery: EventDelivery;
  private readonly interruptReturn: InterruptReturn;
  private readonly segmentLoad: SegmentLoad;
  private readonly permission: IoPermission;

  constructor(private readonly mmu: DeprivilegedMmu) {
    this.access = new GuestData(mmu, this.raise);
    const { segments, access, raise } = this;
    this.tables = new DescriptorTables({ segments, access, raise, isHypervisors: () => false });
    this.stack = new EventStack(access);
    this.delivery = new EventDelivery(this);
    this.interruptReturn = new InterruptReturn(this);
    this.segmentLoad = new SegmentLoad(this);
    this.permission = new IoPermission({ registers: this.registers, segments, access, raise, taskState: () => 'in memory' });
  }

  get spaces(): { readonly linear: { readonly compiled: CompiledFormat } } {
    return { linear: this.mmu.guestTables() };
  }

  readonly reload = (): void => undefined;

  readonly raise = (vector: number, errorCode: number): number => {
    this.fault = { vector, errorCode };
    return FAULTED;
  };

  readonly taskSwitch = (): number => {
    this.asksForTask = true;
    return FAULTED;
  };

  /** In virtual-8086 mode. */
  get isVirtual8086(): boolean {
    return (this.registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0;
  }

  load(): void {
    const { registers, segments, mmu } = this;
    const { privilege, processor } = mmu;
    const { vmcs } = processor;
    this.fault = undefined;
    this.asksForTask = false;
    copy(vmcs, VMCS.guest_rsp, registers, 2 * REGISTER.rsp);
    copy(vmcs, VMCS.guest_rip, registers, 2 * REGISTER.rip);
    registers[2 * REGISTER.rflags] = (vmcs[VMCS.guest_rflags]! & ~OWN_FLAGS) | (privilege.interruptFlag === 0 ? 0 : RFLAGS.IF)
      | (privilege.ioLevel << RFLAGS.ioplShift);
    registers[2 * REGISTER.cpl] = privilege.level;
    registers[2 * REGISTER.cr0] = mmu.cr0;
    registers[2 * REGISTER.cr4] = mmu.cr4;
    registers[2 * REGISTER.efer] = mmu.efer;
    segments.words.set(privilege.segments.words);
    noteNullSegments(processor, segments);
  }

  /** The guest goes on as this has it. */
  commit(): void {
    const { registers, segments, processors, mmu: { privilege, processor: { vmcs } } } = this;
    const flags = registers[2 * REGISTER.rflags]!;
    copy(registers, 2 * REGISTER.rsp, vmcs, VMCS.guest_rsp);
    copy(registers, 2 * REGISTER.rip, vmcs, VMCS.guest_rip);
    vmcs[VMCS.guest_rflags] = (flags & ~OWN_FLAGS) | RFLAGS.IF;
    privilege.segments.words.set(segments.words);
    privilege.adopt(registers[2 * REGISTER.cpl]!, (flags & RFLAGS.IF) === 0 ? 0 : 1, (flags & RFLAGS.iopl) >>> RFLAGS.ioplShift);
    compressAll(segments, processors);
    // All that a VMCS takes from the registers beside the segments is the CPL.
    registers[2 * REGISTER.cpl] = COMPRESSED_LEVEL;
    saveSegments({ registers, segments: processors, vmcs });
  }

  /** The event of this interruption information, through IDT, TSS and stack: DELIVERED or FAULTED. */
  deliver(information: number, errorCode: number, length: number): number {
    this.event.setInformation(information, errorCode, length);
    return this.delivery.deliver(this.event);
  }

  /** The guest is active in its handler. As `Interruption` has it of a processor. */
  noteEntered(information: number): void {
    const { vmcs } = this.mmu.processor;
    vmcs[VMCS.guest_activity_state] = ACTIVITY.active;
    vmcs[VMCS.guest_interruptibility]! &= ~BLOCKED_FOR_ONE_INSTRUCTION;
    if ((information & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.nmi) vmcs[VMCS.guest_interruptibility]! |= INTERRUPTIBILITY.blockingByNmi;
  }

  /** IRET: true when it is done. */
  returns(): boolean {
    return this.interruptReturn.return() === DELIVERED;
  }

  /** MOV to a segment register: true when it is done. */
  loadsSegment(segment: number, selector: number): boolean {
    return this.segmentLoad.load(segment, selector) === RESUME.completed;
  }

  /** True when IOPL or the I/O permission bit map of the TSS allows IN and OUT of `size` bytes. */
  permits(port: number, size: number): boolean {
    return this.permission.ask(port, size) === RESUME.completed;
  }
}

/** A pair of halves. */
function copy(from: Int32Array, at: number, to: Int32Array, toAt: number): void {
  to[toAt] = from[at]!;
  to[toAt + 1] = from[at + 1]!;
}
