import type { Processor } from '../hardware/processor/processor';
import type { VcpuState } from './vcpuState';
import { vmcbControl } from './vmcbControl';
import { vmcsControl } from './vmcsControl';

/** A virtual CPU on its processor. */
export interface ControlledVcpu {
  readonly processor: Processor;
  readonly vcpu: VcpuState;
}

/** Exits that every hypervisor has alike, by what handlers are told of them. */
export type CommonExit = 'external_interrupt' | 'interrupt_window' | 'cpuid' | 'hlt' | 'io_instruction' | 'rdmsr' | 'wrmsr' | 'vmcall' | 'triple_fault';

/** How listings speak of a control block. */
export interface ControlBlockWords {
  /** Where an event stands that the next entry delivers. */
  readonly injection: string;
  /** Where the event stands that an exit broke into. */
  readonly vectoring: string;
  /** The entry into the guest. */
  readonly entry: string;
  /** Conditions of the lines of `handle_exit`, by exit. */
  readonly exits: Readonly<Record<CommonExit, string>>;
  /** Names of the handlers that KVM has for the one or the other. */
  readonly names: Readonly<Record<'completeInterrupts' | 'externalInterrupt' | 'interruptWindow' | 'io', string>>;
  /** Where the vector of an interrupt comes from that has exited. */
  readonly acknowledge: string;
  readonly openWindow: string;
  readonly closeWindow: string;
  readonly halt: string;
  /** Where port, size and direction of IN and OUT are. */
  readonly io: string;
  /** What of the host's processor CPUID hides. */
  readonly hidden: string;
}

/** IN or OUT that has exited: `size` in bytes, 1, 2 or 4. */
export interface IoExit {
  readonly port: number;
  readonly size: number;
  readonly isIn: number;
}

/**
 * What handlers ask of the block that a guest's entries and exits go by, a VMCS or a VMCB: KVM's kvm_x86_ops, as far as
 * it has nothing to do with memory. Interruption information is as VMX has it, which SVM's EVENTINJ and EXITINTINFO share.
 */
export interface ControlBlock {
  /** Its name among the state that listing lines declare. */
  readonly block: 'vmcs' | 'vmcb';
  readonly words: ControlBlockWords;
  /** State besides the block that `acknowledge` changes. */
  readonly acknowledgeWrites: readonly string[];
  /** State that `halt` changes. */
  readonly haltWrites: readonly string[];
  /** Bits of ECX of CPUID leaf 80000001H that the guest does not find, and of EFER that are 1 beneath it, which it finds 0 and may not set. */
  readonly hiddenCpuid: number;
  readonly hiddenEfer: number;
  /** Where walks of the guest's PAE tables find the PDPTEs: in registers that a MOV has loaded, or in memory at each walk. */
  readonly pdptes: 'in registers' | 'in memory';
  /** EFER is this at the next entry: its low half. */
  setEfer(processor: Processor, lo: number): void;
  /** Basic reason of VMX, of an exit of SVM's the one with the same cause. */
  exitReason(processor: Processor): number;
  /** The same as the processor has written it, for who looks on: no hypervisor's reading, which may itself exit. */
  writtenReason(processor: Processor): number;
  /** Interruption information of the event that the exit broke into; 0: none. */
  vectoring(processor: Processor): number;
  /** The next entry delivers that event, as if nothing had been; without one it delivers nothing. */
  reinjectVectored(processor: Processor): void;
  /** The next entry delivers this event. */
  inject(processor: Processor, information: number, errorCode: number): void;
  /** Vector of the interrupt that has exited. */
  acknowledge(processor: Processor): number;
  /** The guest would take an interrupt now. */
  takesInterrupts(processor: Processor): boolean;
  /** From now on, or no more, the guest exits as soon as it takes interrupts. */
  setWindow(processor: Processor, to: 'open' | 'closed'): void;
  /** The vCPU does nothing until an interrupt comes; and goes on. */
  halt(owner: ControlledVcpu): void;
  wake(owner: ControlledVcpu): void;
  io(processor: Processor): IoExit;
}

/** That of a processor: AMD's has VMCBs, Intel's VMCSs. */
export function controlBlockOf({ settings: { vendor } }: Processor): ControlBlock {
  return vendor === 'amd' ? vmcbControl : vmcsControl;
}
