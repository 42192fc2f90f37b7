import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';

const starts = new WeakMap<Program, readonly (readonly number[])[]>();
const NOWHERE: readonly number[] = [];

/** The instructions with which a statement begins: more than one where it was compiled more than once. */
export function statementStarts(program: Program, statement: number): readonly number[] {
  let found = starts.get(program);
  if (found === undefined) {
    found = startsIn(program);
    starts.set(program, found);
  }
  return found[statement] ?? NOWHERE;
}

function startsIn({ code }: Program): readonly (readonly number[])[] {
  const found: number[][] = [];
  for (let at = 0; at < code.length; at += INSTRUCTION_WORDS) {
    if (code[at] === OP.statement) (found[code[at + 1]!] ??= []).push(at / INSTRUCTION_WORDS);
  }
  return found;
}
