/** What the processor accesses without being told by an instruction: `what` of an `implicit_access` event. */
export const SYSTEM_ACCESS = { gate: 0, descriptor: 1, taskState: 2, push: 3, pop: 4, ioPermission: 5 } as const;
export const systemAccessNames = [
  'gate of the IDT', 'segment descriptor', 'stack pointer in the TSS', 'push of the frame', 'pop of the frame',
  'I/O permission bit map in the TSS',
] as const;
