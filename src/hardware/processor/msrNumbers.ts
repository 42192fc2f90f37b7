/** Numbers of MSRs that the processor itself asks about, as ECX has them. SDM Vol. 4, "Architectural MSRs". */
export const MSR = { efer: 0xc000_0080, pkrs: 0x6e1 } as const;
