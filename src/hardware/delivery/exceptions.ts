/** How an exception leaves the instruction: before it (fault), behind it (trap), or nowhere that one can go on from. */
export type ExceptionClass = 'fault' | 'trap' | 'fault or trap' | 'abort' | 'interrupt';
/** What a second event of the kind makes of a first. SDM Vol. 3, "Interrupt 8—Double Fault Exception (#DF)". */
export type DoubleFaultClass = 'benign' | 'contributory' | 'page fault' | 'double fault';

/** One vector that the processor itself raises. SDM Vol. 3, "Exception and Interrupt Reference". */
export interface ExceptionRow {
  readonly vector: number;
  readonly key: string;
  /** As the manual writes it. */
  readonly mnemonic: string;
  readonly name: string;
  readonly class: ExceptionClass;
  /** Is an error code pushed? In real-address mode none ever is. */
  readonly errorCode: 'none' | 'always' | 'zero';
  readonly doubleFault: DoubleFaultClass;
}

export const exceptions = [
  { vector: 0, key: 'divideError', mnemonic: '#DE', name: 'Divide Error', class: 'fault', errorCode: 'none', doubleFault: 'contributory' },
  { vector: 1, key: 'debug', mnemonic: '#DB', name: 'Debug Exception', class: 'fault or trap', errorCode: 'none', doubleFault: 'benign' },
  { vector: 2, key: 'nonMaskableInterrupt', mnemonic: 'NMI', name: 'NMI Interrupt', class: 'interrupt', errorCode: 'none', doubleFault: 'benign' },
  { vector: 3, key: 'breakpoint', mnemonic: '#BP', name: 'Breakpoint', class: 'trap', errorCode: 'none', doubleFault: 'benign' },
  { vector: 4, key: 'overflow', mnemonic: '#OF', name: 'Overflow', class: 'trap', errorCode: 'none', doubleFault: 'benign' },
  { vector: 5, key: 'boundRangeExceeded', mnemonic: '#BR', name: 'BOUND Range Exceeded', class: 'fault', errorCode: 'none', doubleFault: 'benign' },
  { vector: 6, key: 'invalidOpcode', mnemonic: '#UD', name: 'Invalid Opcode', class: 'fault', errorCode: 'none', doubleFault: 'benign' },
  { vector: 7, key: 'deviceNotAvailable', mnemonic: '#NM', name: 'Device Not Available', class: 'fault', errorCode: 'none', doubleFault: 'benign' },
  { vector: 8, key: 'doubleFault', mnemonic: '#DF', name: 'Double Fault', class: 'abort', errorCode: 'zero', doubleFault: 'double fault' },
  { vector: 9, key: 'coprocessorSegmentOverrun', mnemonic: 'vector 9', name: 'Coprocessor Segment Overrun', class: 'abort', errorCode: 'none', doubleFault: 'benign' },
  { vector: 10, key: 'invalidTss', mnemonic: '#TS', name: 'Invalid TSS', class: 'fault', errorCode: 'always', doubleFault: 'contributory' },
  { vector: 11, key: 'segmentNotPresent', mnemonic: '#NP', name: 'Segment Not Present', class: 'fault', errorCode: 'always', doubleFault: 'contributory' },
  { vector: 12, key: 'stackFault', mnemonic: '#SS', name: 'Stack-Segment Fault', class: 'fault', errorCode: 'always', doubleFault: 'contributory' },
  { vector: 13, key: 'generalProtection', mnemonic: '#GP', name: 'General Protection', class: 'fault', errorCode: 'always', doubleFault: 'contributory' },
  { vector: 14, key: 'pageFault', mnemonic: '#PF', name: 'Page Fault', class: 'fault', errorCode: 'always', doubleFault: 'page fault' },
  { vector: 16, key: 'floatingPoint', mnemonic: '#MF', name: 'x87 FPU Floating-Point Error', class: 'fault', errorCode: 'none', doubleFault: 'benign' },
  { vector: 17, key: 'alignmentCheck', mnemonic: '#AC', name: 'Alignment Check', class: 'fault', errorCode: 'zero', doubleFault: 'benign' },
  { vector: 18, key: 'machineCheck', mnemonic: '#MC', name: 'Machine Check', class: 'abort', errorCode: 'none', doubleFault: 'benign' },
  { vector: 19, key: 'simdFloatingPoint', mnemonic: '#XM', name: 'SIMD Floating-Point Exception', class: 'fault', errorCode: 'none', doubleFault: 'benign' },
  { vector: 20, key: 'virtualization', mnemonic: '#VE', name: 'Virtualization Exception', class: 'fault', errorCode: 'none', doubleFault: 'page fault' },
  { vector: 21, key: 'controlProtection', mnemonic: '#CP', name: 'Control Protection Exception', class: 'fault', errorCode: 'always', doubleFault: 'contributory' },
] as const satisfies readonly ExceptionRow[];

export type ExceptionKey = (typeof exceptions)[number]['key'];

/** Vector of each exception, by key. */
export const VECTOR = Object.fromEntries(exceptions.map((row) => [row.key, row.vector])) as Record<ExceptionKey, number>;

const byVector: readonly (ExceptionRow | undefined)[] =
  Array.from({ length: 32 }, (_, vector) => exceptions.find((row) => row.vector === vector));

/** The row of a vector; undefined for one that only software or a device raises. */
export function exceptionOf(vector: number): ExceptionRow | undefined {
  return byVector[vector];
}

/** `#GP`, or `vector 32` for one that the processor does not raise by itself. */
export function vectorText(vector: number): string {
  return exceptionOf(vector)?.mnemonic ?? `vector ${vector}`;
}

/** Does a hardware exception of this vector have an error code outside real-address mode? */
export function hasErrorCode(vector: number): boolean {
  const row = exceptionOf(vector);
  return row !== undefined && row.errorCode !== 'none';
}
