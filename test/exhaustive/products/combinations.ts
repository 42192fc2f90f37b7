import type { Controls } from '../oracle/accessRights';
import { allOff } from '../machine/hardware';

/** Every union of the masks: 2 to the power of their number, the empty one included. */
export function unions(masks: readonly bigint[]): bigint[] {
  return masks.reduce<bigint[]>((all, mask) => [...all, ...all.map((union) => union | mask)], [0n]);
}

/** All settings of these controls, the others off. */
export function settings(names: readonly (keyof Controls)[], base: Controls = allOff): Controls[] {
  return names.reduce<Controls[]>(
    (all, name) => [...all, ...all.map((controls) => ({ ...controls, [name]: true }))], [base]);
}

/** Every pair of different members, each once. */
export function pairsOf<T>(members: readonly T[]): (readonly [T, T])[] {
  return members.flatMap((first, index) => members.slice(index + 1).map((second) => [first, second] as const));
}

/** Bits by name, the oracle's own: the manuals' tables have them at these places in every format that has them. */
export const BIT = {
  P: 1n << 0n, RW: 1n << 1n, US: 1n << 2n, PWT: 1n << 3n, PCD: 1n << 4n, A: 1n << 5n, D: 1n << 6n, PS: 1n << 7n, G: 1n << 8n,
  ignored: 7n << 9n, keyLow: 59n, XD: 1n << 63n,
  R: 1n << 0n, W: 1n << 1n, X: 1n << 2n, EA: 1n << 8n, ED: 1n << 9n, XU: 1n << 10n, ept11: 1n << 11n, SVE: 1n << 63n,
} as const;
