import type { EventBus } from '../hardware/events/eventBus';
import { ACTOR, SPACE } from '../hardware/events/eventTable';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import type { StateClaims } from '../hardware/state/registry';
import { IdentityAddressing } from '../hardware/paging/tableAddressing';
import { TranslationSpace } from '../hardware/paging/translationSpace';
import type { GuestMemory } from './guestMemory';
import { pdptesOf, useGuestRegisters } from './guestRegisters';
import { NativeDirtyLog } from './nativeDirtyLog';
import type { Technique } from './technique';
import type { GuestSlot } from './virtualMachine';

/** GPA = HPA: guest frames are the machine's own. */
class MachineMemory implements GuestMemory {
  readonly frames: number;

  constructor(private readonly slots: readonly GuestSlot[]) {
    this.frames = slots.reduce((end, { frame, frames }) => Math.max(end, frame + frames), 0);
  }

  frameOf(gfn: number): number {
    return this.slots.some(({ frame, frames }) => gfn >= frame && gfn < frame + frames) ? gfn : -1;
  }

  contentsOf(gfn: number): number {
    return this.frameOf(gfn);
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
  readonly vm = undefined;
  readonly listings = [];
  readonly guestMemory: GuestMemory;
  readonly dirtyLogging: NativeDirtyLog;
  /** By CPU. */
  private readonly spaces: readonly TranslationSpace[];

  constructor(
    memory: PhysicalMemory,
    bus: EventBus,
    private readonly processors: readonly Processor[],
    maxphyaddr: number,
    slots: readonly GuestSlot[],
    registry: StateClaims,
  ) {
    this.dirtyLogging = new NativeDirtyLog(registry, bus, slots);
    this.guestMemory = new MachineMemory(slots);
    this.spaces = processors.map(({ features, registers }, cpu) => new TranslationSpace({
      memory, bus, tableSpace: SPACE.guest, actor: ACTOR.walker, cpu, maxphyaddr, tables: new IdentityAddressing(), features,
      topEntries: pdptesOf(registers),
    }));
  }

  prepare(): void {
    // Nothing is entered: there is no VMCS in use.
  }

  noteStore(lo: number, hi: number, cpu: number): void {
    this.dirtyLogging.noteStore(lo, hi, cpu);
  }

  reload(): void {
    this.dirtyLogging.lookOn();
  }

  unmapGfnRange(): void {
    // Guest frames are the machine's own: no host changes them.
  }

  guestCr3Lo(cpu: number): number {
    return this.processors[cpu]!.registers[2 * REGISTER.cr3]!;
  }

  guestCr3Hi(cpu: number): number {
    return this.processors[cpu]!.registers[2 * REGISTER.cr3 + 1]!;
  }

  guestEfer(cpu: number): number {
    return this.processors[cpu]!.registers[2 * REGISTER.efer]!;
  }

  guestTables(cpu: number): TranslationSpace {
    const { registers } = this.processors[cpu]!;
    const space = this.spaces[cpu]!;
    useGuestRegisters(space, registers, registers[2 * REGISTER.cr0]!, registers[2 * REGISTER.cr4]!);
    space.useRoot(this.guestCr3Lo(cpu), this.guestCr3Hi(cpu));
    return space;
  }

  roots(): [] {
    return [];
  }

  tablePages(): number {
    return 0;
  }

  hasTripleFaulted(): boolean {
    return false;
  }

  stopReason(): string {
    return 'the machine stopped';
  }
}
