import { entryConstructors } from '../compile/entryFormat';
import { hostActionRows } from '../hostActions';
import { instructionRows } from '../instructions';
import { walkFields } from '../compile/builtins';
import type { ValueType } from '../program';

/** Something with parentheses that the language brings. */
export interface Callable {
  readonly name: string;
  readonly kind: 'instruction' | 'question' | 'host action' | 'entry constructor';
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly result: ValueType;
  readonly documentation: string;
}

const address = [{ name: 'a', type: 'gva' }];

const questionRows: readonly Callable[] = [
  { name: 'gpa_of', kind: 'question', parameters: address, result: 'gpa', documentation: 'The guest-physical address that the guest\'s tables give for `a`. Touches nothing.' },
  { name: 'hva_of', kind: 'question', parameters: [{ name: 'a', type: '' }], result: 'hva', documentation: 'The host-virtual address that the memslots give for `a`. Depends on the technique: in expect, print and host statements only.' },
  { name: 'hpa_of', kind: 'question', parameters: [{ name: 'a', type: '' }], result: 'hpa', documentation: 'The host-physical address behind `a`. Depends on the technique: in expect, print and host statements only.' },
  { name: 'walk', kind: 'question', parameters: address, result: 'walk', documentation: `The walk of the guest's tables for \`a\`, made without effects; its fields are ${Object.keys(walkFields).join(', ')}.` },
  { name: 'holds', kind: 'question', parameters: address, result: 'truth', documentation: 'Whether a TLB line of this CPU maps `a`. In expect, print and host statements only.' },
  { name: 'state_of', kind: 'question', parameters: [{ name: 'a', type: 'hpa' }], result: 'number', documentation: 'What the host uses the frame at `a` for: one of `frame_state.free`, `.guest_memory`, `.guest_table` ….' },
];

function constructorRow(name: string, documentation: string, words: readonly string[]): Callable {
  const parameters = ['frame', 'RIGHTS', ...words].map((each) => ({ name: each, type: each === 'frame' ? 'gpa' : '' }));
  return { name, kind: 'entry constructor', parameters, result: 'number', documentation };
}

const rows: readonly Callable[] = [
  ...instructionRows.map(({ name, operands, result, documentation }): Callable => (
    { name, kind: 'instruction', parameters: operands, result, documentation }
  )),
  ...questionRows,
  ...hostActionRows.map(({ name, operands, result, documentation }): Callable => (
    { name, kind: 'host action', parameters: operands.map((each) => ({ name: each.name, type: each.kind === 'gpa' ? 'gpa' : '' })), result, documentation }
  )),
  ...[...entryConstructors.keys()].map((name) => (
    constructorRow(name, `A ${name.toUpperCase()} in the format of the current paging mode. Behind the rights: user accessed dirty global large uncached key(n) bit(n).`, ['WORDS…'])
  )),
  constructorRow('epte', 'An EPT entry: rights are ro rw rx rwx wo xo, and the memory type is WB unless it is told.', ['MEMTYPE']),
  { name: 'eptp', kind: 'entry constructor', parameters: [{ name: 'root', type: 'gpa' }], result: 'number', documentation: 'An EPT pointer to the EPT PML4 table at `root`: memory type WB, a walk of 4 levels.' },
  { name: 'key', kind: 'entry constructor', parameters: [{ name: 'n', type: '' }], result: 'number', documentation: 'Protection key n in its bits of an entry.' },
  { name: 'bit', kind: 'entry constructor', parameters: [{ name: 'n', type: '' }], result: 'number', documentation: 'Bit n by itself.' },
];

const byName: ReadonlyMap<string, Callable> = new Map(rows.map((row) => [row.name, row]));

/** The row of a name with parentheses; undefined for procedures of a scenario. */
export function callableNamed(name: string): Callable | undefined {
  return byName.get(name);
}

/** All of them, in the order of their tables. */
export function callables(): readonly Callable[] {
  return rows;
}
