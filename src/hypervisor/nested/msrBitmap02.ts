import { PRIMARY, VMCS } from '../../hardware/vmx/vmcs';
import type { NestedMmu } from './nestedMmu';

const PAGE_WORDS = 1024;

/**
 * Bitmaps of what exits from L2 (KVM's nested_vmx_prepare_msr_bitmap): an MSR exits when L0 or L1 wants it. Without bitmaps of
 * L1's every MSR does, and these are not in use.
 */
export function mergeMsrBitmaps({ parts, msrBitmap, l1, vmcs12: { words } }: NestedMmu): void {
  if ((words[VMCS.primary_controls]! & PRIMARY.useMsrBitmaps) === 0) return;
  const { memory, msrBitmap: own } = parts.vm.host;
  const ofL1 = new Int32Array(PAGE_WORDS);
  l1.loadWords(words[VMCS.msr_bitmap]!, words[VMCS.msr_bitmap + 1]!, ofL1);
  for (let word = 0; word < PAGE_WORDS; word++) {
    const ofL0 = memory.load32((own << 12) | (word << 2), own >>> 20);
    memory.store32((msrBitmap << 12) | (word << 2), msrBitmap >>> 20, ofL0 | ofL1[word]!);
  }
}
