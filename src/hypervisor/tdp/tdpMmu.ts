import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { ACTOR } from '../../hardware/events/eventTable';
import { FAR_FRAME, frameInEntry } from '../../hardware/memory/frameNumber';
import type { Processor } from '../../hardware/processor/processor';
import { EmulatingVcpu } from '../emulatingVcpu';
import { EntryMaker } from '../entryMaker';
import { indexAt } from '../host/hostProcess';
import { LARGE_FRAMES, USE } from '../host/hostFrames';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import type { TdpFormat } from './tdpFormat';
import { MMU_WRITABLE_HI, saysMmio, TdpLeaves, writableBit } from './tdpLeaves';

/** Physical addresses have at most this many bits, and none is reserved then. */
const ADDRESS_BITS = 52;

/** What the listing of ept or npt works on: one virtual CPU, and the VM's tables of the second dimension. */
export abstract class TdpMmu extends EmulatingVcpu {
  readonly levels: number;
  readonly leaves: TdpLeaves;
  /** Entries that an invalidation has zapped. */
  zapped = 0;
  /** The entry that `findLeaf` found. */
  leafTable = 0;
  leafIndex = 0;
  leafLevel = 0;
  private readonly maker: EntryMaker;
  private readonly withoutWrite: number;

  constructor(
    processor: Processor,
    vm: VirtualMachine,
    readonly tdp: TdpFormat,
    /** Host frame of the root table. */
    readonly rootFrame: number,
    /** Who must see writes to some guest frames; undefined: nobody. */
    readonly tracking?: WriteTracking,
  ) {
    super(processor, vm);
    this.levels = tdp.format.levels;
    this.leaves = new TdpLeaves(vm, rootFrame, tdp);
    this.maker = new EntryMaker(tdp.format);
    this.withoutWrite = ALL_RIGHTS & ~(1 << tdp.format.rights.findIndex(({ name }) => name === 'writable'));
  }

  /** What entries of the second dimension gave is in no TLB any more. KVM makes the other vCPUs do it by IPI; here it is done at once. */
  abstract flushRemoteTlbs(): void;

  /** An entry can say that `gfn` is MMIO: there is room for the number, and a way to have it fault. */
  canMarkMmio(gfn: number): boolean {
    return gfn !== FAR_FRAME && (this.tdp.mmio.maskHi === 0 || this.vm.host.maxphyaddr < ADDRESS_BITS);
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
    this.write(this.actor, level, table, index, 0, this.tdp.absentHi);
    this.zapped++;
  }

  isLarge(table: number, index: number): boolean {
    return ((this.vm.writer.lo(table, index) >>> this.tdp.format.leafBit) & 1) !== 0;
  }

  isPresent(table: number, index: number): boolean {
    return (this.vm.writer.lo(table, index) & this.tdp.format.presentMask) !== 0;
  }

  /** Host frame of the table that a present entry references. */
  tableAt(table: number, index: number): number {
    return frameInEntry(this.vm.writer.lo(table, index), this.vm.writer.hi(table, index));
  }

  /** Puts a new, empty table under entry `index` of `table`, an entry of `level`; false when no host frame is left. */
  addTable(table: number, index: number, level: number): boolean {
    const frame = this.vm.frames.allocate(USE.eptTable, 0, this.cpu);
    if (frame < 0) return false;
    this.vm.writer.fillTable(frame, this.tdp.absentHi);
    this.maker.make(frame, ALL_RIGHTS);
    this.write(this.cpu, level, table, index, this.maker.lo, this.maker.hi);
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
    const { tdp, vm: { writer } } = this;
    const lo = writer.lo(table, index);
    const needed = write === 0 ? tdp.neededLo : tdp.neededLo | writableBit(tdp);
    return !saysMmio(tdp, lo, writer.hi(table, index)) && (lo & needed) === needed;
  }

  /** Takes away the table of small pages that an entry of level 2 references, and which maps none any more or the same. */
  dropTable(table: number, index: number, level: number): void {
    const frame = this.tableAt(table, index);
    this.write(this.cpu, level, table, index, 0, this.tdp.absentHi);
    this.vm.frames.release(frame);
  }

  /**
   * Maps the page of `gfn`, whose frame is `frame`, or at level 2 the 2 MBytes that both lie in, with all rights but W where
   * it is withheld. Accessed and dirty are the processor's to set.
   */
  setPage(table: number, index: number, level: number, frame: number, gfn: number): void {
    const { maker, memory, tracking, tdp } = this;
    const first = level === 1 ? frame : frame - (gfn % LARGE_FRAMES);
    maker.make(first, memory.withholdsWrite(gfn) === 0 && tracking?.isTracked(gfn) !== true ? ALL_RIGHTS : this.withoutWrite);
    maker.lo |= tdp.leafLo;
    maker.hi |= tdp.leafHi;
    if (level > 1) maker.markLarge();
    if (memory.dirty.awaitsWrite(gfn) !== 0 && memory.isWritable(gfn)) maker.hi |= MMU_WRITABLE_HI;
    this.write(this.cpu, level, table, index, maker.lo, maker.hi);
  }

  private write(actor: number, level: number, table: number, index: number, lo: number, hi: number): void {
    this.vm.writer.write(this.tdp.space, ACTOR.vmm, actor, level, table, index, lo, hi);
  }
}
