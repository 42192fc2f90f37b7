import { ACTOR, SPACE } from '../../hardware/events/eventTable';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { LEVEL_SLOTS } from '../../hardware/paging/compiledFormat';
import { NestedAddressing } from '../../hardware/paging/nestedAddressing';
import type { TableAddressing } from '../../hardware/paging/tableAddressing';
import { TranslationSpace } from '../../hardware/paging/translationSpace';
import { WALK } from '../../hardware/paging/walkOutcome';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { pdptesOf, useGuestRegisters } from '../guestRegisters';
import { SlotAddressing } from '../slotMemory';
import type { VirtualMachine } from '../virtualMachine';

/** Where a flag was set, in L1's guest-physical memory. */
interface FlaggedEntry {
  readonly lo: number;
  readonly hi: number;
}

/** How a table of L2 is reached for a walk by L0: through EPT12 to L1's memory, and from there as any of L1's. */
class ThroughEpt12 implements TableAddressing {
  hpaLo = 0;
  hpaHi = 0;
  /** Entries that walks have set a flag in, and that nobody has asked for yet. */
  readonly flagged: FlaggedEntry[] = [];
  private readonly through: NestedAddressing;
  private readonly slots: SlotAddressing;
  /** By level, L1's address of the entry. */
  private readonly entryLo = new Int32Array(LEVEL_SLOTS);
  private readonly entryHi = new Int32Array(LEVEL_SLOTS);

  constructor(vm: VirtualMachine, cpu: number, ept12: TranslationSpace) {
    this.through = new NestedAddressing(ept12);
    this.slots = new SlotAddressing(vm.memory, cpu);
  }

  locate(lo: number, hi: number, level: number, effects: number): number {
    const { through, slots } = this;
    const refused = through.locate(lo, hi, level, effects);
    if (refused !== WALK.mapped) return refused;
    this.entryLo[level] = through.hpaLo;
    this.entryHi[level] = through.hpaHi;
    const outcome = slots.locate(through.hpaLo, through.hpaHi, level, effects);
    this.hpaLo = slots.hpaLo;
    this.hpaHi = slots.hpaHi;
    return outcome;
  }

  allowsUpdate(lo: number, hi: number, level: number): number {
    const refused = this.through.allowsUpdate(lo, hi, level);
    if (refused !== WALK.mapped) return refused;
    const entry = { lo: this.entryLo[level]!, hi: this.entryHi[level]! };
    this.flagged.push(entry);
    return this.slots.allowsUpdate(entry.lo, entry.hi);
  }
}

/** The paging structures of L2, as L0 walks them for an access that it emulates; what they map is L1's guest-physical memory. */
export class TablesOfL2 {
  /** L1's guest-physical address of the entry taken last. */
  flaggedLo = 0;
  flaggedHi = 0;
  private readonly space: TranslationSpace;
  private readonly addressing: ThroughEpt12;

  /** `ept12`: EPT12 as a second dimension, in whose format and root the walk goes on. */
  constructor(vm: VirtualMachine, private readonly l2: Processor, cpu: number, ept12: TranslationSpace) {
    const { memory, bus, maxphyaddr } = vm.host;
    ept12.isNested = 1;
    this.addressing = new ThroughEpt12(vm, cpu, ept12);
    this.space = new TranslationSpace({
      memory, bus, tableSpace: SPACE.guest, actor: ACTOR.vmm, cpu, maxphyaddr, features: l2.features, tables: this.addressing,
      topEntries: pdptesOf(l2.registers),
    });
    this.space.nested = ept12;
  }

  /** Ready to walk, by L2's registers as they are. */
  use(): TranslationSpace {
    const { space, l2: { registers } } = this;
    useGuestRegisters(space, registers, registers[2 * REGISTER.cr0]!, registers[2 * REGISTER.cr4]!);
    space.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    return space;
  }

  /** Takes the next of the entries that walks have set a flag in, each once; false when there is none. */
  takeFlagged(): boolean {
    const entry = this.addressing.flagged.shift();
    if (entry === undefined) return false;
    this.flaggedLo = entry.lo;
    this.flaggedHi = entry.hi;
    return true;
  }

  /** L1's frame with the entry taken last. */
  get flaggedGfn(): number {
    return frameOfAddress(this.flaggedLo, this.flaggedHi);
  }
}
