import { OPERATION } from '../paging/accessKinds';
import { cpuid, type CpuidLeaf } from './cpuid';
import { VECTOR } from '../delivery/exceptions';
import { type InstructionEnd, RETRY_LIMIT } from './instructionEnd';
import { NO_EXIT } from './instructionExits';
import type { Interruption } from './interruption';
import type { ModelSpecificRegisters } from './modelSpecificRegisters';
import type { IoPermission } from './ioPermission';
import type { Ports } from './ports';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorFeatures } from './processorFeatures';
import type { RegisterInstructions } from './registerInstructions';
import { ACTIVITY, REGISTER } from './registers';
import { type PendingOperation, RESUME } from './rootMode';

const RAX = 2 * REGISTER.rax;
const RBX = 2 * REGISTER.rbx;
const RCX = 2 * REGISTER.rcx;
const RDX = 2 * REGISTER.rdx;
const PORT_MASK = 0xffff;
const HIGH_ACCUMULATOR = -1 << 16;

/** The parts of a processor that instructions of the system work on. */
export interface SystemProcessor {
  readonly cpu: number;
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
  readonly registers: Int32Array;
  readonly pending: PendingOperation;
  readonly msrs: ModelSpecificRegisters;
  readonly ports: Ports;
  readonly permission: IoPermission;
  readonly onRegisters: RegisterInstructions;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  readonly end: InstructionEnd;
}

/**
 * CPUID, HLT, VMCALL, IN, OUT, RDMSR and WRMSR with their operands in the registers that the manual names; each comes back
 * with a `STATUS`. Of what may stop one, #UD and the checks of privilege come first, then the exit, then all else.
 * SDM Vol. 3, "Relative Priority of Faults and VM Exits".
 */
export class SystemInstructions {
  constructor(private readonly processor: SystemProcessor) {}

  /** CPUID of the leaf in EAX and the subleaf in ECX, at any CPL. */
  cpuid(): number {
    const { registers, interruption } = this.processor;
    return this.run(OPERATION.cpuid, 'CPUID', registers[RAX]!, 0, 0, () => {
      const exit = interruption.exits.cpuid();
      if (exit !== NO_EXIT) return exit;
      const { cpu, vendor, maxphyaddr, features } = this.processor;
      const cr4 = registers[2 * REGISTER.cr4]!;
      this.setIdentification(cpuid({ cpu, vendor, maxphyaddr, features, cr4 }, registers[RAX]!, registers[RCX]!));
      return RESUME.completed;
    });
  }

  /** HLT: the processor does nothing more until an interrupt comes. */
  hlt(): number {
    const { registers, interruption } = this.processor;
    return this.run(OPERATION.hlt, 'HLT', 0, 0, 0, () => {
      if (this.level !== 0) return this.generalProtection();
      const exit = interruption.exits.hlt();
      if (exit !== NO_EXIT) return exit;
      registers[2 * REGISTER.activity] = ACTIVITY.hlt;
      return RESUME.completed;
    });
  }

  /** VMCALL, on AMD VMMCALL: an exit at any CPL, and #UD where there is no hypervisor to call. */
  vmcall(): number {
    const { interruption } = this.processor;
    return this.run(OPERATION.vmcall, 'VMCALL', 0, 0, 0, () => {
      const exit = interruption.exits.vmcall();
      return exit === NO_EXIT ? interruption.raise(VECTOR.invalidOpcode, 0, 0, 0) : exit;
    });
  }

  /** IN of 1, 2 or 4 bytes from the port in DX to AL, AX or EAX. */
  input(size: number): number {
    const { registers, ports } = this.processor;
    return this.io(OPERATION.input, 'IN', size, (port) => {
      const device = ports.deviceAt(port, size);
      const value = device === undefined ? -1 : device.read(port, size) | 0;
      if (size === 4) {
        registers[RAX] = value;
        registers[RAX + 1] = 0;
        return;
      }
      const keeps = size === 1 ? HIGH_ACCUMULATOR >> 8 : HIGH_ACCUMULATOR;
      registers[RAX] = (registers[RAX]! & keeps) | (value & ~keeps);
    });
  }

  /** OUT of 1, 2 or 4 bytes of AL, AX or EAX to the port in DX. */
  output(size: number): number {
    const { registers, ports } = this.processor;
    return this.io(OPERATION.output, 'OUT', size, (port) => {
      const value = size === 4 ? registers[RAX]! >>> 0 : registers[RAX]! & ((1 << (size << 3)) - 1);
      ports.deviceAt(port, size)?.write(port, size, value);
    });
  }

  /** RDMSR of the MSR in ECX to EDX:EAX. */
  rdmsr(): number {
    const { registers, msrs, interruption } = this.processor;
    return this.run(OPERATION.rdmsr, 'RDMSR', registers[RCX]!, 0, 0, () => {
      if (this.level !== 0) return this.generalProtection();
      const exit = interruption.exits.msr(registers[RCX]!, 'read');
      if (exit !== NO_EXIT) return exit;
      const source = msrs.at(registers[RCX]!)?.source;
      if (source === undefined) return this.generalProtection();
      if (source.kind === 'functions' && source.read === undefined) return this.generalProtection();
      const [lo, hi] = source.kind === 'functions' ? source.read?.() ?? [0, 0]
        : [registers[2 * source.register]!, registers[2 * source.register + 1]!];
      this.setPair(RAX, lo);
      this.setPair(RDX, hi);
      return RESUME.completed;
    });
  }

  /** WRMSR of EDX:EAX to the MSR in ECX. */
  wrmsr(): number {
    const { registers, msrs, interruption, onRegisters } = this.processor;
    return this.run(OPERATION.wrmsr, 'WRMSR', registers[RCX]!, registers[RAX]!, registers[RDX]!, () => {
      if (this.level !== 0) return this.generalProtection();
      const exit = interruption.exits.msr(registers[RCX]!, 'write');
      if (exit !== NO_EXIT) return exit;
      const source = msrs.at(registers[RCX]!)?.source;
      if (source === undefined) return this.generalProtection();
      if (source.kind === 'register') return onRegisters.complete(source.register, registers[RAX]!, registers[RDX]!);
      const isTaken = source.write?.(registers[RAX]!, registers[RDX]!) ?? false;
      return isTaken ? RESUME.completed : this.generalProtection();
    });
  }

  /** I/O permission is a matter of privilege: it goes before the exit. */
  private io(operation: number, name: string, size: number, act: (port: number) => void): number {
    const { registers, permission, interruption } = this.processor;
    const port = registers[RDX]! & PORT_MASK;
    this.processor.pending.size = size;
    return this.run(operation, name, port, registers[RAX]!, 0, () => {
      const refusal = permission.ask(port, size);
      if (refusal !== RESUME.completed) return refusal;
      const exit = interruption.exits.io(port, size, operation === OPERATION.input ? 'in' : 'out');
      if (exit !== NO_EXIT) return exit;
      act(port);
      return RESUME.completed;
    });
  }

  /** `attempt` answers a `RESUME` or EXCEPTION. `index` and (lo, hi): leaf, port or MSR, and what is written, for who is told. */
  private run(operation: number, name: string, index: number, lo: number, hi: number, attempt: () => number): number {
    const { pending, events, end } = this.processor;
    pending.operation = operation;
    pending.register = index;
    pending.operandLo = lo;
    pending.operandHi = hi;
    events.systemInstruction(operation, index, lo, hi);
    for (let i = 0; i < RETRY_LIMIT; i++) {
      const next = attempt();
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp(`${name} exits again and again`);
  }

  private setIdentification({ eax, ebx, ecx, edx }: CpuidLeaf): void {
    this.setPair(RAX, eax);
    this.setPair(RBX, ebx);
    this.setPair(RCX, ecx);
    this.setPair(RDX, edx);
  }

  /** A 32-bit result clears the upper half. */
  private setPair(at: number, lo: number): void {
    this.processor.registers[at] = lo;
    this.processor.registers[at + 1] = 0;
  }

  private generalProtection(): number {
    return this.processor.interruption.raise(VECTOR.generalProtection, 0, 0, 0);
  }

  private get level(): number {
    return this.processor.registers[2 * REGISTER.cpl]!;
  }
}
