import { ACCESS, ACCESS_KIND_MASK, ACCESS_WRITES } from './accessKinds';
import { PAGE_RIGHTS } from './accessRights';

/** How protection keys stand: SDM Vol. 3, "Protection Keys". */
export const KEYS = { off: 0, on: 1, onWithWriteProtect: 2 } as const;

/**
 * Do the keys refuse an access to a page with `key`? `pkru`: access disable (bit 2k) and write disable
 * (bit 2k + 1) of key k. Keys judge data accesses to user-mode addresses, whoever makes them; write disable
 * binds a supervisor only while CR0.WP is 1.
 */
export function keyRefuses(keys: number, pkru: number, key: number, rights: number, access: number): boolean {
  if (keys === KEYS.off || (rights & PAGE_RIGHTS.user) === 0) return false;
  const kind = access & ACCESS_KIND_MASK;
  if (kind === ACCESS.fetch) return false;
  const bits = (pkru >>> (key << 1)) & 3;
  if (bits & 1) return true;
  return (bits & 2) !== 0 && (kind & ACCESS_WRITES) !== 0
    && ((access & ACCESS.user) !== 0 || keys === KEYS.onWithWriteProtect);
}
