import type { RaceFreeProgram } from './raceFreeProgram';

const USER = 1n << 2n;

/** Bits that give rights, of which one choice is set in a page's entry without an invalidation: P, R/W, U/S, A and D. */
export const raisedInPage = [1n, 2n, 4n, 6n, 0x20n, 0x62n] as const;
/** The same of an entry above the last level. */
export const raisedAbove = [2n, 4n, 6n] as const;

/**
 * Whether setting these bits takes rights as well: what becomes a user-mode page is taken from the supervisor by SMEP, SMAP and the page's
 * protection key, so that it is to be invalidated. SDM Vol. 3, "Determination of Access Rights".
 */
export function takesRights(raised: bigint, { isRich }: RaceFreeProgram): boolean {
  return isRich && (raised & USER) !== 0n;
}
