import { ACCESS, ACCESS_KIND_MASK, ACCESS_WRITES } from './accessKinds';
import { PAGE_RIGHTS } from './accessRights';

/** How protection keys stand, as bits: which addresses have them, and CR0.WP. SDM Vol. 3, "Protection Keys". */
export const KEYS = {
  off: 0,
  /** CR4.PKE: user-mode addresses, by PKRU. */
  user: 1 << 0,
  /** CR4.PKS: supervisor-mode addresses, by IA32_PKRS. */
  supervisor: 1 << 1,
  /** CR0.WP. */
  writeProtect: 1 << 2,
} as const;

/** Keys, and for each its access disable (bit 2k) and write disable (bit 2k + 1). */
export interface KeyRights {
  readonly keys: number;
  readonly pkru: number;
  readonly pkrs: number;
}

/**
 * Do the keys refuse an access to a page with `key`? The mode of the address, not of the access, chooses the register.
 * Keys judge data accesses alone, whoever makes them. Write disable holds while CR0.WP is 1; that of PKRU holds for
 * user-mode accesses always. `rights`: of the page, as PAGE_RIGHTS. SDM Vol. 3, "Protection Keys".
 */
export function keyRefuses(keyRights: KeyRights, key: number, rights: number, access: number): boolean {
  const { keys } = keyRights;
  const isUserAddress = (rights & PAGE_RIGHTS.user) !== 0;
  if ((keys & (isUserAddress ? KEYS.user : KEYS.supervisor)) === 0) return false;
  const kind = access & ACCESS_KIND_MASK;
  if (kind === ACCESS.fetch) return false;
  const bits = ((isUserAddress ? keyRights.pkru : keyRights.pkrs) >>> (key << 1)) & 3;
  if (bits & 1) return true;
  return (bits & 2) !== 0 && (kind & ACCESS_WRITES) !== 0
    && ((keys & KEYS.writeProtect) !== 0 || isUserAddress && (access & ACCESS.user) !== 0);
}
