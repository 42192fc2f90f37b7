import { RFLAGS } from '../hardware/processor/controlRegisters';
import { STATUS, type Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';

const RFLAGS_AT = 2 * REGISTER.rflags;

/** How a CPU comes from one privilege level to another: by `user`, into a handler, and back out of it. */
export interface PrivilegeSwitch {
  /** `user S` begins or ends, which costs nothing. */
  enter(processor: Processor, level: number): void;
  /** The processor has delivered a vector to a handler of CPL 0. */
  enterHandler(processor: Processor): void;
  /** IRET to where `level` and `flags` were in force; a `STATUS`. */
  leaveHandler(processor: Processor, level: number, flags: number): number;
}

/** `delivery direct`: vectors and IRET touch no memory. An interrupt gate clears IF. SDM Vol. 3, "Flag Usage By Exception- or Interrupt-Handler Procedure". */
export class DirectPrivilegeSwitch implements PrivilegeSwitch {
  enter(processor: Processor, level: number): void {
    processor.setLevel(level);
  }

  enterHandler(processor: Processor): void {
    processor.setLevel(0);
    processor.registers[RFLAGS_AT]! &= ~RFLAGS.IF;
  }

  leaveHandler(processor: Processor, level: number, flags: number): number {
    processor.setLevel(level);
    processor.registers[RFLAGS_AT] = (processor.registers[RFLAGS_AT]! & ~RFLAGS.IF) | (flags & RFLAGS.IF);
    return STATUS.done;
  }
}
