/** Names with parentheses that the language itself knows: instructions, questions, and what is not supported yet. */

/** Questions about one linear address: they touch nothing. Name and type of the answer. */
export const questions = {
  gpa_of: 'gpa',
  hva_of: 'hva',
  hpa_of: 'hpa',
} as const;

/** Fields of `walk(a)` and their types. */
export const walkFields = {
  fault: 'truth', references: 'number', size: 'number', frame: 'gpa', user: 'truth', writable: 'truth',
  executable: 'truth', pte: 'number', pde: 'number', pdpte: 'number', pml4e: 'number',
} as const;

/** Instructions: how many operands. */
export const instructions: ReadonlyMap<string, number> = new Map([
  ['invlpg', 1], ['fetch', 1], ['stac', 0], ['clac', 0],
]);

export const unsupportedInstructions: ReadonlySet<string> = new Set([
  'invpcid', 'cpuid', 'rdmsr', 'wrmsr', 'hlt', 'inb', 'inw', 'inl', 'outb', 'outw', 'outl', 'int', 'iret', 'vmcall',
  'vmfunc', 'xchg', 'cmpxchg', 'ipi', 'random', 'vmlaunch', 'vmresume', 'epte', 'eptp', 'pml5e', 'state_of',
]);

export const unsupportedLibrary: ReadonlySet<string> = new Set([
  'shootdown', 'syscall', 'e820',
]);

export const hostActions: ReadonlySet<string> = new Set([
  'swap_out', 'swap_in', 'merge', 'merge_all', 'migrate_frame', 'split', 'collapse', 'balloon', 'invalidate',
  'add_slot', 'move_slot', 'remove_slot', 'log_dirty', 'get_dirty_log', 'set_epte',
]);

/** Words of other modes' entry constructors: `pae.pte(…)`. */
export const otherModes: ReadonlySet<string> = new Set(['pae', 'legacy']);
