import { OP } from '../../language/program';
import { add, divide, isEqual, isLess, isZero, multiply, setPairAt, shiftLeft, shiftRight, subtract } from '../arithmetic';

/** What `compute` came to. */
export const COMPUTED = { done: 0, divideByZero: 1, notMine: 2 } as const;

/**
 * The operations that only compute: register `to` := `a` op `b`, all word indices of pairs in
 * `words`. One place for the running scenario and for expressions that are watched.
 */
export function compute(operation: number, words: Int32Array, to: number, a: number, b: number): number {
  switch (operation) {
    case OP.move: setPairAt(words, to, words[a]!, words[a + 1]!); break;
    case OP.add: add(words, to, a, b); break;
    case OP.subtract: subtract(words, to, a, b); break;
    case OP.multiply: multiply(words, to, a, b); break;
    case OP.divide:
    case OP.remainder:
      if (isZero(words, b)) return COMPUTED.divideByZero;
      divide(words, to, a, b, operation === OP.remainder ? 1 : 0);
      break;
    case OP.and: setPairAt(words, to, words[a]! & words[b]!, words[a + 1]! & words[b + 1]!); break;
    case OP.or: setPairAt(words, to, words[a]! | words[b]!, words[a + 1]! | words[b + 1]!); break;
    case OP.xor: setPairAt(words, to, words[a]! ^ words[b]!, words[a + 1]! ^ words[b + 1]!); break;
    case OP.shiftLeft: shiftLeft(words, to, a, b); break;
    case OP.shiftRight: shiftRight(words, to, a, b); break;
    case OP.equal: setPairAt(words, to, isEqual(words, a, b) ? 1 : 0, 0); break;
    case OP.notEqual: setPairAt(words, to, isEqual(words, a, b) ? 0 : 1, 0); break;
    case OP.less: setPairAt(words, to, isLess(words, a, b) ? 1 : 0, 0); break;
    case OP.lessOrEqual: setPairAt(words, to, isLess(words, b, a) ? 0 : 1, 0); break;
    case OP.not: setPairAt(words, to, isZero(words, a) ? 1 : 0, 0); break;
    case OP.complement: setPairAt(words, to, ~words[a]!, ~words[a + 1]!); break;
    case OP.truth: setPairAt(words, to, isZero(words, a) ? 0 : 1, 0); break;
    default: return COMPUTED.notMine;
  }
  return COMPUTED.done;
}
