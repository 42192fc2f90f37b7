import type { PermissionBits } from '../memory/permissionBits';
import { PRIMARY, VMCS } from './vmcs';

/** I/O bitmap A has a bit for each port up to 7FFFH, B for the others. */
const PORTS_PER_BITMAP = 0x8000;
const PORTS = 0x10000;

/** MSRs that the bitmaps have bits for, and where their read bitmap begins in the page; write bitmaps follow 2 KBytes on. */
const msrRanges = [
  { first: 0x0000_0000, last: 0x0000_1fff, byte: 0 },
  { first: 0xc000_0000, last: 0xc000_1fff, byte: 1024 },
] as const;
const WRITE_BITMAPS = 2048;

/**
 * Does IN or OUT of `size` bytes at `port` exit? With bitmaps by the bit of any port that it touches; one that wraps
 * round the 16-bit port space always exits. SDM Vol. 3, "Instructions That Cause VM Exits Conditionally".
 */
export function ioExits(vmcs: Int32Array, bits: Pick<PermissionBits, 'at'>, port: number, size: number): boolean {
  const primary = vmcs[VMCS.primary_controls]!;
  if ((primary & PRIMARY.useIoBitmaps) === 0) return (primary & PRIMARY.unconditionalIoExiting) !== 0;
  if (port + size > PORTS) return true;
  for (let each = port; each < port + size; each++) {
    const at = each < PORTS_PER_BITMAP ? VMCS.io_bitmap_a : VMCS.io_bitmap_b;
    if (bits.at(vmcs[at]!, vmcs[at + 1]!, each % PORTS_PER_BITMAP) !== 0) return true;
  }
  return false;
}

/**
 * Does RDMSR or WRMSR of `msr` exit? Without bitmaps, and outside their two ranges, always. SDM Vol. 3, "MSR-Bitmap
 * Address", "Instructions That Cause VM Exits Conditionally".
 */
export function msrExits(vmcs: Int32Array, bits: Pick<PermissionBits, 'at'>, msr: number, how: 'read' | 'write'): boolean {
  if ((vmcs[VMCS.primary_controls]! & PRIMARY.useMsrBitmaps) === 0) return true;
  const number = msr >>> 0;
  const range = msrRanges.find(({ first, last }) => number >= first && number <= last);
  if (range === undefined) return true;
  const bit = 8 * (range.byte + (how === 'write' ? WRITE_BITMAPS : 0)) + number - range.first;
  return bits.at(vmcs[VMCS.msr_bitmap]!, vmcs[VMCS.msr_bitmap + 1]!, bit) !== 0;
}
