import { StatementIndex } from '../../engine/interpreter/statementIndex';
import { INSTRUCTION_WORDS, OP, registerNames, type Program } from '../../language/program';

/** An instruction that reads a register, and the statement that it is of. */
export interface RegisterRead {
  readonly statement: number;
  readonly instruction: number;
}

const registers: readonly string[] = registerNames;

/** The register that an expression is of, a bit of it too: `cr3`, `cr0.WP`; undefined: it is of none. */
export function registerOf(expression: string): string | undefined {
  const [name = ''] = expression.trim().split('.');
  return registers.includes(name) ? name : undefined;
}

/**
 * Where a program reads a register by its name: as MOV from a control register, RDMSR of EFER and RDPKRU do. What processor and
 * hypervisor look at for themselves is no read: that walks begin at CR3 is in every walk.
 */
export function readsOfRegister(program: Program, name: string): readonly RegisterRead[] {
  const { code } = program;
  const register = registers.indexOf(name);
  const statements = new StatementIndex(program);
  const reads: RegisterRead[] = [];
  for (let instruction = 0; instruction * INSTRUCTION_WORDS < code.length; instruction++) {
    const at = instruction * INSTRUCTION_WORDS;
    if (code[at] === OP.registerGet && code[at + 2] === register) reads.push({ statement: statements.at(instruction), instruction });
  }
  return reads;
}
