import { ALL_RIGHTS, EPT_RIGHTS } from '../../hardware/paging/accessRights';
import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, SPACE, field } from '../../hardware/events/eventTable';
import { EPT4 } from '../../hardware/paging/formats/ept4';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { VMCS } from '../../hardware/vmx/vmcs';
import { INVEPT } from '../../hardware/vmx/vmxInvalidations';
import { EntryMaker } from '../entryMaker';
import { EptLeaves, MMU_WRITABLE_HI } from './eptLeaves';
import { useGuestRegisters } from '../guestRegisters';
import { indexAt } from '../host/hostProcess';
import { LARGE_FRAMES, USE } from '../host/hostFrames';
import type { MmuNotifier } from '../host/mmuNotifier';
import type { ListingProcedure, ListingRunner } from '../listing';
import { OperandPages } from '../operandPages';
import { Pml } from './pml';
import type { SlotMemory } from '../slotMemory';
import type { VcpuState } from '../vcpuState';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';

/** SDM Vol. 3, "EPT and Memory Typing". */
const WRITE_BACK = 6;

/** What the listing of ept works on: one virtual CPU, and the VM's EPT. */
export class EptMmu {
  runner!: ListingRunner<EptMmu>;
  readonly memory: SlotMemory;
  readonly notifier: MmuNotifier;
  readonly vcpu: VcpuState;
  readonly levels = EPT4.levels;
  /** Where the operand lies, for an access that is emulated. */
  readonly operand: OperandPages;
  readonly leaves: EptLeaves;
  readonly pml: Pml;
  /** What a procedure that was asked for a condition came to: a `RESUME`. */
  cameTo = 0;
  /** Whose step this is, as events tell: this vCPU's but while the host's memory manager speaks through its notifiers. */
  actor: number;
  /** Entries that an invalidation has zapped. */
  zapped = 0;
  /** The entry that `findLeaf` found. */
  leafTable = 0;
  leafIndex = 0;
  leafLevel = 0;
  private readonly maker = new EntryMaker(EPT4);

  constructor(
    readonly cpu: number,
    readonly processor: Processor,
    private readonly vm: VirtualMachine,
    /** Host frame of the EPT PML4. */
    readonly rootFrame: number,
    /** Host frame of the page-modification log; -1: none. */
    logFrame: number,
    /** Who must see writes to some guest frames; undefined: nobody. */
    readonly tracking?: WriteTracking,
  ) {
    this.memory = vm.memory;
    this.notifier = vm.notifier;
    this.vcpu = vm.vcpus.of(cpu);
    this.operand = new OperandPages(processor);
    this.leaves = new EptLeaves(vm, rootFrame);
    this.pml = new Pml(processor, vm.host.memory, logFrame);
    this.actor = cpu;
  }

  /** The guest's tables as they stand, ready to walk. */
  guestTables(): TranslationSpace {
    const space = this.vm.guestTables.of(this.cpu);
    const { registers } = this.processor;
    useGuestRegisters(space, registers, registers[2 * REGISTER.cr0]!, registers[2 * REGISTER.cr4]!);
    space.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    return space;
  }

  /** True fault: no counter of its own, since delivery counts it. */
  reportTrueFault(gvaLo: number, gvaHi: number, code: number): void {
    const { bus } = this.vm.host;
    if (!bus.on[KIND.true_fault]) return;
    const record = bus.begin(KIND.true_fault, ACTOR.vmm, this.cpu);
    setPair(record, field.gva.at, gvaLo, gvaHi);
    record[field.code.at] = code;
    bus.commit();
  }

  /** EFER as the guest has it: its low half. */
  get efer(): number {
    return this.processor.registers[2 * REGISTER.efer]!;
  }

  /** Nothing of EPT hangs on the guest's EFER. Gives a `RESUME`. */
  setEfer(lo: number): number {
    this.processor.vmcs[VMCS.guest_ia32_efer] = lo;
    this.processor.registers[2 * REGISTER.efer] = lo;
    return RESUME.completed;
  }

  vmcs(field: number): number {
    return this.processor.vmcs[field]!;
  }

  /** Runs another procedure of the listing with these parameters (pairs of halves). */
  call(procedure: ListingProcedure<EptMmu>, ...parameters: readonly number[]): number {
    return this.runner.call(procedure, this, this.cpu, parameters);
  }

  /** What EPT entries gave is in no TLB any more. KVM makes the other vCPUs do it by IPI; here it is done at once. */
  flushRemoteTlbs(): void {
    for (const processor of this.vm.processors) {
      // While a nested guest runs, the VMCS has another EPTP.
      if (this.tracking !== undefined) processor.vmxInvalidations.invept(INVEPT.all, 0, 0);
      else processor.invept(this.vmcs(VMCS.eptp), this.vmcs(VMCS.eptp + 1));
    }
  }

  /** Looks for the first entry that maps a page with one of the guest frames from `gfn` up to `end` in it. */
  findLeaf(gfn: number, end: number): boolean {
    for (let at = gfn; at < end;) {
      let table = this.rootFrame;
      let level = this.levels;
      while (this.isPresent(table, indexAt(at, level)) && level > 1 && !this.isLarge(table, indexAt(at, level))) {
        table = this.tableAt(table, indexAt(at, level));
        level--;
      }
      if (this.isPresent(table, indexAt(at, level))) {
        this.leafTable = table;
        this.leafIndex = indexAt(at, level);
        this.leafLevel = level;
        return true;
      }
      const span = 2 ** (9 * (level - 1));
      at = (Math.floor(at / span) + 1) * span;
    }
    return false;
  }

  /** Takes a leaf away. */
  zap(table: number, index: number, level: number): void {
    this.vm.writer.write(SPACE.ept, ACTOR.vmm, this.actor, level, table, index, 0, 0);
    this.zapped++;
  }

  isLarge(table: number, index: number): boolean {
    return ((this.vm.writer.lo(table, index) >>> EPT4.leafBit) & 1) !== 0;
  }

  isPresent(table: number, index: number): boolean {
    return (this.vm.writer.lo(table, index) & EPT4.presentMask) !== 0;
  }

  /** Host frame of the table that a present entry references. */
  tableAt(table: number, index: number): number {
    return frameInEntry(this.vm.writer.lo(table, index), this.vm.writer.hi(table, index));
  }

  /** Puts a new, empty table under entry `index` of `table`, an entry of `level`; false when no host frame is left. */
  addTable(table: number, index: number, level: number): boolean {
    const frame = this.vm.frames.allocate(USE.eptTable, 0, this.cpu);
    if (frame < 0) return false;
    this.vm.writer.zeroFrame(frame);
    this.maker.make(frame, ALL_RIGHTS);
    this.vm.writer.write(SPACE.ept, ACTOR.vmm, this.cpu, level, table, index, this.maker.lo, this.maker.hi);
    return true;
  }

  /** An entry of `level` maps a page larger than those of the tables below. */
  isLargeLeaf(table: number, index: number, level: number): boolean {
    return level > 1 && this.isPresent(table, index) && this.isLarge(table, index);
  }

  /** An entry of `level`, above the last, references a table. */
  referencesTable(table: number, index: number, level: number): boolean {
    return level > 1 && this.isPresent(table, index) && !this.isLarge(table, index);
  }

  /** The entry of `level` maps a page, with W if `write` is 1. */
  allows(table: number, index: number, level: number, write: number): boolean {
    if (!this.isPresent(table, index) || this.referencesTable(table, index, level)) return false;
    const lo = this.vm.writer.lo(table, index);
    return (lo & EPT_RIGHTS.readable) !== 0 && (write === 0 || (lo & EPT_RIGHTS.writable) !== 0);
  }

  /** Takes away the table of small pages that an entry of level 2 references, and which maps none any more or the same. */
  dropTable(table: number, index: number, level: number): void {
    const frame = this.tableAt(table, index);
    this.vm.writer.write(SPACE.ept, ACTOR.vmm, this.cpu, level, table, index, 0, 0);
    this.vm.frames.release(frame);
  }

  /**
   * Maps the page of `gfn`, whose frame is `frame`, or at level 2 the 2 MBytes that both lie in: R, X and write-back, and W
   * unless it is withheld. Accessed and dirty are the processor's to set.
   */
  setPage(table: number, index: number, level: number, frame: number, gfn: number): void {
    const first = level === 1 ? frame : frame - (gfn % LARGE_FRAMES);
    this.maker.make(first, this.memory.withholdsWrite(gfn) === 0 && this.tracking?.isTracked(gfn) !== true ? ALL_RIGHTS : ALL_RIGHTS & ~EPT_RIGHTS.writable);
    this.maker.setMemoryType(WRITE_BACK);
    if (level > 1) this.maker.markLarge();
    if (this.memory.dirty.awaitsWrite(gfn) !== 0 && this.memory.isWritable(gfn)) this.maker.hi |= MMU_WRITABLE_HI;
    this.vm.writer.write(SPACE.ept, ACTOR.vmm, this.cpu, level, table, index, this.maker.lo, this.maker.hi);
  }
}
