import type { EventBus } from '../hardware/events/eventBus';
import { ACTOR, SPACE } from '../hardware/events/eventTable';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { IdentityAddressing } from '../hardware/paging/tableAddressing';
import { TranslationSpace } from '../hardware/paging/translationSpace';
import type { GuestMemory } from './guestMemory';
import { useGuestRegisters } from './guestRegisters';
import type { Technique } from './technique';

/** GPA = HPA: guest frames are the machine's own. */
class MachineMemory implements GuestMemory {
  constructor(readonly frames: number) {}

  frameOf(gfn: number): number {
    return gfn < this.frames ? gfn : -1;
  }

  hvaPageOf(): number {
    return -1;
  }

  back(gfn: number): number {
    return this.frameOf(gfn);
  }

  gfnOf(frame: number): number {
    return this.frameOf(frame);
  }
}

/** No hypervisor: the guest has the machine to itself, and its slots are the physical memory map. */
export class Native implements Technique {
  readonly name = 'native';
  readonly root = undefined;
  readonly listings = [];
  readonly guestMemory: GuestMemory;
  private readonly space: TranslationSpace;

  constructor(
    memory: PhysicalMemory,
    bus: EventBus,
    private readonly processors: readonly Processor[],
    maxphyaddr: number,
    guestFrames: number,
  ) {
    this.guestMemory = new MachineMemory(guestFrames);
    this.space = new TranslationSpace({
      memory, bus, tableSpace: SPACE.guest, actor: ACTOR.walker, cpu: 0, maxphyaddr, tables: new IdentityAddressing(),
      features: processors[0]!.features,
    });
  }

  prepare(): void {
    // Nothing is entered: there is no VMCS in use.
  }

  guestCr3Lo(cpu: number): number {
    return this.processors[cpu]!.registers[2 * REGISTER.cr3]!;
  }

  guestCr3Hi(cpu: number): number {
    return this.processors[cpu]!.registers[2 * REGISTER.cr3 + 1]!;
  }

  guestTables(cpu: number): TranslationSpace {
    const { registers } = this.processors[cpu]!;
    useGuestRegisters(this.space, registers, registers[2 * REGISTER.cr0]!, registers[2 * REGISTER.cr4]!);
    this.space.useRoot(this.guestCr3Lo(cpu), this.guestCr3Hi(cpu));
    return this.space;
  }

  roots(): [] {
    return [];
  }

  tablePages(): number {
    return 0;
  }

  stopReason(): string {
    return 'the machine stopped';
  }
}
