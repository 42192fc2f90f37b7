import { keyPrevents, type Access, type Controls, type Translation } from './accessRights';

/** Why there is no translation, or none for this access. */
export type Cause = 'not present' | 'reserved bit' | 'access rights';

const PRESENT = 2 ** 0;
const WRITE = 2 ** 1;
const USER = 2 ** 2;
const RESERVED = 2 ** 3;
const FETCH = 2 ** 4;
const KEY = 2 ** 5;

/**
 * The error code, flag by flag. SDM Vol. 3, "Page-Fault Exceptions". `paging` decides CR4.PAE: it is 1 in all modes but
 * 32-bit paging.
 */
export function pageFaultErrorCode(
  access: Access, cause: Cause, to: Translation, controls: Controls, cr4Pae: boolean,
): number {
  let code = 0;
  // "P flag: 0 if there is no translation because the P flag was 0 in one of the entries used."
  if (cause !== 'not present') code += PRESENT;
  // "W/R: 1 if the access causing the page-fault exception was a write."
  if (access.what === 'write') code += WRITE;
  // "U/S: 1 if a user-mode access caused the page-fault exception."
  if (access.mode === 'user') code += USER;
  // "RSVD flag: 1 if there is no translation because a reserved bit was set in one of the entries used."
  if (cause === 'reserved bit') code += RESERVED;
  // "I/D: 1 if the access was an instruction fetch and either CR4.SMEP = 1, or both CR4.PAE = 1 and IA32_EFER.NXE = 1."
  if (access.what === 'fetch' && (controls.smep || cr4Pae && controls.nxe)) code += FETCH;
  // "PK flag": whatever else refused, when the key's rights prevent this data access.
  if (cause === 'access rights' && keyPrevents(access, to, controls)) code += KEY;
  return code;
}
