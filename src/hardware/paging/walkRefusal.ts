import { ACCESS, ACCESS_KIND_MASK } from './accessKinds';
import { accessRightsRow, PAGE_RIGHTS } from './accessRights';
import { brokenIllegalRule, brokenReservedRule } from './compiledFormat';
import { EPT_QUALIFICATION, NPF_INFO_HI } from '../vmx/exitQualification';
import { PFEC, pageFaultErrorCode } from './pageFaultErrorCode';
import { keyRefuses } from './protectionKeys';
import type { TranslationSpace } from './translationSpace';
import { reportWalkDone } from '../events/walkEvents';
import { EFFECTS, NO_LINEAR, WALK, WHY } from './walkOutcome';

/** Ends a walk that its own tables refuse; `rights` is what the entries used gave, 0 when one was not present. */
export function refuse(space: TranslationSpace, why: number, rights: number, effects: number): number {
  const { result } = space;
  result.why = why;
  result.rights = rights;
  result.rule = ruleOf(space, why, rights);
  if (why === WHY.flagUpdate) return refuseAsNested(space, WALK.eptViolation, effects);
  result.outcome = space.compiled.isEpt !== 0 ? asEptEvent(space, why, rights)
    : space.compiled.isNpt !== 0 ? asNestedPageFault(space, why, rights) : asPageFault(space, why, rights);
  addNestedReferences(space);
  if (effects !== EFFECTS.none) reportWalkDone(space);
  return result.outcome;
}

/** Ends a walk whose table address or final address was refused by the nested translation or the addressing. */
export function refuseAsNested(space: TranslationSpace, outcome: number, effects: number): number {
  const { result, nested } = space;
  if (result.why === WHY.none) result.why = WHY.nested;
  result.outcome = outcome;
  if (nested !== undefined) {
    result.qualification = nested.result.qualification;
    result.qualificationHi = nested.result.qualificationHi;
    result.gpaLo = nested.result.gpaLo;
    result.gpaHi = nested.result.gpaHi;
  }
  addNestedReferences(space);
  if (effects !== EFFECTS.none) reportWalkDone(space);
  return outcome;
}

/**
 * Qualification of an EPT violation of this access. SDM Vol. 3, "Exit Qualification for EPT Violations".
 * `servedLevel`: level of the guest entry that the access is to, 0 for the translation of the linear address itself,
 * NO_LINEAR for an access that has no linear address.
 */
export function eptViolationQualification(access: number, rights: number, servedLevel: number): number {
  const kind = access & ACCESS_KIND_MASK;
  const by = kind === ACCESS.fetch ? EPT_QUALIFICATION.fetch
    : kind === ACCESS.read ? EPT_QUALIFICATION.read
      : kind === ACCESS.write ? EPT_QUALIFICATION.write
        : EPT_QUALIFICATION.read | EPT_QUALIFICATION.write;
  const place = servedLevel === NO_LINEAR ? 0
    : servedLevel === 0 ? EPT_QUALIFICATION.linearAddressValid | EPT_QUALIFICATION.translationResult
      : EPT_QUALIFICATION.linearAddressValid;
  return by | (rights << EPT_QUALIFICATION.rightsShift) | place;
}

function asPageFault(space: TranslationSpace, why: number, rights: number): number {
  const { result } = space;
  let cause = 0;
  if (why === WHY.reserved) cause = PFEC.P | PFEC.RSVD;
  else if (why === WHY.rights || why === WHY.protectionKey) cause = PFEC.P | keyCause(space, rights);
  result.errorCode = pageFaultErrorCode(result.access, cause, space.reportsFetch);
  return WALK.pageFault;
}

/** EXITINFO1 is the error code of the nested access, and above it what the access was for. APM Vol. 2, "Nested Page Faults". */
function asNestedPageFault(space: TranslationSpace, why: number, rights: number): number {
  const { result } = space;
  asPageFault(space, why, rights);
  result.gpaLo = result.addressLo;
  result.gpaHi = result.addressHi;
  result.qualification = result.errorCode;
  result.qualificationHi = space.servedLevel === 0 ? NPF_INFO_HI.finalAddress : NPF_INFO_HI.guestTable;
  return WALK.nestedPageFault;
}

/** PFEC.PK when the keys refuse the access, whatever else does. SDM Vol. 3, "Page-Fault Exceptions". */
function keyCause(space: TranslationSpace, rights: number): number {
  const { result, compiled } = space;
  if ((rights & PAGE_RIGHTS.user) === 0) return 0;
  const key = (result.entryHi[result.level]! >>> compiled.keyShift) & compiled.keyMask;
  return keyRefuses(space.keys, space.pkru, key, rights, result.access) ? PFEC.PK : 0;
}

function asEptEvent(space: TranslationSpace, why: number, rights: number): number {
  const { result } = space;
  result.gpaLo = result.addressLo;
  result.gpaHi = result.addressHi;
  if (why === WHY.reserved || why === WHY.illegal) return WALK.eptMisconfiguration;
  result.qualification = eptViolationQualification(result.access, rights, space.servedLevel);
  return WALK.eptViolation;
}

function ruleOf(space: TranslationSpace, why: number, rights: number): number {
  const { result, compiled } = space;
  const lo = result.entryLo[result.level]!;
  const hi = result.entryHi[result.level]!;
  const leaf = result.level === 1 || (lo & compiled.leafMask[result.level]!) !== 0 ? 1 : 0;
  if (why === WHY.reserved) return brokenReservedRule(compiled, result.level, leaf, lo, hi);
  if (why === WHY.illegal) return brokenIllegalRule(compiled, leaf, lo);
  if (why === WHY.rights && compiled.isEpt === 0) return accessRightsRow(result.access, rights);
  return -1;
}

function addNestedReferences(space: TranslationSpace): void {
  if (space.nested !== undefined) space.result.references += space.nested.result.references;
}
