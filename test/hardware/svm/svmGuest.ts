import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { VMCB, type VmcbFieldName } from '../../../src/hardware/svm/vmcb';
import { halves, P, RW, US } from '../testMachine';
import { ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

export const PAGE = 0x60_1000n;
export const GPA = 0x9000n;
export const OPEN = P | RW | US;
export const LONG_MODE = { cr0: BigInt((CR0.PE | CR0.PG) >>> 0), cr4: BigInt(CR4.PAE), efer: BigInt(EFER.LME | EFER.LMA | EFER.SVME) };
export const VALID = 1n << 31n;
export const ERROR_CODE = 1n << 11n;
export const type = (number: bigint): bigint => number << 8n;

export type Fields = Partial<Record<VmcbFieldName, bigint>>;

/** A guest in long mode with PAGE mapped to GPA, that has been entered once; nested tables map low memory one to one. */
export function guest(fields: Fields = {}, leaf = OPEN): TablesByHand {
  const machine = new TablesByHand({ vendor: 'amd' });
  machine.map(TABLES['4-level'], ROOT, PAGE, GPA | leaf);
  machine.mapLowMemory(TABLES['4-level'], OPEN);
  machine.enter('4-level', ROOT);
  machine.enterSvm('4-level', fields);
  return machine;
}

export function write(machine: TablesByHand, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    const at = VMCB[name as VmcbFieldName];
    [machine.processor.vmcb[at], machine.processor.vmcb[at + 1]] = halves(value);
  }
}
