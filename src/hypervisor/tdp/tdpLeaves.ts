import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { setPair } from '../../hardware/events/eventBus';
import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { EntryMaker } from '../entryMaker';
import { USE } from '../host/hostFrames';
import { indexAt } from '../host/hostProcess';
import { mmioEntryHi, mmioEntryLo, mmioGeneration } from '../mmioEntry';
import type { VirtualMachine } from '../virtualMachine';
import type { TdpFormat } from './tdpFormat';

/** Bit 58, which the processor ignores, as in KVM: W may be given back without the host being asked. */
export const MMU_WRITABLE_HI = 1 << (58 - 32);

/** The last entries of a VM's EPT or nested tables as slots have them: MMIO, and those whose first write is to be noticed. */
export class TdpLeaves {
  /** The entry found or made last. */
  lo = 0;
  hi = 0;
  private table = 0;
  private index = 0;
  private level = 0;
  private readonly maker: EntryMaker;
  private readonly writable: number;
  private readonly dirty: number;

  constructor(private readonly vm: VirtualMachine, private readonly rootFrame: number, private readonly tdp: TdpFormat) {
    this.maker = new EntryMaker(tdp.format);
    this.writable = writableBit(tdp);
    this.dirty = 1 << tdp.format.dirtyBit;
  }

  /** Finds the entry that maps `gfn`, or ends the way to it, into `lo`, `hi`; true when it is a last one that is present. */
  find(gfn: number): boolean {
    const { vm: { writer }, tdp: { format } } = this;
    let table = this.rootFrame;
    let level = format.levels;
    for (;;) {
      const index = indexAt(gfn, level);
      this.table = table;
      this.index = index;
      this.level = level;
      this.lo = writer.lo(table, index);
      this.hi = writer.hi(table, index);
      if ((this.lo & format.presentMask) === 0) return false;
      if (level === 1 || ((this.lo >>> format.leafBit) & 1) !== 0) return true;
      table = frameInEntry(this.lo, this.hi);
      level--;
    }
  }

  /** The entry found last says that its frame is MMIO. */
  get isMmio(): boolean {
    return saysMmio(this.tdp, this.lo, this.hi);
  }

  /** The page of `gfn` is mapped without W, which dirty logging has withheld and a write gets back. */
  awaitsWrite(gfn: number): boolean {
    return this.find(gfn) && this.level === 1 && (this.lo & this.writable) === 0 && (this.hi & MMU_WRITABLE_HI) !== 0;
  }

  /** The first of guest frames `gfn` to `end - 1` whose entry lets a write pass that is to be `noticedBy` a fault or the processor; -1: none. */
  nextUnnoticed(gfn: number, end: number, noticedBy: 'fault' | 'processor'): number {
    for (let at = gfn; at < end;) {
      const isThere = this.find(at) && !this.isMmio;
      if (isThere && (this.isLarge || (this.lo & (noticedBy === 'fault' ? this.writable : this.dirty)) !== 0)) return at;
      const span = 2 ** (9 * (this.level - 1));
      at = (Math.floor(at / span) + 1) * span;
    }
    return -1;
  }

  /** The first of guest frames `gfn` to `end - 1` whose entry says MMIO; -1: none. */
  nextMmio(gfn: number, end: number): number {
    for (let at = gfn; at < end;) {
      if (this.find(at) && this.isMmio) return at;
      const span = 2 ** (9 * (this.level - 1));
      at = (Math.floor(at / span) + 1) * span;
    }
    return -1;
  }

  /** The entry found last maps a large page. */
  get isLarge(): boolean {
    return this.level > 1;
  }

  /** Gives W back to the entry found last. */
  giveWrite(cpu: number): void {
    this.write(this.lo | this.writable, this.hi & ~MMU_WRITABLE_HI, cpu);
  }

  /** Withholds W until the first write from the page that the entry found last maps. */
  withholdWrite(cpu: number): void {
    this.write(this.lo & ~(this.writable | this.dirty), this.hi | MMU_WRITABLE_HI, cpu);
  }

  /** Clears W of the page of `gfn`, whose writes somebody must see; of a larger page nothing is left. True when it had W. */
  writeProtect(gfn: number, cpu: number): boolean {
    if (!this.find(gfn) || this.isMmio || (this.lo & this.writable) === 0) return false;
    if (this.level === 1) this.write(this.lo & ~this.writable, this.hi, cpu);
    else this.write(0, this.tdp.absentHi, cpu);
    return true;
  }

  /** Has the processor log the next write to the page that the entry found last maps. */
  clearDirty(cpu: number): void {
    this.write(this.lo & ~this.dirty, this.hi, cpu);
  }

  /** Forgets what the entry of `gfn` says, of whatever kind it is. */
  zap(gfn: number, cpu: number): void {
    if (this.find(gfn)) this.write(0, this.tdp.absentHi, cpu);
  }

  /** Marks `gfn`, which no slot holds, as MMIO. Nothing when no host frame is left for the tables above: it is a convenience. */
  markMmio(gfn: number, cpu: number): void {
    const { tdp: { mmio, space } } = this;
    const generation = mmioGeneration(this.vm.slots.generation);
    if (!this.put(gfn, mmio.lo | mmioEntryLo(gfn, generation), mmio.hi | mmioEntryHi(gfn, generation), cpu)) return;
    const { bus } = this.vm.host;
    if (!bus.on[KIND.mmio_entry_made]) return;
    const record = bus.begin(KIND.mmio_entry_made, ACTOR.vmm, cpu);
    setPair(record, field.gpa.at, gfn << 12, gfn >>> 20);
    setPair(record, field.hpa.at, (this.table << 12) | (this.index << 3), this.table >>> 20);
    record[field.space.at] = space;
    record[field.value.at] = generation;
    bus.commit();
  }

  /** Writes (lo, hi) as the last entry of `gfn`, with the tables above it where they are missing; false when no host frame is left for them. */
  put(gfn: number, lo: number, hi: number, cpu: number): boolean {
    while (!this.find(gfn) && this.level > 1) {
      const frame = this.vm.frames.allocate(USE.eptTable, 0, cpu);
      if (frame < 0) return false;
      this.vm.writer.fillTable(frame, this.tdp.absentHi);
      this.maker.make(frame, ALL_RIGHTS);
      this.write(this.maker.lo, this.maker.hi, cpu);
    }
    this.write(lo, hi, cpu);
    return true;
  }

  private write(lo: number, hi: number, cpu: number): void {
    this.vm.writer.write(this.tdp.space, ACTOR.vmm, cpu, this.level, this.table, this.index, lo, hi);
    this.lo = lo;
    this.hi = hi;
  }
}

/** An entry (lo, hi) says MMIO. */
export function saysMmio({ mmio }: TdpFormat, lo: number, hi: number): boolean {
  return (lo & mmio.maskLo) === mmio.lo && (hi & mmio.maskHi) === mmio.hi;
}

/** The bit that gives W, in the low half of an entry. */
export function writableBit({ format: { rights } }: TdpFormat): number {
  const right = rights.find(({ name }) => name === 'writable');
  if (right === undefined) throw new Error('invariant: a format without a right to write');
  return 1 << right.bit;
}
