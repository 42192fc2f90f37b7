import { PRIMARY, VMCS } from '../../hardware/vmx/vmcs';
import type { NestedMmu } from './nestedMmu';

const PAGE_BYTES = 4096;

/**
 * Bitmaps of what exits from L2 (KVM's nested_vmx_prepare_msr_bitmap): an MSR exits when L0 or L1 wants it. Without bitmaps of
 * L1's every MSR does, and these are not in use.
 */
export function mergeMsrBitmaps({ parts, msrBitmap, l1, vmcs12: { words } }: NestedMmu): void {
  if ((words[VMCS.primary_controls]! & PRIMARY.useMsrBitmaps) === 0) return;
  const { memory, msrBitmap: own } = parts.vm.host;
  for (let offset = 0; offset < PAGE_BYTES; offset += 4) {
    const ofL0 = memory.load32((own << 12) | offset, own >>> 20);
    const ofL1 = l1.load32(words[VMCS.msr_bitmap]! | offset, words[VMCS.msr_bitmap + 1]!);
    memory.store32((msrBitmap << 12) | offset, msrBitmap >>> 20, ofL0 | ofL1);
  }
}
