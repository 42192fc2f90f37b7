/**
 * Unsigned 64-bit arithmetic on registers: pairs of 32-bit words, low half first. `to`, `a` and `b`
 * are word indices of pairs in `words`; everything wraps at 2^64.
 */

export function add(words: Int32Array, to: number, a: number, b: number): void {
  const lo = (words[a]! >>> 0) + (words[b]! >>> 0);
  words[to + 1] = words[a + 1]! + words[b + 1]! + (lo > 0xffffffff ? 1 : 0);
  words[to] = lo;
}

export function subtract(words: Int32Array, to: number, a: number, b: number): void {
  const borrow = words[a]! >>> 0 < words[b]! >>> 0 ? 1 : 0;
  const lo = words[a]! - words[b]!;
  words[to + 1] = words[a + 1]! - words[b + 1]! - borrow;
  words[to] = lo;
}

export function multiply(words: Int32Array, to: number, a: number, b: number): void {
  const aLo = words[a]!;
  const bLo = words[b]!;
  const cross = Math.imul(words[a + 1]!, bLo) + Math.imul(aLo, words[b + 1]!);
  // The low halves' 64-bit product, by 16-bit digits.
  const a0 = aLo & 0xffff;
  const a1 = aLo >>> 16;
  const b0 = bLo & 0xffff;
  const b1 = bLo >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16);
  const middle2 = a0 * b1 + (middle % 65536);
  words[to] = ((middle2 & 0xffff) << 16) | (low & 0xffff);
  words[to + 1] = a1 * b1 + Math.floor(middle / 65536) + Math.floor(middle2 / 65536) + cross;
}

/** Quotient into `to`, or the remainder when `wantsRemainder` is 1. The divisor is not zero. */
export function divide(words: Int32Array, to: number, a: number, b: number, wantsRemainder: 0 | 1): void {
  const divisorLo = words[b]! >>> 0;
  const divisorHi = words[b + 1]! >>> 0;
  let restLo = 0;
  let restHi = 0;
  let quotientLo = 0;
  let quotientHi = 0;
  for (let bit = 63; bit >= 0; bit--) {
    const carry = restHi >>> 31; // the rest may pass 2^64 for one step: then it surely holds the divisor
    restHi = ((restHi << 1) | (restLo >>> 31)) >>> 0;
    restLo = ((restLo << 1) | ((bit >= 32 ? words[a + 1]! >>> (bit - 32) : words[a]! >>> bit) & 1)) >>> 0;
    if (carry === 0 && (restHi < divisorHi || (restHi === divisorHi && restLo < divisorLo))) continue;
    const borrow = restLo < divisorLo ? 1 : 0;
    restLo = (restLo - divisorLo) >>> 0;
    restHi = (restHi - divisorHi - borrow) >>> 0;
    if (bit >= 32) quotientHi |= 1 << (bit - 32);
    else quotientLo |= 1 << bit;
  }
  words[to] = wantsRemainder ? restLo : quotientLo;
  words[to + 1] = wantsRemainder ? restHi : quotientHi;
}

/** Shifts by the low six bits of the amount, as SHL does; 64 and more give 0. */
export function shiftLeft(words: Int32Array, to: number, a: number, b: number): void {
  const by = amount(words, b);
  const lo = words[a]!;
  const hi = words[a + 1]!;
  if (by === 0) return setPairAt(words, to, lo, hi);
  if (by >= 64) return setPairAt(words, to, 0, 0);
  if (by >= 32) return setPairAt(words, to, 0, lo << (by - 32));
  setPairAt(words, to, lo << by, (hi << by) | (lo >>> (32 - by)));
}

export function shiftRight(words: Int32Array, to: number, a: number, b: number): void {
  const by = amount(words, b);
  const lo = words[a]!;
  const hi = words[a + 1]!;
  if (by === 0) return setPairAt(words, to, lo, hi);
  if (by >= 64) return setPairAt(words, to, 0, 0);
  if (by >= 32) return setPairAt(words, to, hi >>> (by - 32), 0);
  setPairAt(words, to, (lo >>> by) | (hi << (32 - by)), hi >>> by);
}

export function isEqual(words: Int32Array, a: number, b: number): boolean {
  return words[a] === words[b] && words[a + 1] === words[b + 1];
}

export function isLess(words: Int32Array, a: number, b: number): boolean {
  const aHi = words[a + 1]! >>> 0;
  const bHi = words[b + 1]! >>> 0;
  return aHi < bHi || (aHi === bHi && words[a]! >>> 0 < words[b]! >>> 0);
}

export function isZero(words: Int32Array, a: number): boolean {
  return (words[a]! | words[a + 1]!) === 0;
}

export function setPairAt(words: Int32Array, to: number, lo: number, hi: number): void {
  words[to] = lo;
  words[to + 1] = hi;
}

/** Writes an exact non-negative number below 2^53. */
export function setNumberAt(words: Int32Array, to: number, value: number): void {
  words[to] = value % 4294967296;
  words[to + 1] = Math.floor(value / 4294967296);
}

/** The pair as an unsigned 64-bit value. For the edges only. */
export function pairToBigInt(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

function amount(words: Int32Array, b: number): number {
  return words[b + 1] !== 0 || words[b]! >>> 0 > 63 ? 64 : words[b]!;
}

/** Its inverse: low and high half of a 64-bit value. */
export function bigIntToHalves(value: bigint): [number, number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}
