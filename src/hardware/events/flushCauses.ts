/** Operations that invalidate translations: `what` of a `tlb_flush` event. */
export const FLUSH = {
  invlpg: 0, movCr3: 1, movCr0: 2, movCr4: 3, vmEntry: 4, invept: 5, invvpid: 6, invvpidAddress: 7,
  tlbControl: 8, invlpga: 9, invpcid: 10, vmExit: 11,
} as const;
export const flushCauseNames = [
  'INVLPG', 'MOV to CR3', 'MOV to CR0', 'MOV to CR4', 'VM entry without VPID', 'INVEPT', 'INVVPID', 'INVVPID of one address',
  'TLB_CONTROL of VMRUN', 'INVLPGA', 'INVPCID', 'VM exit without VPID',
] as const;
