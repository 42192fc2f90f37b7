/** A line of the console that gives a place another value: `cr0.WP = 0`, `count += 1`. */
export interface TypedAssignment {
  readonly place: string;
  /** The expression whose value it takes. */
  readonly value: string;
}

/** `=` alone or behind an operator of assignment, and no comparison; what stands before it is the place. */
const ASSIGNMENT = /^([^=<>!]+?)\s*([-+&|^]?)=(?!=)\s*(\S[^]*)$/;

/** The assignment that a line is, if it is one. */
export function typedAssignment(text: string): TypedAssignment | undefined {
  const [, place = '', operator = '', value = ''] = ASSIGNMENT.exec(text.trim()) ?? [];
  if (place === '') return undefined;
  return { place, value: operator === '' ? value : `${place} ${operator} (${value})` };
}
