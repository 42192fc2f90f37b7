/** What an IPI does at its destination. SDM Vol. 3, "Interrupt Command Register (ICR)". */
export const DELIVERY_MODE = { fixed: 0, lowestPriority: 1, smi: 2, nmi: 4, init: 5, startUp: 6 } as const;
export const ipiNames = ['fixed', 'lowest priority', 'SMI', '', 'NMI', 'INIT', 'start-up'] as const;
