import type { PhysicalMemory } from './physicalMemory';
import { RMW } from './readModifyWrite';

const PAGE_MASK = 0xfff;

/**
 * Reads and writes operands of 1, 2, 4 or 8 bytes in host-physical memory, of which those past the end of the first
 * page lie in a second one. 64-bit values are left in `lo`, `hi`; smaller ones are zero-extended.
 */
export class OperandAccess {
  lo = 0;
  hi = 0;

  constructor(private readonly memory: PhysicalMemory) {}

  /** (lo, hi): address of the first byte; (nextLo, nextHi): of the next page, for the bytes that lie there. */
  read(lo: number, hi: number, nextLo: number, nextHi: number, size: number): void {
    const { memory } = this;
    if ((lo & 3) === 0 && (lo & PAGE_MASK) + size <= PAGE_MASK + 1 && size >= 4) {
      this.lo = memory.load32(lo, hi);
      this.hi = size === 8 ? memory.load32(lo + 4, hi) : 0;
      return;
    }
    if ((lo & 3) + size <= 4) {
      this.lo = (memory.load32(lo & ~3, hi) >>> ((lo & 3) << 3)) & ((1 << (size << 3)) - 1);
      this.hi = 0;
      return;
    }
    this.lo = 0;
    this.hi = 0;
    for (let i = 0; i < size; i++) {
      const inNext = (lo & PAGE_MASK) + i > PAGE_MASK;
      const byte = inNext ? memory.load8(nextLo | ((lo + i) & PAGE_MASK), nextHi) : memory.load8(lo + i, hi);
      if (i < 4) this.lo |= byte << (i << 3);
      else this.hi |= byte << ((i - 4) << 3);
    }
  }

  write(lo: number, hi: number, nextLo: number, nextHi: number, size: number, valueLo: number, valueHi: number): void {
    const { memory } = this;
    if ((lo & 3) === 0 && (lo & PAGE_MASK) + size <= PAGE_MASK + 1 && size >= 4) {
      memory.store32(lo, hi, valueLo);
      if (size === 8) memory.store32(lo + 4, hi, valueHi);
      return;
    }
    for (let i = 0; i < size; i++) {
      const byte = (i < 4 ? valueLo >>> (i << 3) : valueHi >>> ((i - 4) << 3)) & 0xff;
      if ((lo & PAGE_MASK) + i > PAGE_MASK) memory.store8(nextLo | ((lo + i) & PAGE_MASK), nextHi, byte);
      else memory.store8(lo + i, hi, byte);
    }
  }

  take(lo: number, hi: number): void {
    this.lo = lo;
    this.hi = hi;
  }

  /**
   * `lo`, `hi` := what a read-modify-write makes of them and an operand, before truncation to its size. (expectedLo,
   * expectedHi), of the operand's size: what a compare-exchange compares with.
   */
  modify(rmw: number, operandLo: number, operandHi: number, expectedLo: number, expectedHi: number): void {
    const lo = this.lo;
    switch (rmw) {
      case RMW.add: {
        const sum = (lo >>> 0) + (operandLo >>> 0);
        this.lo = sum | 0;
        this.hi = (this.hi + operandHi + (sum > 0xffffffff ? 1 : 0)) | 0;
        return;
      }
      case RMW.subtract:
        this.lo = (lo - operandLo) | 0;
        this.hi = (this.hi - operandHi - ((lo >>> 0) < (operandLo >>> 0) ? 1 : 0)) | 0;
        return;
      case RMW.and: this.lo &= operandLo; this.hi &= operandHi; return;
      case RMW.or: this.lo |= operandLo; this.hi |= operandHi; return;
      case RMW.xor: this.lo ^= operandLo; this.hi ^= operandHi; return;
      case RMW.exchange: this.take(operandLo, operandHi); return;
      // SDM Vol. 2, "CMPXCHG—Compare and Exchange": the destination is written whichever way it goes.
      case RMW.compareExchange: if (lo === expectedLo && this.hi === expectedHi) this.take(operandLo, operandHi); return;
      default: throw new Error(`invariant: read-modify-write operation ${rmw} does not exist`);
    }
  }
}
