import type { HostReach } from './hostReach';

/** Host frame of the bitmaps: memory of the host's kernel, below the frames that its allocator gives away. */
const FRAME = 0x10;
/** Where the read bitmaps begin, for MSRs 0 to 1FFFH and C0000000H to C0001FFFH; write bitmaps follow 2 KBytes on. */
const READ_LOW = 0;
const READ_HIGH = 1024;
const WRITE = 2048;
const PAGE_BYTES = 4096;
const HIGH_MSRS = 0xc000_0000;

/**
 * MSRs that the guest may reach by itself, as KVM's vmx_possible_passthrough_msrs: each vCPU has its own, and none decides
 * how the hypervisor must translate.
 */
export const passedThrough = [0x174, 0x175, 0x176, 0xc000_0100, 0xc000_0101, 0xc000_0102] as const;
/** PKRS goes with VM entries and exits as a field of the VMCS. */
const IA32_PKRS = 0x6e1;

/** Fills the MSR bitmaps of a VM and gives their host frame. SDM Vol. 3, "MSR-Bitmap Address": 1 exits. */
export function makeMsrBitmap(memory: Pick<HostReach, 'load32' | 'store32'>): number {
  const base = FRAME << 12;
  for (let offset = 0; offset < PAGE_BYTES; offset += 4) memory.store32(base + offset, 0, -1);
  for (const msr of [...passedThrough, IA32_PKRS]) {
    const isHigh = msr >= HIGH_MSRS;
    const bit = msr - (isHigh ? HIGH_MSRS : 0);
    for (const from of [0, WRITE]) {
      const at = base + from + (isHigh ? READ_HIGH : READ_LOW) + ((bit >>> 5) << 2);
      memory.store32(at, 0, memory.load32(at, 0) & ~(1 << (bit & 31)));
    }
  }
  return FRAME;
}
