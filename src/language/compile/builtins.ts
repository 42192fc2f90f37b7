import { hostActionRows } from '../hostActions';
import { instructionRows } from '../instructions';

/** Names with parentheses that the language itself knows: questions, instructions, host actions. */

/** Questions about one address: they touch nothing. Name and type of the answer. */
export const questions = {
  gpa_of: 'gpa',
  hva_of: 'hva',
  hpa_of: 'hpa',
  state_of: 'number',
} as const;

/** Fields of `walk(a)` and their types. */
export const walkFields = {
  fault: 'truth', references: 'number', size: 'number', frame: 'gpa', user: 'truth', writable: 'truth',
  executable: 'truth', pte: 'number', pde: 'number', pdpte: 'number', pml4e: 'number', pml5e: 'number',
} as const;

/** Instructions: how many operands. */
export const instructions: ReadonlyMap<string, number> = new Map(instructionRows.map(({ name, operands }) => [name, operands.length]));

export const hostActions: ReadonlySet<string> = new Set(hostActionRows.map(({ name }) => name));

/** Names of calls that no procedure may take. */
export function isBuiltinCall(name: string): boolean {
  return Object.hasOwn(questions, name) || instructions.has(name) || hostActions.has(name) ||
    ['walk', 'key', 'bit', 'original', 'epte', 'eptp'].includes(name);
}

/** `rdmsr(n)`: how an instruction is written, or undefined when the name is none. */
export function instructionShapeOf(name: string): string | undefined {
  const row = instructionRows.find((each) => each.name === name);
  return row === undefined ? undefined : `${name}(${row.operands.map((operand) => operand.name).join(', ')})`;
}
