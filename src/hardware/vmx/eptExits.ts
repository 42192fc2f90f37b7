import { VECTOR } from '../delivery/exceptions';
import type { EventBus } from '../events/eventBus';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { WALK } from '../paging/walkOutcome';
import type { WalkResult } from '../paging/walkResult';
import { EXIT_REASON } from './exitReasons';
import { EPT_QUALIFICATION } from './exitQualification';
import { VMCS } from './vmcs';
import { VirtualizationExceptions } from './virtualizationException';

/** The parts of a processor that EPT's refusals work on. */
export interface EptExitingProcessor {
  readonly cpu: number;
  readonly registers: Int32Array;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
}

/** Makes exits and exceptions of what has been decided, and knows what they would break into: `Interruption`. */
export interface EptExitMaker {
  exit(reason: number, qualificationLo: number, qualificationHi: number): number;
  raise(vector: number, errorCode: number, lo: number, hi: number): number;
  /** 1 while an event is being delivered through the IDT. */
  readonly isDelivering: number;
  /** 1 while an IRET that has just unblocked NMIs makes its accesses. */
  readonly hasUnblockedNmi: number;
}

/**
 * What a guest-physical access that EPT refuses leads to: EPT violation (or the virtualization exception in its place),
 * EPT misconfiguration, page-modification log-full event. SDM Vol. 3, "EPT Violations", "EPT Misconfigurations",
 * "Page-Modification Logging".
 */
export class EptExits {
  private readonly exceptions: VirtualizationExceptions;

  constructor(private readonly vmcs: Int32Array, processor: EptExitingProcessor, private readonly maker: EptExitMaker) {
    const { registers, memory, bus, cpu } = processor;
    this.exceptions = new VirtualizationExceptions(registers, vmcs, memory, bus, cpu);
  }

  /**
   * Comes back with what the exit or exception and its handling led to. `result`: of the walk that EPT refused; (lo, hi):
   * the linear address that the access was made for, 0 for a load of PDPTE registers, which has none.
   */
  refuse(result: WalkResult, lo: number, hi: number): number {
    const { exceptions, maker } = this;
    const { gpaLo, gpaHi } = result;
    if (result.outcome === WALK.modificationLogFull) return maker.exit(EXIT_REASON.pml_full, this.nmiUnblocking, 0);
    if (result.outcome === WALK.eptMisconfiguration) {
      this.keepAddresses(0, 0, gpaLo, gpaHi);
      return maker.exit(EXIT_REASON.ept_misconfiguration, 0, 0);
    }
    const qualification = result.qualification | this.nmiUnblocking;
    if (result.convertible !== 0 && maker.isDelivering === 0 && exceptions.mayConvert()) {
      exceptions.record({ qualification, gvaLo: lo, gvaHi: hi, gpaLo, gpaHi });
      return maker.raise(VECTOR.virtualization, 0, lo, hi);
    }
    this.keepAddresses(lo, hi, gpaLo, gpaHi);
    return maker.exit(EXIT_REASON.ept_violation, qualification, 0);
  }

  private keepAddresses(gvaLo: number, gvaHi: number, gpaLo: number, gpaHi: number): void {
    const { vmcs } = this;
    vmcs[VMCS.guest_linear_address] = gvaLo;
    vmcs[VMCS.guest_linear_address + 1] = gvaHi;
    vmcs[VMCS.guest_physical_address] = gpaLo;
    vmcs[VMCS.guest_physical_address + 1] = gpaHi;
  }

  /** While an event is delivered the bit is undefined, and 0 here. SDM Vol. 3, "Exit Qualification for EPT Violations". */
  private get nmiUnblocking(): number {
    const { isDelivering, hasUnblockedNmi } = this.maker;
    return hasUnblockedNmi !== 0 && isDelivering === 0 ? EPT_QUALIFICATION.nmiUnblocking : 0;
  }
}
