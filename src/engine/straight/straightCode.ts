import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';

const NOWHERE: ReadonlySet<number> = new Set();

/** Words of an entry, and what they hold. Registers are word offsets from the frame's base. */
export const ENTRY_SHIFT = 3;
export const ENTRY = {
  operation: 0, a: 1, b: 2, c: 3,
  /** Register of a constant that is loaded first, or -1; its halves. */
  constantTo: 4, constantLo: 5, constantHi: 6,
  /** How many instructions of the program the entry is. */
  length: 7,
} as const;

/** An entry that runs no operation: the constant alone. */
export const NOTHING = -1;
/** An entry that the straight line leaves to the interpreter. */
export const UNKNOWN = -2;

type Shape = 'register' | 'plain' | 'pair';
type ShapeRow = readonly [operation: number, operands: readonly Shape[]];

/** Which operands of an operation are registers; the others are taken as they are. */
const SHAPES: ReadonlyMap<number, readonly Shape[]> = new Map<number, readonly Shape[]>([
  ...[OP.add, OP.subtract, OP.multiply, OP.and, OP.or, OP.xor, OP.shiftLeft, OP.shiftRight, OP.equal, OP.notEqual, OP.less, OP.lessOrEqual]
    .map((operation): ShapeRow => [operation, ['register', 'register', 'register']]),
  ...[OP.move, OP.not, OP.truth, OP.complement].map((operation): ShapeRow => [operation, ['register', 'register', 'plain']]),
  [OP.jump, ['plain', 'plain', 'plain']],
  ...[OP.jumpIf, OP.jumpUnless].map((operation): ShapeRow => [operation, ['register', 'plain', 'plain']]),
  [OP.globalGet, ['register', 'pair', 'plain']],
  [OP.globalSet, ['pair', 'register', 'plain']],
  [OP.tableGet, ['register', 'plain', 'register']],
  ...[OP.load, OP.store, OP.readModifyWrite].map((operation): ShapeRow => [operation, ['register', 'register', 'plain']]),
]);

/** A program made ready for `executeEntries`: an entry for each instruction, so that jumps may lead anywhere. */
export interface StraightCode {
  readonly entries: Int32Array;
  /** Number of the statement that begins with the entry plus 1, or 0. */
  readonly leading: Int32Array;
  /** By statement: 1 for an expectation, which is not counted. */
  readonly isExpect: Uint8Array;
}

/**
 * Joins what follows each other anyway: the beginning of a statement, a constant, and the operation that uses it become
 * one entry. The entries of the joined instructions themselves stay, for jumps that lead to them. `left`: instructions that
 * are left to the interpreter, with which nothing is joined.
 */
export function straightCodeOf({ code, constants, statements }: Program, left = NOWHERE): StraightCode {
  const count = code.length / INSTRUCTION_WORDS;
  const entries = new Int32Array(count << ENTRY_SHIFT);
  const leading = new Int32Array(count);
  const word = (pc: number, at: number): number => (at === 0 && left.has(pc) ? UNKNOWN : code[pc * INSTRUCTION_WORDS + at] ?? 0);
  for (let pc = 0; pc < count; pc++) {
    let at = pc;
    const begins = word(at, 0) === OP.statement;
    if (begins) {
      leading[pc] = word(at, 1) + 1;
      at++;
    }
    const hasConstant = at < count && word(at, 0) === OP.constant;
    const constant = 2 * word(at, 2);
    const to = hasConstant ? 2 * word(at, 1) : -1;
    if (hasConstant) at++;
    const shape = at < count ? SHAPES.get(word(at, 0)) : undefined;
    const entry = pc << ENTRY_SHIFT;
    entries.set([
      shape !== undefined ? word(at, 0) : at > pc ? NOTHING : UNKNOWN,
      operand(shape?.[0], word(at, 1)), operand(shape?.[1], word(at, 2)), operand(shape?.[2], word(at, 3)),
      to, hasConstant ? constants[constant] ?? 0 : 0, hasConstant ? constants[constant + 1] ?? 0 : 0,
      shape === undefined ? at - pc : at - pc + 1,
    ], entry);
  }
  return { entries, leading, isExpect: Uint8Array.from(statements, (statement) => (statement.isExpect ? 1 : 0)) };
}

function operand(shape: Shape | undefined, value: number): number {
  return shape === undefined || shape === 'plain' ? value : 2 * value;
}
