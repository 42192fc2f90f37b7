import { BUS_ACCESS } from '../memory/busAccess';
import { reportBusError } from '../events/busEvents';
import { type EventBus, setPair } from '../events/eventBus';
import { ACTOR, field, KIND } from '../events/eventTable';
import { CR0 } from '../processor/controlRegisters';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { REGISTER } from '../processor/registers';
import { EXIT_REASON } from './exitReasons';
import { SECONDARY, VMCS } from './vmcs';
import { secondaryControls } from './vmxTransitions';

/** Offsets into the virtualization-exception information area. SDM Vol. 3, "Virtualization-Exception Information". */
const AREA = { exitReason: 0, busy: 4, qualification: 8, linearAddress: 16, physicalAddress: 24, eptpIndex: 32 } as const;
/** Written to `busy`: software stores 0 there when it is ready for the next exception. */
const ALL_ONES = -1;
const EPTP_INDEX_MASK = 0xffff;

/** An EPT violation, as the VMCS would report it. Addresses and the qualification are pairs of halves. */
export interface ConvertedViolation {
  readonly qualification: number;
  readonly gvaLo: number;
  readonly gvaHi: number;
  readonly gpaLo: number;
  readonly gpaHi: number;
}

/**
 * EPT violations that become virtualization exceptions instead of VM exits. SDM Vol. 3, "Virtualization Exceptions". What
 * is not here: whether the EPT entry allows it (`WalkResult.convertible`), and the delivery of vector 20.
 */
export class VirtualizationExceptions {
  constructor(
    private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly memory: PhysicalMemory,
    private readonly bus: EventBus, private readonly cpu: number,
  ) {}

  /** Do the controls, protected mode and the information area let a convertible violation be converted? */
  mayConvert(): boolean {
    if ((secondaryControls(this.vmcs) & SECONDARY.eptViolationVe) === 0) return false;
    if ((this.registers[2 * REGISTER.cr0]! & CR0.PE) === 0) return false;
    reportBusError(this.memory, this.bus, this.cpu, this.areaLo + AREA.busy, this.areaHi, BUS_ACCESS.exceptionInformation);
    return this.memory.load32(this.areaLo + AREA.busy, this.areaHi) === 0;
  }

  /** Fills the information area. SDM Vol. 3, "Virtualization-Exception Information". */
  record(violation: ConvertedViolation): void {
    const { vmcs } = this;
    this.put(AREA.exitReason, EXIT_REASON.ept_violation);
    this.put(AREA.busy, ALL_ONES);
    this.putPair(AREA.qualification, violation.qualification, 0);
    this.putPair(AREA.linearAddress, violation.gvaLo, violation.gvaHi);
    this.putPair(AREA.physicalAddress, violation.gpaLo, violation.gpaHi);
    const indexAt = this.areaLo + AREA.eptpIndex;
    const beyond = this.memory.load32(indexAt, this.areaHi) & ~EPTP_INDEX_MASK;
    this.put(AREA.eptpIndex, beyond | (vmcs[VMCS.eptp_index]! & EPTP_INDEX_MASK));
    this.tell(violation);
  }

  private tell(violation: ConvertedViolation): void {
    const { bus } = this;
    if (bus.on[KIND.virtualization_exception] === 0) return;
    const record = bus.begin(KIND.virtualization_exception, ACTOR.walker, this.cpu);
    setPair(record, field.qualification.at, violation.qualification, 0);
    setPair(record, field.gva.at, violation.gvaLo, violation.gvaHi);
    setPair(record, field.gpa.at, violation.gpaLo, violation.gpaHi);
    setPair(record, field.hpa.at, this.areaLo, this.areaHi);
    record[field.index.at] = this.vmcs[VMCS.eptp_index]! & EPTP_INDEX_MASK;
    bus.commit();
  }

  private putPair(offset: number, lo: number, hi: number): void {
    this.put(offset, lo);
    this.put(offset + 4, hi);
  }

  private put(offset: number, value: number): void {
    this.memory.store32(this.areaLo + offset, this.areaHi, value);
  }

  /** The area lies within one page: its address is a multiple of 4 KBytes. */
  private get areaLo(): number {
    return this.vmcs[VMCS.virtualization_exception_information_address]!;
  }

  private get areaHi(): number {
    return this.vmcs[VMCS.virtualization_exception_information_address + 1]!;
  }
}
