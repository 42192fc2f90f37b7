import { type EventBus, setPair } from '../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../hardware/events/eventTable';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import { RESUME } from '../hardware/processor/rootMode';
import { controlBlockOf, type ControlBlock } from './controlBlock';
import { useGuestRegisters } from './guestRegisters';
import type { MmuNotifier } from './host/mmuNotifier';
import type { ListingProcedure, ListingRunner } from './listing';
import { OperandPages } from './operandPages';
import type { SlotMemory } from './slotMemory';
import type { VcpuState } from './vcpuState';
import type { VirtualMachine } from './virtualMachine';

/** A virtual CPU whose control registers and tables are the guest's own, and some or all of whose accesses are emulated. */
export class EmulatingVcpu {
  runner!: ListingRunner<never>;
  readonly memory: SlotMemory;
  readonly notifier: MmuNotifier;
  readonly vcpu: VcpuState;
  /** Where the operand lies, for an access that is emulated. */
  readonly operand: OperandPages;
  /** What a procedure that was asked for a condition came to: a `RESUME`. */
  cameTo = 0;
  /** Whose step this is, as events tell: this vCPU's but while the host's memory manager speaks through its notifiers. */
  actor: number;
  private readonly control: ControlBlock;

  constructor(readonly processor: Processor, protected readonly vm: VirtualMachine) {
    this.memory = vm.memory;
    this.notifier = vm.notifier;
    this.vcpu = vm.vcpus.of(processor.cpu);
    this.operand = new OperandPages(processor, vm.host.reach);
    this.actor = processor.cpu;
    this.control = controlBlockOf(processor);
  }

  get cpu(): number {
    return this.processor.cpu;
  }

  /** EFER as the guest has it: its low half. */
  get efer(): number {
    return this.processor.registers[2 * REGISTER.efer]! & ~this.control.hiddenEfer;
  }

  /** Nothing but the processor's own hangs on the guest's EFER. Gives a `RESUME`. */
  setEfer(lo: number): number {
    const { processor, control } = this;
    const whole = lo | control.hiddenEfer;
    control.setEfer(processor, whole);
    processor.registers[2 * REGISTER.efer] = whole;
    return RESUME.completed;
  }

  /** The guest's tables as they stand, ready to walk. */
  guestTables(): TranslationSpace {
    const space = this.vm.guestTables.of(this.cpu);
    const { registers } = this.processor;
    useGuestRegisters(space, registers, registers[2 * REGISTER.cr0]!, registers[2 * REGISTER.cr4]!);
    if (this.control.pdptes === 'in memory') space.useTopEntriesInMemory();
    space.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    return space;
  }

  /** True fault: no counter of its own, since delivery counts it. */
  reportTrueFault(gvaLo: number, gvaHi: number, code: number): void {
    reportTrueFault(this.vm.host.bus, this.cpu, gvaLo, gvaHi, code);
  }

  /** Runs another procedure of the listing with these parameters (pairs of halves). */
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number {
    return this.runner.call(procedure, this as never, this.cpu, parameters);
  }
}

/** An emulated access of the guest on `cpu` is refused by its own tables, with this error code. */
export function reportTrueFault(bus: EventBus, cpu: number, gvaLo: number, gvaHi: number, code: number): void {
  if (!bus.on[KIND.true_fault]) return;
  const record = bus.begin(KIND.true_fault, ACTOR.vmm, cpu);
  setPair(record, field.gva.at, gvaLo, gvaHi);
  record[field.code.at] = code;
  bus.commit();
}
