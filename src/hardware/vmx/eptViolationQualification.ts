import { ACCESS, ACCESS_KIND_MASK } from '../paging/accessKinds';
import { EPT_RIGHTS, PAGE_RIGHTS } from '../paging/accessRights';
import type { TranslationSpace } from '../paging/translationSpace';
import { NO_LINEAR } from '../paging/walkOutcome';
import { EPT_QUALIFICATION as Q } from './exitQualification';

/** Bits that say what the access was, by kind. */
export const accessBits = new Map<number, number>([
  [ACCESS.read, Q.read], [ACCESS.write, Q.write], [ACCESS.fetch, Q.fetch], [ACCESS.readWrite, Q.read | Q.write],
]);

/** Bits of a rights integer of EPT, and where they are told. */
export const rightsBits = [
  [EPT_RIGHTS.readable, Q.readable], [EPT_RIGHTS.writable, Q.writable],
  [EPT_RIGHTS.executable, Q.executable], [EPT_RIGHTS.userExecutable, Q.userExecutable],
] as const;

/** What `nested` of a guest's walk knows of the access that it serves. */
type ServingSpace = Pick<TranslationSpace, 'servedLevel' | 'servedRights' | 'features'>;

/**
 * Qualification of an EPT violation (its high half is 0) of an access, with the rights that all EPT entries used gave.
 * SDM Vol. 3, "Exit Qualification for EPT Violations".
 */
export function eptViolationQualification(space: ServingSpace, access: number, rights: number): number {
  let qualification = accessBits.get(access & ACCESS_KIND_MASK) ?? 0;
  for (const [right, bit] of rightsBits) if ((rights & right) !== 0) qualification |= bit;
  if (space.servedLevel === NO_LINEAR) return qualification;
  qualification |= Q.linearAddressValid;
  return space.servedLevel === 0 ? qualification | Q.translationResult | advancedInformation(space) : qualification;
}

/**
 * What the guest's own tables say of the page, where the processor has "advanced VM-exit information for EPT
 * violations". While CR0.PG is 0 every address is a user-mode one, writable and executable: the rights without tables.
 */
function advancedInformation({ servedRights, features }: ServingSpace): number {
  if (features.eptAdvancedExitInformation === 'off') return 0;
  return (servedRights & PAGE_RIGHTS.user ? Q.userAddress : 0)
    | (servedRights & PAGE_RIGHTS.writable ? Q.writablePage : 0)
    | (servedRights & PAGE_RIGHTS.executable ? 0 : Q.executeDisablePage);
}
