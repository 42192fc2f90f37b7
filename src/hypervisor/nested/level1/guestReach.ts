import { fingerprintOf, nextDifference, nextSetWord } from '../../../hardware/memory/frameContents';
import { frameOfAddress } from '../../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../../hardware/memory/physicalMemory';
import type { TableAddressing } from '../../../hardware/paging/tableAddressing';
import { FrameAddressing } from '../../frameAddressing';
import type { HostReach } from '../../hostReach';
import type { SlotMemory } from '../../slotMemory';
import type { GuestCpu } from './guestCpu';

/** The swap device of L1: a part of the machine's memory that L0 has given it whole. */
export interface PassedThrough {
  /** L1's first frame of it, and the machine's. */
  readonly from: number;
  readonly machineFrame: number;
}

/** How L1 reaches its memory, which is a guest's: it writes by its processor, through EPT01. */
export class GuestReach implements HostReach {
  constructor(
    private readonly memory: PhysicalMemory, private readonly l0: SlotMemory, private readonly device: PassedThrough,
    /** The virtual CPU that L1 executes on at the moment. */
    private readonly executing: () => GuestCpu,
  ) {}

  load32(lo: number, hi: number): number {
    const frame = this.frameOf(frameOfAddress(lo, hi));
    return frame < 0 ? 0 : this.memory.load32((frame << 12) | (lo & 0xfff), frame >>> 20);
  }

  store32(lo: number, hi: number, value: number): void {
    const frame = frameOfAddress(lo, hi);
    if (frame < this.device.from) this.executing().store(lo, hi, 4, value, 0);
    else this.memory.store32((this.frameOf(frame) << 12) | (lo & 0xfff), this.frameOf(frame) >>> 20, value);
  }

  store64(lo: number, hi: number, valueLo: number, valueHi: number): void {
    this.executing().store(lo, hi, 8, valueLo, valueHi);
  }

  frameOf(frame: number): number {
    const { from, machineFrame } = this.device;
    return frame >= from ? machineFrame + frame - from : this.l0.frameOf(frame);
  }

  touch(frame: number, how: 'read' | 'write'): number {
    if (frame < this.device.from) this.executing().touch(frame, how);
    return this.frameOf(frame);
  }

  nextSetWord(frame: number, offset: number): number {
    return nextSetWord(this.memory, this.frameOf(frame), offset);
  }

  nextDifference(one: number, other: number, offset: number): number {
    return nextDifference(this.memory, this.frameOf(one), this.frameOf(other), offset);
  }

  fingerprint(frame: number): number {
    return fingerprintOf(this.memory, this.frameOf(frame));
  }

  tables(): TableAddressing {
    return new GuestTables(this);
  }
}

/** L1's own tables, as it walks them. */
class GuestTables extends FrameAddressing {
  constructor(private readonly reach: GuestReach) {
    super();
  }

  locate(lo: number, hi: number): number {
    return this.found(this.reach.frameOf(frameOfAddress(lo, hi)), lo);
  }
}
