import { hasErrorCode } from '../../hardware/delivery/exceptions';
import { EFER } from '../../hardware/processor/controlRegisters';
import { STATUS, type Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { SEGMENT, SEGMENT_RIGHTS, SEGMENT_TYPE } from '../../hardware/segments/segmentRegisters';
import { SELECTOR } from './deliveryTables';


/** How a CPU comes from one privilege level to another: by `user`, into a handler, and back out of it. */
export interface PrivilegeSwitch {
  /** `user S` begins or ends, which costs nothing. */
  enter(processor: Processor, level: number): void;
  /** The processor has delivered a vector to a handler of CPL 0. */
  enterHandler(processor: Processor): void;
  /** IRET from the handler of `vector` to where `level` and `flags` were in force; a `STATUS`. */
  leaveHandler(processor: Processor, level: number, flags: number, vector: number): number;
}

/** The switch for CPUs whose vectors are delivered so, by their numbers. */
export function privilegeSwitchFor(deliveries: readonly ('direct' | 'memory')[]): PrivilegeSwitch {
  const direct = new DirectPrivilegeSwitch();
  const throughMemory = new MemoryPrivilegeSwitch();
  if (deliveries.every((delivery) => delivery === 'direct')) return direct;
  if (deliveries.every((delivery) => delivery === 'memory')) return throughMemory;
  return new PrivilegeSwitchOfEach(deliveries.map((delivery) => (delivery === 'memory' ? throughMemory : direct)));
}

/** Two VMs need not have the same delivery. */
class PrivilegeSwitchOfEach implements PrivilegeSwitch {
  constructor(private readonly byCpu: readonly PrivilegeSwitch[]) {}

  enter(processor: Processor, level: number): void {
    this.byCpu[processor.cpu]!.enter(processor, level);
  }

  enterHandler(processor: Processor): void {
    this.byCpu[processor.cpu]!.enterHandler(processor);
  }

  leaveHandler(processor: Processor, level: number, flags: number, vector: number): number {
    return this.byCpu[processor.cpu]!.leaveHandler(processor, level, flags, vector);
  }
}

/** `delivery direct`: vectors and IRET touch no memory. An interrupt gate clears IF. SDM Vol. 3, "Flag Usage By Exception- or Interrupt-Handler Procedure". */
class DirectPrivilegeSwitch implements PrivilegeSwitch {
  enter(processor: Processor, level: number): void {
    processor.setLevel(level);
  }

  enterHandler(processor: Processor): void {
    processor.setLevel(0);
    processor.guest.setInterruptFlag(0);
  }

  leaveHandler(processor: Processor, level: number, flags: number): number {
    processor.setLevel(level);
    processor.guest.setInterruptFlag(flags);
    return STATUS.done;
  }
}

const CODE_RIGHTS = SEGMENT_TYPE.accessed | SEGMENT_TYPE.readable | SEGMENT_TYPE.code | SEGMENT_RIGHTS.codeOrData | SEGMENT_RIGHTS.present | SEGMENT_RIGHTS.granularity;
const DATA_RIGHTS = SEGMENT_TYPE.accessed | SEGMENT_TYPE.writable | SEGMENT_RIGHTS.codeOrData | SEGMENT_RIGHTS.present | SEGMENT_RIGHTS.big | SEGMENT_RIGHTS.granularity;

/**
 * `delivery memory`: the processor has pushed a frame through the guest's tables, and IRET pops it. `user S` loads CS and SS
 * as the loads that lead to user mode would, so that the frame has the selectors to come back by.
 */
class MemoryPrivilegeSwitch implements PrivilegeSwitch {
  enter(processor: Processor, level: number): void {
    processor.setLevel(level);
    const { registers, guest } = processor;
    if (processor.isRealMode) return;
    const isLong = (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0;
    const dpl = level << SEGMENT_RIGHTS.dplShift;
    const flat = { limit: -1, baseLo: 0, baseHi: 0 };
    guest.setSegment(SEGMENT.cs, {
      ...flat, selector: level === 0 ? SELECTOR.kernelCode : SELECTOR.userCode,
      rights: CODE_RIGHTS | dpl | (isLong ? SEGMENT_RIGHTS.long : SEGMENT_RIGHTS.big),
    });
    guest.setSegment(SEGMENT.ss, { ...flat, selector: level === 0 ? SELECTOR.kernelData : SELECTOR.userData, rights: DATA_RIGHTS | dpl });
  }

  enterHandler(): void {
    // The gate has been entered: CPL, RFLAGS and stack are the handler's.
  }

  /** The error code is the handler's to take off the stack. SDM Vol. 3, "Error Code". */
  leaveHandler(processor: Processor, _level: number, _flags: number, vector: number): number {
    const { registers } = processor;
    const rsp = registers[2 * REGISTER.rsp]!;
    const isLong = (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0;
    // A fault of the IRET itself leaves the frame as it was, to be returned by again.
    if (hasErrorCode(vector) && !processor.isRealMode) registers[2 * REGISTER.rsp] = rsp + (isLong ? 8 : 4);
    const status = processor.interruptReturn();
    if (status !== STATUS.done) registers[2 * REGISTER.rsp] = rsp;
    return status;
  }
}
