import { fingerprintOf, nextDifference, nextSetWord } from '../hardware/memory/frameContents';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import { IdentityAddressing, type TableAddressing } from '../hardware/paging/tableAddressing';

/**
 * How a host's software reaches the memory that is physical to that host, by addresses and frames of its own. On the machine
 * itself these are the machine's; a host that is a guest has another hypervisor's tables below.
 */
export interface HostReach {
  /** Reads and writes as the host's software makes them; reading leaves no trace. */
  load32(lo: number, hi: number): number;
  store32(lo: number, hi: number, value: number): void;
  /** One store of 8 bytes, an entry. */
  store64(lo: number, hi: number, valueLo: number, valueHi: number): void;
  /** The machine's frame that has the contents of `frame`, or -1: none has been needed yet, and it reads as zeros. Leaves no trace. */
  frameOf(frame: number): number;
  /** The same behind a first read or write of the page by the host's software, which makes sure that there is one; -1: none was left. */
  touch(frame: number, how: 'read' | 'write'): number;
  /** Byte offset of the first word of a frame that is not 0, from `offset` on, or -1. Leaves no trace, as the next two. */
  nextSetWord(frame: number, offset: number): number;
  /** Byte offset of the first word in which two frames differ, from `offset` on, or -1. */
  nextDifference(one: number, other: number, offset: number): number;
  /** A number that frames of equal contents have in common. */
  fingerprint(frame: number): number;
  /** How walks that it makes reach tables whose addresses are physical to it. */
  tables(): TableAddressing;
}

/** The host that has the machine. */
export class MachineReach implements HostReach {
  constructor(private readonly memory: PhysicalMemory) {}

  load32(lo: number, hi: number): number {
    return this.memory.load32(lo, hi);
  }

  store32(lo: number, hi: number, value: number): void {
    this.memory.store32(lo, hi, value);
  }

  store64(lo: number, hi: number, valueLo: number, valueHi: number): void {
    this.memory.store32(lo, hi, valueLo);
    this.memory.store32(lo | 4, hi, valueHi);
  }

  frameOf(frame: number): number {
    return frame;
  }

  touch(frame: number): number {
    return frame;
  }

  nextSetWord(frame: number, offset: number): number {
    return nextSetWord(this.memory, frame, offset);
  }

  nextDifference(one: number, other: number, offset: number): number {
    return nextDifference(this.memory, one, other, offset);
  }

  fingerprint(frame: number): number {
    return fingerprintOf(this.memory, frame);
  }

  tables(): TableAddressing {
    return new IdentityAddressing();
  }
}
