import type { EventBus } from '../../hardware/events/eventBus';
import { ACTOR, SPACE } from '../../hardware/events/eventTable';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { EntryChange } from '../../hardware/paging/entryChange';
import { TranslationSpace } from '../../hardware/paging/translationSpace';
import type { WalkResult } from '../../hardware/paging/walkResult';
import type { Processor } from '../../hardware/processor/processor';
import type { RootMode } from '../../hardware/processor/rootMode';
import type { EntryContext } from '../../hardware/vmx/entryChecks/entryCheck';
import { EPTP, SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { INVEPT } from '../../hardware/vmx/vmxInvalidations';
import { secondaryControls } from '../../hardware/vmx/vmxTransitions';
import { reportTrueFault } from '../emulatingVcpu';
import type { MmuNotifier } from '../host/mmuNotifier';
import type { ListingProcedure, ListingRunner } from '../listing';
import { OperandPages } from '../operandPages';
import { SlotAddressing, type SlotMemory } from '../slotMemory';
import type { VcpuState } from '../vcpuState';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import type { Ept02 } from './ept02';
import { featuresOfL1 } from './featuresOfL1';
import { GuestHypervisorMemory } from './guestHypervisorMemory';
import { ModificationLog12 } from './modificationLog12';
import type { NestedState } from './nestedState';
import { pdptesOfL2 } from './pdptesOfL2';
import { TablesOfL2 } from './tablesOfL2';
import { Vmcs12 } from './vmcs12';
import type { NestedExit } from './wantedExits';

/** VPIDs of nested guests begin here: those of the VMs' own CPUs are below. */
const FIRST_VPID_02 = 0x8000;

/** L0's hypervisor of L1: what has nothing to do with nesting is its business. */
export interface OuterHypervisor extends RootMode {
  /** Clears W in the entry of EPT01 that maps L1's `gfn`, in a step of `cpu`; true when it had it. */
  writeProtect(gfn: number, cpu: number): boolean;
}

/** A processor in VMX non-root operation: as L1 has it, and as L2 does; the same one, unless L1 is a program of ours. */
export interface ProcessorModes {
  readonly l1: Processor;
  readonly l2: Processor;
}

/** What all CPUs of L1 share. */
export interface NestedParts {
  readonly vm: VirtualMachine;
  readonly ept02: Ept02;
  readonly outer: OuterHypervisor;
  /** Of each CPU. */
  readonly modes: Iterable<ProcessorModes>;
  readonly states: Iterable<NestedState>;
  /** L1's guest frame with the VMXON region, which is no VMCS. */
  readonly vmxonFrame: number;
  /** Who must see writes to tables of EPT12. */
  readonly tracking: WriteTracking;
}

/** What the listing of nested VMX works on: one virtual CPU of L1. */
export class NestedMmu {
  runner!: ListingRunner<NestedMmu>;
  readonly bus: EventBus;
  readonly vcpu: VcpuState;
  readonly memory: SlotMemory;
  readonly notifier: MmuNotifier;
  readonly l1: GuestHypervisorMemory;
  readonly vmcs12: Vmcs12;
  /** vmcs12 on the processor that L0 presents to L1: what its VM entries are checked against. */
  readonly entryContext: EntryContext;
  private readonly operands: readonly [ofL1: OperandPages, ofL2: OperandPages];
  /** What an emulated store makes of an entry. */
  readonly change: EntryChange;
  /** 1: rights were taken away in this exit, and a TLB may still hold them. */
  mustFlush = 0;
  /** For an access that is emulated. */
  readonly tablesOfL2: TablesOfL2;
  /** What a procedure that was asked for a condition came to: a `RESUME`. */
  cameTo = 0;
  private readonly ept12: TranslationSpace;
  /** The same behind L2's own tables. */
  private readonly behindL2: TranslationSpace;
  private readonly log12: ModificationLog12;

  /** `msrBitmap`: host frame of the MSR bitmaps that L2 runs with. */
  constructor(
    readonly cpu: number, readonly modes: ProcessorModes, readonly state: NestedState, readonly parts: NestedParts, readonly msrBitmap: number,
  ) {
    const { vm } = parts;
    const processor = modes.l1;
    const { memory, bus, maxphyaddr } = vm.host;
    const features = featuresOfL1(processor.features);
    this.bus = bus;
    this.vcpu = vm.vcpus.of(cpu);
    this.memory = vm.memory;
    this.notifier = vm.notifier;
    this.l1 = new GuestHypervisorMemory(memory, vm.memory, cpu);
    this.vmcs12 = new Vmcs12(this.l1);
    const makeEpt12 = (): TranslationSpace => new TranslationSpace({
      memory, bus, tableSpace: SPACE.ept, actor: ACTOR.vmm, cpu, maxphyaddr, features, tables: new SlotAddressing(vm.memory, cpu),
    });
    this.ept12 = makeEpt12();
    this.behindL2 = makeEpt12();
    this.tablesOfL2 = new TablesOfL2(vm, modes.l2, cpu, this.behindL2);
    this.operands = [new OperandPages(modes.l1, vm.host.reach), new OperandPages(modes.l2, vm.host.reach)];
    this.change = new EntryChange(memory);
    this.log12 = new ModificationLog12(this);
    // The checks read words of memory and nothing else of it.
    this.entryContext = { vmcs: this.vmcs12.words, memory: this.l1, features, maxphyaddr, pdptes: pdptesOfL2(this.l1, maxphyaddr) };
  }

  /** The processor, as what runs on it now has it. */
  get processor(): Processor {
    return this.state.guestMode === 1 ? this.modes.l2 : this.modes.l1;
  }

  /** Where the operand lies, for an access that is emulated. */
  get operand(): OperandPages {
    return this.operands[this.state.guestMode === 1 ? 1 : 0];
  }

  /** What the CPU has counted of L2 and for it; a thread of L1's that runs no L2 counts for itself. */
  get counters(): Float64Array {
    const { l1, l2 } = this.modes;
    return (l2.cpu === this.cpu ? l2 : l1).counters;
  }

  /** INVEPT of all contexts on this CPU. */
  invalidateAll(): void {
    invalidateAll(this.modes);
  }

  get ept02(): Ept02 {
    return this.parts.ept02;
  }

  /** Half of a field of the VMCS that the processor has: `VMCS.…` is the word of the low one. */
  vmcs(at: number): number {
    return this.processor.vmcs[at]!;
  }

  setVmcs(at: number, lo: number, hi: number): void {
    this.processor.vmcs[at] = lo;
    this.processor.vmcs[at + 1] = hi;
  }

  /** Runs another procedure of the listing with these parameters (pairs of halves). */
  call(procedure: ListingProcedure<NestedMmu>, ...parameters: readonly number[]): number {
    return this.runner.call(procedure, this, this.cpu, parameters);
  }

  /** `vmcs12` is L1's current VMCS from here on, of which there must be one; its page is there, for reading and writing. */
  mapVmcs12(): void {
    this.l1.back(this.state.current);
    this.vmcs12.use(this.state.current);
  }

  /** As `mapVmcs12`, and all of its fields are read. */
  readVmcs12(): void {
    this.mapVmcs12();
    this.vmcs12.read();
  }

  /** Half of a field of vmcs12 as it was read. */
  field12(at: number): number {
    return this.vmcs12.words[at]!;
  }

  /** Secondary controls of vmcs12 in force. */
  get secondary12(): number {
    return secondaryControls(this.vmcs12.words);
  }

  /** L1 translates L2's physical addresses by an EPT of its own. */
  get usesEpt12(): boolean {
    return (this.secondary12 & SECONDARY.enableEpt) !== 0;
  }

  /** EPT12 as vmcs12 names it, ready to walk; its result is that of the last walk. */
  eptTables(): TranslationSpace {
    return this.useEpt12(this.ept12);
  }

  /** L2's own tables as they stand, ready to walk for an access that is emulated, with EPT12 behind them. */
  guestTables(): TranslationSpace {
    this.useEpt12(this.behindL2);
    return this.tablesOfL2.use();
  }

  get tracking(): WriteTracking {
    return this.parts.tracking;
  }

  reportTrueFault(gvaLo: number, gvaHi: number, code: number): void {
    reportTrueFault(this.bus, this.cpu, gvaLo, gvaHi, code);
  }

  /** What the last walk of EPT12 learned. */
  get lastWalk(): WalkResult {
    return this.ept12.result;
  }

  /** L1's frame with the root of EPT12. */
  get rootGfn(): number {
    return frameInEntry(this.field12(VMCS.eptp), this.field12(VMCS.eptp + 1));
  }

  /** 1: L1 has accessed and dirty flags of its EPT off. */
  get adDisabled(): number {
    return this.field12(VMCS.eptp) & EPTP.accessedDirty ? 0 : 1;
  }

  /** VPID that L2 runs with, whatever L1 calls it; 0: VPIDs are not in use. */
  get vpid02(): number {
    const { vm } = this.parts;
    return vm.host.tags === 'on' ? FIRST_VPID_02 + vm.vpidOf(this.cpu) : 0;
  }

  /** The exit of L2, for who decides whose it is. */
  exitOfL2(): NestedExit {
    const { processor, l1 } = this;
    return {
      vmcs12: this.vmcs12.words, vmcs02: processor.vmcs, registers: processor.registers, pending: processor.pending,
      bits: { at: (lo, hi, bit) => (l1.load32((lo + (bit >>> 3)) & ~3, hi) >>> (bit & 31)) & 1 },
    };
  }

  /**
   * What EPT02 took back is in no TLB any more: INVEPT of all contexts, on every vCPU. KVM makes the others do it by IPI; here
   * it is done at once.
   */
  flushRemoteTlbs(): void {
    for (const modes of this.parts.modes) invalidateAll(modes);
  }

  private useEpt12(space: TranslationSpace): TranslationSpace {
    const modificationLog = this.secondary12 & SECONDARY.enablePml ? this.log12 : undefined;
    space.useEpt(this.field12(VMCS.eptp), this.field12(VMCS.eptp + 1), { modeBasedExecute: 'off', modificationLog });
    return space;
  }

  /** No entry may let L2 write L1's `gfn`: it is ROM, others have its page too, or its first write is to be logged. */
  withholdsWrite(gfn: number): boolean {
    return this.memory.withholdsWrite(gfn) !== 0;
  }
}

function invalidateAll({ l1, l2 }: ProcessorModes): void {
  l2.vmxInvalidations.invept(INVEPT.all, 0, 0);
  if (l1 !== l2) l1.vmxInvalidations.invept(INVEPT.all, 0, 0);
}
