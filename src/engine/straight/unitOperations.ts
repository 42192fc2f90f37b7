import { OP } from '../../language/program';

/** The bound of what an int32 holds without a sign. */
const INT_LIMIT = 0x8000_0000;

/**
 * A 64-bit value while a unit's text is made: the JavaScript expressions of its halves, as int32, which may be used any
 * number of times. What is known of the value spares the text most of what 64 bits would need.
 */
export interface UnitValue {
  readonly lo: string;
  readonly hi: string;
  /** It is less than this number, which is at most 2^31; 0: nobody knows. With a bound, `hi` is `0`. */
  readonly below: number;
  /** The halves of a constant. */
  readonly constant?: readonly [lo: number, hi: number];
  /** A condition that is true when the value is 1 and false when it is 0; it is one of the two. */
  readonly test?: string;
}

/** What an operation gives: `lo` may not use the names of the result, `hi` may use that of the low half. */
type OperationRow = (a: UnitValue, b: UnitValue, lo: string) => UnitValue | undefined;

/** Text of the operations that only compute: undefined where only `arithmetic.ts` can. `compute` says what they mean. */
export const unitOperations: ReadonlyMap<number, OperationRow> = new Map<number, OperationRow>([
  [OP.add, (a, b, lo) => {
    const text = `${a.lo} + ${b.lo} | 0`;
    if (a.below > 0 && b.below > 0 && a.below + b.below <= INT_LIMIT) return { lo: text, hi: '0', below: a.below + b.below - 1 };
    return { lo: text, hi: `${a.hi} + ${b.hi} + (${lo} >>> 0 < ${a.lo} >>> 0 ? 1 : 0) | 0`, below: 0 };
  }],
  [OP.subtract, (a, b, lo) => ({
    lo: `${a.lo} - ${b.lo} | 0`,
    hi: a.below > 0 && b.below > 0 ? `${lo} >> 31` : `${a.hi} - ${b.hi} - (${a.lo} >>> 0 < ${b.lo} >>> 0 ? 1 : 0) | 0`,
    below: 0,
  })],
  [OP.and, (a, b) => ({
    lo: `${a.lo} & ${b.lo}`, hi: a.hi === '0' || b.hi === '0' ? '0' : `${a.hi} & ${b.hi}`,
    below: a.below > 0 && b.below > 0 ? Math.min(a.below, b.below) : Math.max(a.below, b.below),
  })],
  [OP.or, (a, b) => joined(a, b, '|')],
  [OP.xor, (a, b) => joined(a, b, '^')],
  [OP.shiftLeft, (a, { constant }) => (constant === undefined ? undefined : shiftedLeft(a, amountOf(constant)))],
  [OP.shiftRight, (a, { constant }) => (constant === undefined ? undefined : shiftedRight(a, amountOf(constant)))],
  [OP.equal, (a, b) => truth(isEqual(a, b))],
  [OP.notEqual, (a, b) => truth(`!(${isEqual(a, b)})`)],
  [OP.less, (a, b) => truth(compared(a, b, '<'))],
  [OP.lessOrEqual, (a, b) => truth(compared(a, b, '<='))],
  [OP.not, (a) => truth(`!(${isTrue(a)})`)],
  [OP.truth, (a) => truth(isTrue(a))],
  [OP.complement, (a) => ({ lo: `~${a.lo}`, hi: `~${a.hi}`, below: 0 })],
]);

/** The value of a constant's halves. */
export function constantValue(lo: number, hi: number): UnitValue {
  return { lo: literal(lo), hi: literal(hi), below: hi === 0 && lo >= 0 && lo < INT_LIMIT - 1 ? lo + 1 : 0, constant: [lo, hi] };
}

/** A condition: the value is not 0. */
export function isTrue(value: UnitValue): string {
  if (value.test !== undefined) return value.test;
  return value.hi === '0' ? `${value.lo} !== 0` : `(${value.lo} | ${value.hi}) !== 0`;
}

/** In parentheses, so that no sign runs into another. */
function literal(half: number): string {
  return half < 0 ? `(${half})` : String(half);
}

function truth(test: string): UnitValue {
  return { lo: `${test} ? 1 : 0`, hi: '0', below: 2, test };
}

function joined(a: UnitValue, b: UnitValue, operator: '|' | '^'): UnitValue {
  const hi = a.hi === '0' ? b.hi : b.hi === '0' ? a.hi : `${a.hi} ${operator} ${b.hi}`;
  const most = Math.max(a.below, b.below) - 1;
  return { lo: `${a.lo} ${operator} ${b.lo}`, hi, below: a.below > 0 && b.below > 0 ? 2 ** (32 - Math.clz32(most)) : 0 };
}

/** Shifts take all 64 bits of the amount: 64 and more give 0. */
function amountOf([lo, hi]: readonly [number, number]): number {
  return hi !== 0 || lo < 0 || lo > 63 ? 64 : lo;
}

function shiftedLeft(a: UnitValue, by: number): UnitValue {
  if (by === 0) return a;
  if (by === 64) return constantValue(0, 0);
  if (by >= 32) return { lo: '0', hi: `${a.lo} << ${by - 32}`, below: 0 };
  const lo = `${a.lo} << ${by}`;
  const most = (a.below - 1) * 2 ** by;
  if (a.below > 0 && most < INT_LIMIT) return { lo, hi: '0', below: most + 1 };
  return { lo, hi: a.hi === '0' ? `${a.lo} >>> ${32 - by} | 0` : `${a.hi} << ${by} | ${a.lo} >>> ${32 - by}`, below: 0 };
}

function shiftedRight(a: UnitValue, by: number): UnitValue {
  if (by === 0) return a;
  if (by === 64) return constantValue(0, 0);
  // A half that was shifted out at the top has `by` zeros there; its sign is lost with them.
  if (by > 32) return { lo: `${a.hi} >>> ${by - 32}`, hi: '0', below: a.hi === '0' ? 1 : 2 ** (64 - by) };
  if (by === 32) return { lo: a.hi, hi: '0', below: a.hi === '0' ? 1 : 0 };
  if (a.hi === '0') return { lo: `${a.lo} >>> ${by}`, hi: '0', below: a.below > 0 ? Math.floor((a.below - 1) / 2 ** by) + 1 : 2 ** (32 - by) };
  return { lo: `${a.lo} >>> ${by} | ${a.hi} << ${32 - by}`, hi: `${a.hi} >>> ${by}`, below: 0 };
}

function isEqual(a: UnitValue, b: UnitValue): string {
  const lo = `${a.lo} === ${b.lo}`;
  return a.hi === '0' && b.hi === '0' ? lo : `${lo} && ${a.hi} === ${b.hi}`;
}

function compared(a: UnitValue, b: UnitValue, operator: '<' | '<='): string {
  if (a.below > 0 && b.below > 0) return `${a.lo} ${operator} ${b.lo}`;
  const lo = `${a.lo} >>> 0 ${operator} ${b.lo} >>> 0`;
  return a.hi === '0' && b.hi === '0' ? lo : `${a.hi} >>> 0 < ${b.hi} >>> 0 || ${a.hi} === ${b.hi} && ${lo}`;
}
