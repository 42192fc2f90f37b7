import { fieldShifts, type QualificationField } from '../vmx/exitQualification';

/** High half of EXITINFO1 of a nested page fault: bits 33:32. APM Vol. 2, "Nested versus Guest Page Faults, Fault Ordering". */
export const NPF_INFO_HI = { finalAddress: 1 << 0, guestTable: 1 << 1 } as const;

/** EXITINFO1 of an IOIO exit. APM Vol. 2, "IOIO Intercept". */
export const ioInformation = [
  { key: 'in', name: 'IN', bits: [0, 0] },
  { name: 'string', bits: [2, 2] },
  { name: 'REP', bits: [3, 3] },
  { key: 'size', name: '8-bit operand', bits: [4, 4] },
  { name: '16-bit operand', bits: [5, 5] },
  { name: '32-bit operand', bits: [6, 6] },
  { name: '16-bit address', bits: [7, 7] },
  { name: '32-bit address', bits: [8, 8] },
  { key: 'address64', name: '64-bit address', bits: [9, 9] },
  { name: 'segment', bits: [12, 10] },
  { key: 'port', name: 'port', bits: [31, 16] },
] as const satisfies readonly QualificationField[];

const IO = fieldShifts(ioInformation);
/** The bits of the three sizes, once shifted: each is as many bytes as its place says. */
const IO_SIZES = 7;

/** EXITINFO1 of IN or OUT of 1, 2 or 4 bytes, not a string instruction, with 64-bit addresses. The sizes have one bit each, in order. */
export function encodeIo(port: number, size: number, direction: 'in' | 'out'): number {
  return (port << IO.port) | (1 << IO.address64) | (size << IO.size) | (direction === 'in' ? 1 << IO.in : 0);
}

/** Its inverse. */
export function decodeIo(information: number): { readonly port: number; readonly size: number; readonly isIn: number } {
  return { port: information >>> IO.port, size: (information >>> IO.size) & IO_SIZES, isIn: (information >>> IO.in) & 1 };
}

/**
 * High half of EXITINFO1 of a MOV to or from a CR: bit 63 says that bits 3:0 of the low half name a general-purpose
 * register. A scenario's `cr3 = E` names none: they read 0 (RAX). APM Vol. 2, "MOV CRx/DRx Intercepts".
 */
export const MOV_CR_INFO_HI = 1 << 31;

/** Bits 36 and 38 of EXITINFO2 of a task switch, by the source as VMX numbers it: CALL, IRET, JMP, task gate of the IDT. */
const TASK_SWITCH_HI = [0, 1 << 4, 1 << 6, 0] as const;

/** High half of EXITINFO2 of a task switch. APM Vol. 2, "Task Switch Intercept". */
export function taskSwitchInformationHi(source: number): number {
  return TASK_SWITCH_HI[source] ?? 0;
}
