import { OPERATION } from '../paging/accessKinds';
import { EXIT_REASON } from './exitReasons';

/**
 * VM-exit instruction information of SGDT, SIDT, SLDT and STR. SDM Vol. 3, "Information for VM Exits Due to Instruction
 * Execution":
 *
 *   9:7 address size   10 operand in a register   22 no index register   29:28 which instruction
 */
const INFORMATION = { addressSizeShift: 7, inRegister: 1 << 10, noIndex: 1 << 22, instructionShift: 28 } as const;
const ADDRESS_SIZE = { '32-bit': 1, '64-bit': 2 } as const;

interface TableStore {
  readonly reason: number;
  /** Bits 29:28. */
  readonly instruction: number;
  readonly operand: 'memory' | 'register';
}

const rows: ReadonlyMap<number, TableStore> = new Map([
  [OPERATION.sgdt, { reason: EXIT_REASON.gdtr_idtr, instruction: 0, operand: 'memory' }],
  [OPERATION.sidt, { reason: EXIT_REASON.gdtr_idtr, instruction: 1, operand: 'memory' }],
  [OPERATION.sldt, { reason: EXIT_REASON.ldtr_tr, instruction: 0, operand: 'register' }],
  [OPERATION.str, { reason: EXIT_REASON.ldtr_tr, instruction: 1, operand: 'register' }],
]);

/** Reason and instruction information of the exit by "descriptor-table exiting"; the operand is RAX, or memory at RAX. */
export function tableStoreExit(operation: number, mode: keyof typeof ADDRESS_SIZE): { readonly reason: number; readonly information: number } {
  const row = rows.get(operation);
  if (row === undefined) throw new Error(`invariant: operation ${operation} stores no descriptor-table register`);
  const operand = row.operand === 'register' ? INFORMATION.inRegister : INFORMATION.noIndex | (ADDRESS_SIZE[mode] << INFORMATION.addressSizeShift);
  return { reason: row.reason, information: operand | (row.instruction << INFORMATION.instructionShift) };
}
