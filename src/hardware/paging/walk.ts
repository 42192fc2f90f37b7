import { ACCESS_KIND_MASK } from './accessKinds';
import { ALL_RIGHTS, RIGHTS_BITS } from './accessRights';
import { COUNTER } from '../state/counters';
import { KIND } from '../events/eventTable';
import { RECORDED } from '../events/eventBus';
import { setFlags } from './flagUpdates';
import { keyRefuses } from './protectionKeys';
import type { TranslationSpace } from './translationSpace';
import { reportTableRead, reportWalk, reportWalkDone } from '../events/walkEvents';
import { walkRecorded } from './specialized/recordedWalk';
import { walkSpecialized, walkSpecializedTold } from './specialized/specializedWalk';
import { absentWord, HANDED_OVER } from './specialized/walkEndings';
import { refuse, refuseAsNested, refuseFlagUpdate } from './walkRefusal';
import { EFFECTS, WALK, WHY } from './walkOutcome';

// The tables by name are looked up once, not at each reference.
const TABLE_READ = KIND.table_read;
const WALK_BEGINS = KIND.walk;
const WALK_ENDS = KIND.walk_done;
const WALK_REFERENCES = COUNTER.walk_references;

/**
 * The one walk: translates (lo, hi) by the tables of `space`, and its outcome by `space.nested` if there is one.
 * SDM Vol. 3, "4-Level Paging and 5-Level Paging", "EPT Translation Mechanism".
 *
 * `access`: an access integer (`ACCESS`). `effects`: EFFECTS.hardware sets accessed and dirty flags, emits events and
 * counts references; EFFECTS.none leaves no trace but `space.result` (and that of the nested space). Comes back with
 * a `WALK` outcome; what was learned is in `space.result`.
 *
 * At each level: present, then reserved bits, then down. Rights are judged once, after the leaf. A guest's flags are
 * set before the final address is translated, and its own page fault comes before any EPT event of that address.
 */
export function walk(space: TranslationSpace, lo: number, hi: number, access: number, effects: number): number {
  const { on } = space.bus;
  if (space.specialized !== 0 && effects === EFFECTS.hardware && (on[WALK_BEGINS]! | on[WALK_ENDS]!) === 0) {
    const told = on[TABLE_READ]!;
    const outcome = told === 0 ? walkSpecialized(space, lo, hi, access)
      : told === RECORDED ? walkRecorded(space, lo, hi, access) : walkSpecializedTold(space, lo, hi, access);
    if (outcome !== HANDED_OVER) return outcome;
  }
  return walkEachLevel(space, lo, hi, access, effects);
}

/** The walk itself, of which the generated ones are copies for the formats that matter most. */
function walkEachLevel(space: TranslationSpace, lo: number, hi: number, access: number, effects: number): number {
  const compiled = space.compiled;
  const result = space.result;
  const memory = space.memory;
  const tables = space.tables;
  const direct = space.direct;
  const nested = space.nested;
  if (space.isNested === 0) {
    space.servedLo = lo;
    space.servedHi = hi;
    result.references = 0;
  }
  if (nested !== undefined) {
    nested.servedLo = space.servedLo;
    nested.servedHi = space.servedHi;
    nested.result.references = 0;
  }
  result.addressLo = lo;
  result.addressHi = hi;
  result.access = access;
  result.why = WHY.none;
  result.rule = -1;
  result.errorCode = 0;
  result.qualification = 0;
  result.top = compiled.levels;
  result.level = compiled.levels;
  result.nestedRights = ALL_RIGHTS;
  const cache = effects === EFFECTS.none ? undefined : space.walkCache;
  if (cache !== undefined && cache.answer(space, lo, hi, access) !== 0) return WALK.mapped;
  const { on } = space.bus;
  const tellsReads = effects === EFFECTS.none ? 0 : on[TABLE_READ]!;
  const counters = effects === EFFECTS.none ? undefined : space.counters;
  if (effects !== EFFECTS.none && on[WALK_BEGINS] !== 0) reportWalk(space, lo, hi, access);
  if ((hi & compiled.beyondInputHi) !== 0) return refuse(space, WHY.addressWidth, 0, effects);

  let tableLo = space.rootLo;
  let tableHi = space.rootHi;
  let rights = compiled.allRights;
  let entryLo = 0;
  let entryHi = 0;
  let level = compiled.levels;
  // Level whose table a paging-structure cache knows, and where it is; 0: none.
  let known = 0;
  let knownLo = 0;
  let knownHi = 0;
  if (cache !== undefined) {
    known = cache.start(space, lo, hi);
    if (known !== 0) {
      level = known;
      tableLo = cache.tableLo;
      tableHi = cache.tableHi;
      rights = cache.rights;
      knownLo = cache.hpaLo;
      knownHi = cache.hpaHi;
      result.top = level;
    }
  }
  while (level > 0) {
    result.level = level;
    if (level === compiled.registerLevel) {
      const at = (lo >>> compiled.shifts[level]!) << 1;
      entryLo = topEntry(space, at);
      entryHi = topEntry(space, at + 1);
      result.entryLo[level] = entryLo;
      result.entryHi[level] = entryHi;
      if ((entryLo & compiled.presentMask) === 0) return refuse(space, WHY.notPresent, 0, effects);
      tableLo = entryLo & compiled.frameLo;
      tableHi = entryHi & compiled.frameHi;
      level--;
      continue;
    }
    const shift = compiled.shifts[level]!;
    const field = shift < 32 ? (lo >>> shift) | (hi << (32 - shift)) : hi >>> (shift - 32);
    const index = field & compiled.indexMask;
    const addressLo = tableLo | (index << compiled.entryShift);
    let hpaLo = addressLo;
    let hpaHi = tableHi;
    if (level === known) {
      hpaLo = knownLo | (index << compiled.entryShift);
      hpaHi = knownHi;
    } else if (direct === 0) {
      const refusal = tables.locate(addressLo, tableHi, level, effects);
      if (refusal !== WALK.mapped) return refuseAsNested(space, refusal, effects);
      hpaLo = tables.hpaLo;
      hpaHi = tables.hpaHi;
    }
    const at = memory.wordAt(hpaLo, hpaHi);
    if (at === 0) {
      entryLo = effects === EFFECTS.none ? memory.load32(hpaLo, hpaHi) : absentWord(space, hpaLo, hpaHi);
      entryHi = compiled.wide === 0 ? 0 : entryLo;
    } else {
      entryLo = memory.words[at]!;
      entryHi = compiled.wide === 0 ? 0 : memory.words[at + 1]!;
    }
    result.references++;
    result.entryLo[level] = entryLo;
    result.entryHi[level] = entryHi;
    result.entryAddressLo[level] = addressLo;
    result.entryAddressHi[level] = tableHi;
    result.entryHpaLo[level] = hpaLo;
    result.entryHpaHi[level] = hpaHi;
    if (counters !== undefined) counters[WALK_REFERENCES]!++;
    if (tellsReads !== 0) reportTableRead(space, level, index);
    if ((entryLo & compiled.presentMask) === 0) return refuse(space, WHY.notPresent, 0, effects);
    const leaf = level === 1 || (entryLo & compiled.leafMask[level]!) !== 0 ? 1 : 0;
    const use = (level << 1) | leaf;
    if (compiled.illegal[(leaf << 6) | (entryLo & 63)] !== 0) return refuse(space, WHY.illegal, 0, effects);
    if (((entryLo & compiled.reservedLo[use]!) | (entryHi & compiled.reservedHi[use]!)) !== 0) {
      return refuse(space, WHY.reserved, 0, effects);
    }
    rights &= ((entryLo >>> compiled.rightsLoShift) & compiled.rightsLoMask)
      | ((entryLo >>> compiled.rightsFarShift) & compiled.rightsFarMask)
      | (((entryHi ^ compiled.rightsHiFlip) >>> compiled.rightsHiShift) & compiled.rightsHiMask)
      | compiled.impliedRights[level]!;
    if (leaf === 1) break;
    tableLo = entryLo & compiled.frameLo;
    tableHi = entryHi & compiled.frameHi;
    level--;
  }

  result.rights = rights;
  if (space.permissions[(access << RIGHTS_BITS) | rights] === 0) return refuse(space, WHY.rights, rights, effects);
  const key = (entryHi >>> compiled.keyShift) & compiled.keyMask;
  if (space.keys !== 0 && keyRefuses(space, key, rights, access)) {
    return refuse(space, WHY.protectionKey, rights, effects);
  }
  if (effects !== EFFECTS.none && space.accessedDirty !== 0) {
    const refusal = setFlags(space, level, access);
    if (refusal !== WALK.mapped) return refuseFlagUpdate(space, refusal, rights, effects);
  }

  const pageShift = compiled.shifts[level]!;
  if (level === 0) {
    result.gpaLo = lo;
    result.gpaHi = hi;
    result.global = 0;
    result.dirty = 1;
  } else {
    const offsetMask = (1 << pageShift) - 1;
    result.gpaLo = (entryLo & compiled.frameLo & ~offsetMask) | (lo & offsetMask);
    result.gpaHi = (entryHi & compiled.frameHi) | ((entryLo >>> compiled.highFrameShift) & compiled.highFrameMask[level]!);
    result.global = (entryLo & compiled.globalMask) === 0 ? 0 : 1;
    result.dirty = space.accessedDirty === 0 || (result.entryLo[level]! & compiled.dirtyMask) !== 0 ? 1 : 0;
  }
  result.key = key;
  result.pageShift = pageShift;
  result.effectiveShift = pageShift;
  result.hpaLo = result.gpaLo;
  result.hpaHi = result.gpaHi;
  if (nested !== undefined) {
    nested.servedLevel = 0;
    nested.servedRights = rights;
    // The two bits are one place apart: PAGE_RIGHTS.user and ACCESS.user.
    const finalAccess = (access & ACCESS_KIND_MASK) | nested.finalAccess | ((rights << 1) & nested.userAddressMask);
    const refusal = walk(nested, result.gpaLo, result.gpaHi, finalAccess, effects);
    if (refusal !== WALK.mapped) return refuseAsNested(space, refusal, effects);
    const final = nested.result;
    result.hpaLo = final.hpaLo;
    result.hpaHi = final.hpaHi;
    result.nestedRights = final.rights;
    result.dirty &= final.dirty;
    if (level === 0 || final.pageShift < pageShift) result.effectiveShift = final.pageShift;
    result.references += final.references;
  }
  result.outcome = WALK.mapped;
  if (cache !== undefined) cache.fill(space);
  if (effects !== EFFECTS.none && on[WALK_ENDS] !== 0) reportWalkDone(space);
  return WALK.mapped;
}

/** Half of a PDPTE register. SDM Vol. 3, "PDPTE Registers": they hold what was loaded, whatever memory holds by now. */
function topEntry(space: TranslationSpace, at: number): number {
  const { topEntries } = space;
  if (topEntries === undefined) throw new Error(`invariant: ${space.format.name} paging without the registers of its top entries`);
  return topEntries[at]!;
}
