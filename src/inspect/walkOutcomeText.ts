import { accessRightsRow } from '../hardware/paging/accessRights';
import { brokenIllegalRule, brokenReservedRule, type CompiledFormat } from '../hardware/paging/compiledFormat';
import type { DecodedEntry } from '../hardware/paging/decodeEntry';
import { field } from '../hardware/events/eventTable';
import { describeQualification, eptViolationFields } from '../hardware/vmx/exitQualification';
import { PFEC } from '../hardware/paging/pageFaultErrorCode';
import { refusalText, type RefusedWalk } from '../hardware/paging/refusalText';
import { walkOutcomeNames, WALK, WHY } from '../hardware/paging/walkOutcome';
import { WalkResult } from '../hardware/paging/walkResult';
import { fieldText } from './addressText';
import { pageFaultCodeText } from './eventInformation';
import type { RecordedWalk } from './recordedWalk';
import { decodeRead, type WalkDimensions } from './walkDimensions';

/** How a walk ended, and why, in one line; undefined while it is under way. */
export function walkOutcomeText(walk: RecordedWalk, dimensions: WalkDimensions): string | undefined {
  const { done } = walk;
  if (done === undefined) return undefined;
  if (done[field.what.at] === WALK.mapped) return `maps ${fieldText('hpa', done, 'hpa')}`;
  const why = refusalText(refusedWalk(walk, done, dimensions));
  return `${endText(done)}${why === undefined ? '' : `: ${why}`}`;
}

/** `page fault, error code 0x6 (write, user)` */
function endText(done: Int32Array): string {
  const code = done[field.code.at]!;
  switch (done[field.what.at]) {
    case WALK.pageFault: return `page fault, ${errorCodeText(code)}`;
    case WALK.eptViolation: {
      const words = describeQualification(eptViolationFields, code);
      return `EPT violation at ${fieldText('gpa', done, 'gpa')}, qualification 0x${code.toString(16)} (${words})`;
    }
    case WALK.eptMisconfiguration: return `EPT misconfiguration at ${fieldText('gpa', done, 'gpa')}`;
    default: return walkOutcomeNames[done[field.what.at]!] ?? 'the walk ends';
  }
}

/** `error code 0x6 (write, user)` */
export function errorCodeText(code: number): string {
  return `error code ${pageFaultCodeText(code)}`;
}

/** The walk that was refused as the walk function had it, so that hardware's own words tell why. */
function refusedWalk(walk: RecordedWalk, done: Int32Array, dimensions: WalkDimensions): RefusedWalk {
  const isByNested = done[field.what.at] !== WALK.pageFault;
  const nestedEnd = isByNested ? walk.nestedDone : undefined;
  const isFlagUpdate = nestedEnd !== undefined && nestedEnd[field.what.at] === WALK.mapped;
  const why = isFlagUpdate ? WHY.flagUpdate : isByNested ? WHY.nested : whyOf(done[field.code.at]!);
  const nested = nestedEnd === undefined || dimensions.nested === undefined || isFlagUpdate ? undefined
    : refusedNested(walk, nestedEnd, dimensions, dimensions.nested);
  const result = resultOf(walk, done, walk.start[field.what.at]!, (made) => made.nestedLevel === 0 ? made.guestLevel : 0);
  result.why = why;
  if (why === WHY.rights || why === WHY.reserved) result.rule = ruleOf(walk, dimensions, result);
  return { compiled: dimensions.own, result, servedLevel: 0, nested };
}

function refusedNested(
  walk: RecordedWalk, done: Int32Array, dimensions: WalkDimensions, compiled: CompiledFormat,
): RefusedWalk {
  const served = done[field.guestLevel.at]!;
  const result = resultOf(walk, done, 0, (made) => made.guestLevel === served ? made.nestedLevel : 0);
  const entry = walk.made.find((made) => made.guestLevel === served && made.nestedLevel === result.level);
  const decoded = entry === undefined ? undefined : decodeRead(dimensions, entry);
  const lo = result.entryLo[result.level]!;
  const hi = result.entryHi[result.level]!;
  const leaf = decoded?.leaf === true ? 1 : 0;
  if (result.outcome === WALK.modificationLogFull) {
    result.why = WHY.modificationLog;
  } else if (decoded === undefined) {
    result.why = WHY.addressWidth;
  } else if (!decoded.present) {
    result.why = WHY.notPresent;
  } else if (decoded.fault === undefined) {
    result.why = WHY.rights;
  } else {
    const illegal = brokenIllegalRule(compiled, leaf, lo);
    result.why = illegal >= 0 ? WHY.illegal : WHY.reserved;
    result.rule = illegal >= 0 ? illegal : brokenReservedRule(compiled, result.level, leaf, lo, hi);
  }
  return { compiled, result, servedLevel: served, nested: undefined };
}

/** Outcome, level and the entries read; `levelOf` gives the level of those that belong to the walk, else 0. */
function resultOf(
  walk: RecordedWalk, done: Int32Array, access: number, levelOf: (made: RecordedWalk['made'][number]) => number,
): WalkResult {
  const result = new WalkResult();
  result.outcome = done[field.what.at]!;
  result.level = done[field.level.at]!;
  result.access = access;
  for (const made of walk.made) {
    const level = levelOf(made);
    if (level === 0) continue;
    result.entryLo[level] = made.read[field.value.at]!;
    result.entryHi[level] = made.read[field.value.at + 1]!;
  }
  return result;
}

/** SDM Vol. 3, "Page-Fault Exceptions": the error code tells the causes apart. */
function whyOf(code: number): number {
  if (code & PFEC.RSVD) return WHY.reserved;
  if ((code & PFEC.P) === 0) return WHY.notPresent;
  return code & PFEC.PK ? WHY.protectionKey : WHY.rights;
}

function ruleOf(walk: RecordedWalk, dimensions: WalkDimensions, result: WalkResult): number {
  const own = walk.made.filter((made) => made.nestedLevel === 0).map((made) => decodeRead(dimensions, made));
  if (result.why === WHY.rights) return accessRightsRow(result.access, rightsOver(own));
  const leaf = own[own.length - 1]?.leaf === true ? 1 : 0;
  return brokenReservedRule(dimensions.own, result.level, leaf, result.entryLo[result.level]!, result.entryHi[result.level]!);
}

/** The rights that all entries together give, as a rights integer. */
function rightsOver(entries: readonly DecodedEntry[]): number {
  return entries.reduce((rights, entry) => (
    rights & entry.rights.reduce((given, right, bit) => given | (right.given ? 1 << bit : 0), 0)
  ), -1);
}
