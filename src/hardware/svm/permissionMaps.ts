import type { PermissionBits } from '../memory/permissionBits';

/** Bytes of each map. APM Vol. 2, "I/O Permissions Map", "MSR Permissions Map". */
export const IOPM_BYTES = 0x3000;
export const MSRPM_BYTES = 0x2000;

/** MSRs that the map has bits for: two each, 2 KBytes a range. */
const msrRanges = [
  { first: 0x0000_0000, byte: 0x000 },
  { first: 0xc000_0000, byte: 0x800 },
  { first: 0xc001_0000, byte: 0x1000 },
] as const;
const RANGE_MSRS = 0x2000;
const BITS_PER_MSR = 2;

/**
 * Does IN or OUT of `size` bytes at `port` exit? One bit per port; an access that reaches past port 65535 finds the
 * bits that follow in the map. (lo, hi): IOPM_BASE_PA, of which bits 11:0 are ignored.
 */
export function ioIntercepted(bits: PermissionBits, lo: number, hi: number, port: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (bits.at(lo & ~0xfff, hi, port + i) !== 0) return true;
  return false;
}

/** Number of the first of the two bits that an MSR has, for RDMSR; the next is for WRMSR. Undefined: it has none, and always exits. */
export function msrPermissionBit(msr: number): number | undefined {
  const number = msr >>> 0;
  const range = msrRanges.find(({ first }) => number >= first && number < first + RANGE_MSRS);
  return range === undefined ? undefined : 8 * range.byte + BITS_PER_MSR * (number - range.first);
}

/** Does RDMSR or WRMSR of `msr` exit? An MSR outside the map's ranges always does. (lo, hi): MSRPM_BASE_PA. */
export function msrIntercepted(bits: PermissionBits, lo: number, hi: number, msr: number, how: 'read' | 'write'): boolean {
  const bit = msrPermissionBit(msr);
  return bit === undefined || bits.at(lo & ~0xfff, hi, how === 'write' ? bit + 1 : bit) !== 0;
}
