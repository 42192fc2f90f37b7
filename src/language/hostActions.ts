import type { ValueType } from './program';

/**
 * What a host action works on. `address` is an address of any space: it takes two registers, the address and whose
 * it is (`addressOwner`). `slot` is a number in Program.slotNames; `table` the number of a table that the action fills.
 */
export type HostOperandKind = 'address' | 'gpa' | 'number' | 'truth' | 'slot' | 'table';

export interface HostActionRow {
  readonly name: string;
  readonly operands: readonly { readonly name: string; readonly kind: HostOperandKind }[];
  /** `table`: the call gives the number of its last operand's table, which the scenario does not write. */
  readonly result: ValueType;
  readonly documentation: string;
}

const address = (name = 'a'): HostActionRow['operands'][number] => ({ name, kind: 'address' });
const slot = { name: 'NAME', kind: 'slot' } as const;
const size = { name: 'size', kind: 'number' } as const;

/** Host actions by number: what `host S` and a host thread may call. */
export const hostActionRows: readonly HostActionRow[] = [
  { name: 'swap_out', operands: [address()], result: 'none', documentation: "Writes the page's frame to swap and frees it." },
  { name: 'swap_in', operands: [address()], result: 'none', documentation: 'Reads the page back from swap into a fresh frame.' },
  { name: 'merge', operands: [address(), address('b')], result: 'none', documentation: 'Gives two pages of equal contents one frame, mapped read-only (KSM).' },
  { name: 'merge_all', operands: [], result: 'none', documentation: 'Merges all pages of equal contents (KSM).' },
  { name: 'migrate_frame', operands: [address()], result: 'none', documentation: "Moves the page's contents to another frame." },
  { name: 'split', operands: [address()], result: 'none', documentation: "Splits the host's large page into 4-KByte pages." },
  { name: 'collapse', operands: [address()], result: 'none', documentation: "Makes one large page of the host's 4-KByte pages." },
  { name: 'balloon', operands: [address(), size], result: 'none', documentation: 'Takes frames back from the guest by its balloon driver.' },
  { name: 'invalidate', operands: [address(), size], result: 'none', documentation: 'Invalidates the range by the MMU notifier: whatever maps it is forgotten.' },
  { name: 'add_slot', operands: [slot, { name: 'a', kind: 'gpa' }, size], result: 'none', documentation: 'Adds a memslot of RAM.' },
  { name: 'move_slot', operands: [slot, { name: 'a', kind: 'gpa' }], result: 'none', documentation: 'Moves a memslot to other guest-physical addresses.' },
  { name: 'remove_slot', operands: [slot], result: 'none', documentation: 'Takes a memslot away.' },
  { name: 'log_dirty', operands: [slot, { name: 'on', kind: 'truth' }], result: 'none', documentation: 'Starts or ends logging of dirty pages of a memslot.' },
  { name: 'get_dirty_log', operands: [slot, { name: 'log', kind: 'table' }], result: 'table', documentation: 'Gives the dirty pages since the last call, a table with guest-physical addresses as keys, and clears the log.' },
  { name: 'set_epte', operands: [address(), { name: 'entry', kind: 'number' }], result: 'none', documentation: "Writes the EPT entry that maps a guest-physical address." },
];

const numbers: ReadonlyMap<string, number> = new Map(hostActionRows.map(({ name }, index) => [name, index]));

/** Number of a host action's row by its name. */
export function hostActionNumber(name: string): number | undefined {
  return numbers.get(name);
}

const SPACES = ['gva', 'gpa', 'hva', 'hpa'] as const;
const VM_SHIFT = 2;
const PROCESS_SHIFT = 16;

/** Whose an address is: its space, its VM, and for a linear address the process whose tables map it (none: current CR3). */
export interface AddressOwner {
  readonly space: (typeof SPACES)[number];
  readonly vm: number;
  readonly process?: number;
}

/** The owner as a number, for the register behind an address operand. */
export function addressOwner({ space, vm, process }: AddressOwner): number {
  return SPACES.indexOf(space) | (vm << VM_SHIFT) | ((process === undefined ? 0 : process + 1) << PROCESS_SHIFT);
}

/** What `addressOwner` put together. */
export function ownerOfAddress(word: number): AddressOwner {
  const process = (word >>> PROCESS_SHIFT) - 1;
  const owner = { space: SPACES[word & ((1 << VM_SHIFT) - 1)] ?? 'gva', vm: (word >>> VM_SHIFT) & ((1 << (PROCESS_SHIFT - VM_SHIFT)) - 1) };
  return process < 0 ? owner : { ...owner, process };
}
