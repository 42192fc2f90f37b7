import type { Machine } from '../engine/machine/machine';
import { decodeEntry } from '../hardware/paging/decodeEntry';

/** `RW from 1 to 0, frame from gpa:0x5000 to gpa:0x0`: what of a guest's entry of `level` differs; empty: nothing that has a name. */
export function changedBits(machine: Machine, actor: number, level: number, old: bigint, value: bigint): string {
  const { technique, processors } = machine.vmOf(actor);
  const { compiled } = technique.guestTables((machine.processors[actor] ?? processors[0]!).cpu);
  if (level < 1 || level > compiled.levels) return '';
  const fieldsOf = (entry: bigint): ReadonlyMap<string, string> => {
    const decoded = decodeEntry(compiled, level, Number(BigInt.asIntN(32, entry)), Number(BigInt.asIntN(32, entry >> 32n)), 'gpa');
    return new Map(decoded.fields.map(({ name, text }) => [name, text]));
  };
  const [before, after] = [fieldsOf(old), fieldsOf(value)];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.filter((name) => before.get(name) !== after.get(name))
    // Of an entry that is not present the other bits are the software's.
    .filter((name) => before.has(name) && after.has(name))
    .map((name) => `${name} from ${before.get(name) ?? ''} to ${after.get(name) ?? ''}`).join(', ');
}
