import type { Program } from '../../language/program';

/**
 * The innermost statement that each instruction belongs to. What stands before a statement (marks
 * for the expectations below it) counts as that statement's; -1 where none follows.
 */
export class StatementIndex {
  private readonly byInstruction: Int32Array;

  constructor(program: Program) {
    const instructions = program.procedures.reduce((end, procedure) => Math.max(end, procedure.end), 0);
    this.byInstruction = new Int32Array(instructions).fill(-1);
    const outerFirst = program.statements
      .map((statement, number) => ({ number, entry: statement.entry, end: statement.end }))
      .sort((a, b) => b.end - b.entry - (a.end - a.entry) || a.number - b.number);
    for (const { number, entry, end } of outerFirst) this.byInstruction.fill(number, entry, end);
    for (let at = instructions - 2; at >= 0; at--) {
      if (this.byInstruction[at] === -1) this.byInstruction[at] = this.byInstruction[at + 1]!;
    }
  }

  at(instruction: number): number {
    return this.byInstruction[instruction] ?? -1;
  }
}
