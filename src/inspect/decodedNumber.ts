import { decodeEntry } from '../hardware/paging/decodeEntry';
import type { CompiledFormat } from '../hardware/paging/compiledFormat';
import { entryLine } from './entryText';
import type { Row } from './rows';
import type { StoppedMachine } from './stoppedMachine';
import { fieldRows } from './tableRows';
import { nestedFormat } from './tableSet';

/** A number read as an entry, or the names of the entries that this machine has. */
export type DecodedNumber =
  | { readonly line: string; readonly rows: readonly Row[] }
  | { readonly choices: readonly string[] };

/** Reads `value` as the entry called `name`, however that is written (`pte`, `EPT PDE`): by the guest's format, or that of its nested tables. */
export function decodedNumber({ machine }: Pick<StoppedMachine, 'machine'>, cpu: number, value: bigint, name: string): DecodedNumber {
  const vm = machine.vmOf(cpu);
  const formats: readonly (readonly [CompiledFormat, 'gpa' | 'hpa'])[] = [
    [vm.technique.guestTables(vm.processors[0]!.cpu).compiled, 'gpa'], [nestedFormat(machine, vm), 'hpa'],
  ];
  for (const [compiled, frameSpace] of formats) {
    const level = compiled.format.levelNames.findIndex((each) => each !== '' && each.toLowerCase() === name.trim().toLowerCase());
    if (level <= 0) continue;
    const decoded = decodeEntry(compiled, level, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)), frameSpace);
    return { line: `${decoded.name}: ${entryLine(decoded)}`, rows: fieldRows(decoded) };
  }
  return { choices: formats.flatMap(([{ format }]) => format.levelNames.filter((each) => each !== '')) };
}
