import { ACTOR, SPACE } from '../../hardware/events/eventTable';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { ACCESS } from '../../hardware/paging/accessKinds';
import { useRefusedLeaf } from '../../hardware/paging/refusedLeaf';
import { type PagingRegisters, PDPTE_WORDS, TranslationSpace } from '../../hardware/paging/translationSpace';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK, WHY } from '../../hardware/paging/walkOutcome';
import { CR0, EFER } from '../../hardware/processor/controlRegisters';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { EPTP, SECONDARY, VMCS, type VmcsFieldName } from '../../hardware/vmx/vmcs';
import { secondaryControls } from '../../hardware/vmx/vmxTransitions';
import { FrameAddressing } from '../frameAddressing';
import type { GuestMemory } from '../guestMemory';
import type { Technique } from '../technique';
import { GuestHypervisorMemory } from './guestHypervisorMemory';
import type { NestingEpt } from './nestingEpt';
import { SlotAddressing } from '../slotMemory';
import { Vmcs12 } from './vmcs12';

const EPT_LEVELS = [4, 5];

/** L2's physical memory as L1's EPT has it: composed of EPT12 and L1's memslots, and looked up without a trace. */
class NestedMemory implements GuestMemory {
  private readonly ept12: TranslationSpace;

  constructor(private readonly guest: NestedGuest, private readonly outer: NestingEpt, cpu: number, readonly frames: number) {
    const { memory, bus, maxphyaddr } = outer.vm.host;
    this.ept12 = new TranslationSpace({
      memory, bus, tableSpace: SPACE.ept, actor: ACTOR.vmm, cpu, maxphyaddr, tables: new SlotAddressing(outer.vm.memory, cpu),
    });
  }

  /** L1's frame behind L2's `gfn`, or -1. What L1 does not let L2 read is there all the same. */
  l1FrameOf(gfn: number): number {
    const { words } = this.guest.vmcs12();
    if ((secondaryControls(words) & SECONDARY.enableEpt) === 0) return gfn;
    const eptpLo = words[VMCS.eptp]!;
    if (!EPT_LEVELS.includes(((eptpLo >>> EPTP.walkLengthShift) & EPTP.walkLengthMask) + 1)) return -1;
    this.ept12.useEpt(eptpLo, words[VMCS.eptp + 1]!);
    const { result } = this.ept12;
    if (walk(this.ept12, gfn << 12, gfn >>> 20, ACCESS.read, EFFECTS.none) !== WALK.mapped) {
      if (result.why !== WHY.rights) return -1;
      useRefusedLeaf(this.ept12, gfn << 12);
    }
    return frameOfAddress(result.gpaLo, result.gpaHi);
  }

  frameOf(gfn: number): number {
    const frame = this.l1FrameOf(gfn);
    return frame < 0 ? -1 : this.outer.vm.memory.frameOf(frame);
  }

  contentsOf(gfn: number): number {
    const frame = this.l1FrameOf(gfn);
    return frame < 0 ? -1 : this.outer.vm.memory.contentsOf(frame);
  }

  hvaPageOf(gfn: number): number {
    const frame = this.l1FrameOf(gfn);
    return frame < 0 ? -1 : this.outer.vm.memory.hvaPageOf(frame);
  }

  /** Only L1 can give L2 memory. */
  back(gfn: number): number {
    return this.frameOf(gfn);
  }

  gfnOf(frame: number): number {
    for (let gfn = 0; gfn < this.frames; gfn++) if (this.frameOf(gfn) === frame) return gfn;
    return -1;
  }
}

/** How a table of L2 is reached by its address: through EPT12 to L1's memory, and from there as any of L1's. */
class NestedTables extends FrameAddressing {
  constructor(private readonly memory: NestedMemory) {
    super();
  }

  locate(lo: number, hi: number): number {
    const frame = this.memory.contentsOf(frameOfAddress(lo, hi));
    if (frame < 0 && this.memory.hvaPageOf(frameOfAddress(lo, hi)) < 0) return WALK.tableUnreachable;
    return this.found(frame, lo);
  }
}

/**
 * L2 as questions and the inspector see it. Who virtualizes it is L1, which is a guest's program; what L0 does for it is
 * `NestingEpt`'s. Registers are the processor's while it runs L2, else what L1's VMCS keeps of them.
 */
export class NestedGuest implements Technique {
  readonly name = 'ept';
  readonly root = undefined;
  readonly vm = undefined;
  readonly listings = [];
  readonly guestMemory: NestedMemory;
  /** What L1 maps for it lies in L1's slots, and it has none of its own. */
  readonly dirtyLogging = { logDirty: () => false, getDirtyLog: () => undefined };
  private readonly region: Vmcs12;
  private readonly space: TranslationSpace;
  private readonly pdptes = new Int32Array(PDPTE_WORDS);

  /** `frames`: L2's own, by its slots; `regions`: L1's frames with the VMCS of each of its CPUs, which are on these processors. */
  constructor(
    private readonly outer: NestingEpt, private readonly processors: readonly Processor[], private readonly regions: readonly number[],
    frames: number,
  ) {
    const { memory, bus, maxphyaddr } = outer.vm.host;
    const first = processors[0]!;
    const composed = new NestedMemory(this, outer, first.cpu, frames);
    this.guestMemory = composed;
    this.region = new Vmcs12(new GuestHypervisorMemory(memory, outer.vm.memory, first.cpu));
    this.space = new TranslationSpace({
      memory, bus, tableSpace: SPACE.guest, actor: ACTOR.vmm, cpu: first.cpu, maxphyaddr, features: first.features,
      tables: new NestedTables(composed), topEntries: this.pdptes,
    });
  }

  /** L1's VMCS for the CPU that is on processor `cpu`, or of the first, with its fields read. */
  vmcs12(cpu?: number): Vmcs12 {
    const index = this.processors.findIndex((processor) => processor.cpu === cpu);
    this.region.use(this.regions[Math.max(0, index)]!);
    this.region.read();
    return this.region;
  }

  /** The processor runs this guest, and neither L1 nor another of its guests. */
  isRunning(cpu: number): boolean {
    const index = this.processors.findIndex((processor) => processor.cpu === cpu);
    return index >= 0 && this.outer.isInL2(cpu) && this.outer.states.of(cpu).current === this.regions[index];
  }

  outerFrameOf(gfn: number): number {
    return this.guestMemory.l1FrameOf(gfn);
  }

  unmapGfnRange(): void {
    // The host tells L0, and L0 takes back what EPT02 has of L1's frames.
  }

  prepare(): void {
    // L1 prepares its VMCS, or a loader has done so for it.
  }

  guestCr3Lo(cpu: number): number {
    return this.low(cpu, REGISTER.cr3, 'guest_cr3');
  }

  guestCr3Hi(cpu: number): number {
    return this.isRunning(cpu) ? this.processor(cpu).registers[2 * REGISTER.cr3 + 1]! : this.vmcs12(cpu).words[VMCS.guest_cr3 + 1]!;
  }

  guestEfer(cpu: number): number {
    return this.low(cpu, REGISTER.efer, 'guest_ia32_efer');
  }

  registersAside(cpu: number): Int32Array | undefined {
    return this.isRunning(cpu) ? undefined : this.vmcs12(cpu).words;
  }

  guestTables(cpu: number): TranslationSpace {
    const { space } = this;
    this.loadPdptes(cpu);
    const missing = space.usePaging(this.paging(cpu));
    if (missing !== undefined) throw new Error(`invariant: a nested guest in ${missing} paging, which has no format`);
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
    return this.outer.stopReason();
  }

  private paging(cpu: number): PagingRegisters {
    const { registers } = this.processor(cpu);
    const cr0 = this.low(cpu, REGISTER.cr0, 'guest_cr0');
    const efer = this.guestEfer(cpu) & ~EFER.LMA;
    return {
      cr0, cr4: this.low(cpu, REGISTER.cr4, 'guest_cr4'), efer: (cr0 & CR0.PG) !== 0 && (efer & EFER.LME) !== 0 ? efer | EFER.LMA : efer,
      rflags: this.low(cpu, REGISTER.rflags, 'guest_rflags'), pkru: registers[2 * REGISTER.pkru]!, pkrs: registers[2 * REGISTER.pkrs]!,
    };
  }

  private loadPdptes(cpu: number): void {
    if (this.isRunning(cpu)) {
      this.pdptes.set(this.processor(cpu).registers.subarray(2 * REGISTER.pdpte0, 2 * REGISTER.pdpte0 + PDPTE_WORDS));
      return;
    }
    const { words } = this.vmcs12(cpu);
    (['guest_pdpte0', 'guest_pdpte1', 'guest_pdpte2', 'guest_pdpte3'] as const).forEach((name, i) => {
      this.pdptes[2 * i] = words[VMCS[name]]!;
      this.pdptes[2 * i + 1] = words[VMCS[name] + 1]!;
    });
  }

  private low(cpu: number, register: number, field: VmcsFieldName): number {
    return this.isRunning(cpu) ? this.processor(cpu).registers[2 * register]! : this.vmcs12(cpu).words[VMCS[field]]!;
  }

  private processor(cpu: number): Processor {
    return this.processors.find((processor) => processor.cpu === cpu) ?? this.processors[0]!;
  }
}
