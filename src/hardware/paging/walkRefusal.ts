import { accessRightsRow, eptRightsRow } from './accessRights';
import { brokenIllegalRule, brokenReservedRule } from './compiledFormat';
import { NPF_INFO_HI } from '../svm/exitInformation';
import { KIND } from '../events/eventTable';
import { eptViolationQualification } from '../vmx/eptViolationQualification';
import { PFEC, pageFaultErrorCode } from './pageFaultErrorCode';
import { keyRefuses } from './protectionKeys';
import type { TranslationSpace } from './translationSpace';
import { reportWalkDone } from '../events/walkEvents';
import { EFFECTS, WALK, WHY } from './walkOutcome';

// The table by name is looked up once, not at each refusal.
const WALK_ENDS = KIND.walk_done;

/** Ends a walk that its own tables refuse; `rights` is what the entries used gave, 0 when one was not present. */
export function refuse(space: TranslationSpace, why: number, rights: number, effects: number): number {
  const { result } = space;
  result.why = why;
  result.rights = rights;
  result.rule = ruleOf(space, why, rights);
  result.outcome = space.compiled.isEpt !== 0 ? asEptEvent(space, why, rights)
    : space.compiled.isNpt !== 0 ? asNestedPageFault(space, why, rights) : asPageFault(space, why, rights);
  addNestedReferences(space);
  if (effects !== EFFECTS.none && space.bus.on[WALK_ENDS] !== 0) reportWalkDone(space);
  return result.outcome;
}

/** Ends a walk that may not set an accessed or dirty flag; `outcome`: a `WALK`. */
export function refuseFlagUpdate(space: TranslationSpace, outcome: number, rights: number, effects: number): number {
  const { result } = space;
  result.rights = rights;
  result.why = outcome === WALK.modificationLogFull ? WHY.modificationLog : WHY.flagUpdate;
  result.gpaLo = result.addressLo;
  result.gpaHi = result.addressHi;
  return refuseAsNested(space, outcome, effects);
}

/** Ends a walk whose table address or final address was refused by the nested translation or the addressing. */
export function refuseAsNested(space: TranslationSpace, outcome: number, effects: number): number {
  const { result, nested } = space;
  if (result.why === WHY.none) result.why = WHY.nested;
  result.outcome = outcome;
  if (nested !== undefined) {
    result.qualification = nested.result.qualification;
    result.qualificationHi = nested.result.qualificationHi;
    result.convertible = nested.result.convertible;
    result.gpaLo = nested.result.gpaLo;
    result.gpaHi = nested.result.gpaHi;
  }
  addNestedReferences(space);
  if (effects !== EFFECTS.none && space.bus.on[WALK_ENDS] !== 0) reportWalkDone(space);
  return outcome;
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

/** PFEC.PK when the keys refuse the access, whatever else does: U/S too. SDM Vol. 3, "Page-Fault Exceptions". */
function keyCause(space: TranslationSpace, rights: number): number {
  const { result, compiled } = space;
  const key = (result.entryHi[result.level]! >>> compiled.keyShift) & compiled.keyMask;
  return keyRefuses(space, key, rights, result.access) ? PFEC.PK : 0;
}

function asEptEvent(space: TranslationSpace, why: number, rights: number): number {
  const { result } = space;
  result.gpaLo = result.addressLo;
  result.gpaHi = result.addressHi;
  if (why === WHY.reserved || why === WHY.illegal) return WALK.eptMisconfiguration;
  result.qualification = eptViolationQualification(space, result.access, rights);
  result.convertible = isConvertible(space, why) ? 1 : 0;
  return WALK.eptViolation;
}

/**
 * May the violation become a virtualization exception? SDM Vol. 3, "Convertible EPT Violations": bit 63 of the entry
 * that is not present, or else of the one that maps the page, says no. Where no entry is asked for, nothing says yes.
 */
function isConvertible({ compiled, result }: TranslationSpace, why: number): boolean {
  const { suppressBit } = compiled.format;
  if (suppressBit === undefined || why === WHY.addressWidth) return false;
  return (result.entryHi[result.level]! & (1 << (suppressBit & 31))) === 0;
}

function ruleOf(space: TranslationSpace, why: number, rights: number): number {
  // Most refusals are of entries that are not present, and there is no rule to look for.
  if (why === WHY.notPresent) return -1;
  const { result, compiled } = space;
  const lo = result.entryLo[result.level]!;
  const hi = result.entryHi[result.level]!;
  const leaf = result.level === 1 || (lo & compiled.leafMask[result.level]!) !== 0 ? 1 : 0;
  if (why === WHY.reserved) return brokenReservedRule(compiled, result.level, leaf, lo, hi);
  if (why === WHY.illegal) return brokenIllegalRule(compiled, leaf, lo);
  if (why === WHY.rights && compiled.isEpt !== 0) return eptRightsRow(result.access, compiled.features.modeBasedExecute ?? 'off');
  if (why === WHY.rights) return accessRightsRow(result.access, rights);
  return -1;
}

function addNestedReferences(space: TranslationSpace): void {
  if (space.nested !== undefined) space.result.references += space.nested.result.references;
}
