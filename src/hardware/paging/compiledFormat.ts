import { ALL_RIGHTS } from './accessRights';
import { keptCompilations } from './compiledOnce';
import { type FormatNeed, type PagingFormat, type ReservedRule, type RightBit, rowApplies } from './pagingFormat';

/** What of the processor and its registers decides which bits are reserved. */
export interface FormatFeatures {
  readonly maxphyaddr: number;
  readonly noExecute: 'on' | 'off';
  readonly executeOnly: 'on' | 'off';
  /** CR4.PSE, for formats that ask for it. */
  readonly largePages?: 'on' | 'off';
  /** Page sizes that the processor has for the format, and PSE-36; left out: it has them. */
  readonly pages2M?: 'on' | 'off';
  readonly pages1G?: 'on' | 'off';
  readonly pse36?: 'on' | 'off';
  /** The "mode-based execute control for EPT" VM-execution control; left out: it is 0. */
  readonly modeBasedExecute?: 'on' | 'off';
  /** Where entries of the format's `registerLevel` are: in registers, or read in the walk as all others. */
  readonly topEntries?: 'registers' | 'memory';
}

/** Room for levels 0 to 5, rounded up. */
export const LEVEL_SLOTS = 8;
const PAGE_SHIFT = 12;

/**
 * A format as int32 masks, one shape for all formats, so that the one walk stays monomorphic.
 * Arrays are indexed by level; those about entries by `level << 1 | leaf`.
 */
export interface CompiledFormat {
  readonly format: PagingFormat;
  readonly features: FormatFeatures;
  readonly levels: number;
  /** 1: entries have a high half. */
  readonly wide: number;
  readonly entryShift: number;
  readonly indexMask: number;
  /** Lowest address bit that the level's index is taken from; also the page shift of its leaf. */
  readonly shifts: Int32Array;
  /** Bits of the input address's high half that must be zero. */
  readonly beyondInputHi: number;
  /** An input address is canonical when `hi >> canonicalShift` is 0 or this. */
  readonly canonicalShift: number;
  readonly canonicalSign: number;
  /** Bits of the root register that are the first table's address. */
  readonly rootLo: number;
  readonly rootHi: number;
  /** Level whose entries are in registers; 0: none. */
  readonly registerLevel: number;
  readonly presentMask: number;
  readonly leafMask: Int32Array;
  readonly reservedLo: Int32Array;
  readonly reservedHi: Int32Array;
  /** Nonzero: illegal. Index `leaf << 6 | low six bits`. */
  readonly illegal: Uint8Array;
  readonly frameLo: number;
  readonly frameHi: number;
  /** High half of a leaf's address: `hi & frameHi | (lo >>> highFrameShift) & highFrameMask[level]`. */
  readonly highFrameShift: number;
  readonly highFrameMask: Int32Array;
  /**
   * Rights integer: `(lo >>> rightsLoShift) & rightsLoMask | (lo >>> rightsFarShift) & rightsFarMask
   * | ((hi ^ rightsHiFlip) >>> rightsHiShift) & rightsHiMask`.
   */
  readonly rightsLoShift: number;
  readonly rightsLoMask: number;
  /** Of a right in the low half that stands apart from the others there; the mask is 0 when none does. */
  readonly rightsFarShift: number;
  readonly rightsFarMask: number;
  readonly rightsHiFlip: number;
  readonly rightsHiShift: number;
  readonly rightsHiMask: number;
  /** The rights integer that gives everything the format has rights for. */
  readonly allRights: number;
  /** Rights that entries of a level give whatever they hold. */
  readonly impliedRights: Int32Array;
  /** The highest level that has accessed flags. */
  readonly flagsTop: number;
  readonly accessedMask: number;
  readonly dirtyMask: number;
  readonly globalMask: number;
  readonly keyShift: number;
  readonly keyMask: number;
  /** 1: a refusal is an EPT violation or misconfiguration, else a page fault of either kind. */
  readonly isEpt: number;
  /** 1: a refusal is a nested page fault. */
  readonly isNpt: number;
}

/** Mask of bits `high`..`low` that fall into the low (word 0) or high (word 1) half. */
function bitsIn(word: 0 | 1, high: number, low: number): number {
  let mask = 0;
  for (let bit = low; bit <= high; bit++) if (bit >> 5 === word) mask |= 1 << (bit & 31);
  return mask;
}

/** Lowest reserved bit that a rule names under these features; above `bits[0]` the rule is off. */
function reservedFrom(rule: ReservedRule, features: FormatFeatures): number {
  switch (rule.when) {
    case 'always': return rule.bits[1];
    case 'above MAXPHYADDR': return rule.bits[1] + Math.max(0, features.maxphyaddr - (rule.addressBit ?? rule.bits[1]));
    case 'EFER.NXE = 0': return reservedWithout(features.noExecute, rule);
    case 'no 2-MByte pages': return reservedWithout(features.pages2M, rule);
    case 'no 1-GByte pages': return reservedWithout(features.pages1G, rule);
    case 'no PSE-36': return reservedWithout(features.pse36, rule);
  }
}

function reservedWithout(feature: 'on' | 'off' | undefined, rule: ReservedRule): number {
  return feature === 'off' ? rule.bits[1] : rule.bits[0] + 1;
}

/** Is what a row of a format needs there? */
export function isMet(needs: FormatNeed | undefined, features: FormatFeatures): boolean {
  switch (needs) {
    case undefined: return true;
    case 'mode-based execute control': return features.modeBasedExecute === 'on';
    case 'CR4.PSE': return features.largePages === 'on';
  }
}

/** The rights that entries of a format give under these features. */
export function rightsOf({ format, features }: Pick<CompiledFormat, 'format' | 'features'>): readonly RightBit[] {
  return format.rights.filter((right) => isMet(right.needs, features));
}

/** Row of the first reserved-bit rule that an entry breaks, or -1. */
export function brokenReservedRule(compiled: CompiledFormat, level: number, leaf: number, lo: number, hi: number): number {
  const use = leaf === 1 ? 'leaf' : 'table';
  return compiled.format.reservedRules.findIndex((rule) => {
    if (!rowApplies(rule, level, use)) return false;
    const from = reservedFrom(rule, compiled.features);
    return (lo & bitsIn(0, rule.bits[0], from)) !== 0 || (hi & bitsIn(1, rule.bits[0], from)) !== 0;
  });
}

/** Row of the first illegal combination that an entry has, or -1. */
export function brokenIllegalRule(compiled: CompiledFormat, leaf: number, lo: number): number {
  const use = leaf === 1 ? 'leaf' : 'table';
  return compiled.format.illegalRules.findIndex((rule) =>
    (rule.entries === 'any' || rule.entries === use)
    && !(rule.unless === 'execute-only' && compiled.features.executeOnly === 'on')
    && (lo & rule.mask) === rule.value);
}

function compileReserved(format: PagingFormat, features: FormatFeatures, word: 0 | 1): Int32Array {
  const masks = new Int32Array(2 * LEVEL_SLOTS);
  for (let level = 1; level <= format.levels; level++) {
    for (const leaf of [0, 1] as const) {
      for (const rule of format.reservedRules) {
        if (!rowApplies(rule, level, leaf === 1 ? 'leaf' : 'table')) continue;
        masks[(level << 1) | leaf]! |= bitsIn(word, rule.bits[0], reservedFrom(rule, features));
      }
    }
  }
  return masks;
}

function compileIllegal(format: PagingFormat, features: FormatFeatures): Uint8Array {
  const illegal = new Uint8Array(128);
  for (const leaf of [0, 1] as const) {
    for (let low = 0; low < 64; low++) {
      for (const rule of format.illegalRules) {
        if (rule.unless === 'execute-only' && features.executeOnly === 'on') continue;
        if (rule.entries !== 'any' && rule.entries !== (leaf === 1 ? 'leaf' : 'table')) continue;
        if ((low & rule.mask) === rule.value) illegal[(leaf << 6) | low] = 1;
      }
    }
  }
  return illegal;
}

/** Rights bits of an entry that one shift moves to their places in a rights integer. */
interface RightsGroup { shift: number; mask: number }
interface RightsMasks { lo: RightsGroup; far: RightsGroup; hi: RightsGroup; hiFlip: number }

/**
 * Rights bits must keep their order: one shift moves those of the high half to their places, two those of the low
 * half. A right in the high half that clear bits give is always given by a format without a high half.
 */
function compileRights(format: PagingFormat, features: FormatFeatures): RightsMasks {
  const group = (): RightsGroup => ({ shift: 0, mask: 0 });
  const masks: RightsMasks = { lo: group(), far: group(), hi: group(), hiFlip: 0 };
  rightsOf({ format, features }).forEach((right, index) => {
    const shift = (right.bit & 31) - index;
    const groups = right.bit >= 32 ? [masks.hi] : [masks.lo, masks.far];
    const taken = groups.find(({ mask, shift: known }) => mask === 0 || known === shift);
    if (shift < 0 || taken === undefined) throw new Error(`invariant: rights of format ${format.name} need more shifts than there are`);
    if (right.bit < 32 && right.givenBy === 0) throw new Error(`invariant: a clear low bit of format ${format.name} gives a right: no mask turns it over`);
    taken.shift = shift;
    taken.mask |= 1 << index;
    if (right.bit >= 32 && right.givenBy === 0) masks.hiFlip |= 1 << (right.bit & 31);
  });
  return masks;
}

function perLevel(levels: readonly number[], value: number): Int32Array {
  const values = new Int32Array(LEVEL_SLOTS);
  for (const level of levels) values[level] = value;
  return values;
}

const lowMask = (bit: number | undefined): number => (bit === undefined ? 0 : bitsIn(0, bit, bit));

/** By format, and by what features decide of it. */
const compiledFormats = keptCompilations<PagingFormat, Map<number, CompiledFormat>>();

/** A format compiled for a processor. Not for the hot path: call it when registers or features change. */
export function compileFormat(format: PagingFormat, features: FormatFeatures): CompiledFormat {
  const key = featureKey(features);
  let known = compiledFormats.get(format);
  if (known === undefined) {
    known = new Map();
    compiledFormats.set(format, known);
  }
  let compiled = known.get(key);
  if (compiled === undefined) {
    compiled = compile(format, features);
    known.set(key, compiled);
  }
  return compiled;
}

const SWITCHES = ['noExecute', 'executeOnly', 'largePages', 'pages2M', 'pages1G', 'pse36', 'modeBasedExecute'] as const;

/** Equal for equal features: a base-3 digit each, the width of addresses above. */
function featureKey(features: FormatFeatures): number {
  let key = features.maxphyaddr * 3 + (features.topEntries === undefined ? 0 : features.topEntries === 'memory' ? 1 : 2);
  for (const name of SWITCHES) key = key * 3 + (features[name] === undefined ? 0 : features[name] === 'on' ? 1 : 2);
  return key;
}

function compile(format: PagingFormat, features: FormatFeatures): CompiledFormat {
  const inputBits = format.inputBits ?? PAGE_SHIFT + format.levels * format.indexBits;
  const zeroExtended = format.input === 'zero-extended' && format.levels > 0;
  const rights = compileRights(format, features);
  const pointerLevels = format.pointerLevels ?? [];
  const shifts = new Int32Array(LEVEL_SLOTS);
  for (let level = 1; level < LEVEL_SLOTS; level++) shifts[level] = PAGE_SHIFT + (level - 1) * format.indexBits;
  shifts[0] = PAGE_SHIFT;
  return {
    format,
    features,
    levels: format.levels,
    wide: format.entryBytes === 8 ? 1 : 0,
    entryShift: format.entryBytes === 8 ? 3 : 2,
    indexMask: (1 << format.indexBits) - 1,
    shifts,
    beyondInputHi: zeroExtended ? bitsIn(1, 63, Math.max(inputBits, 32)) : 0,
    canonicalShift: format.input === 'canonical' ? inputBits - 33 : 0,
    canonicalSign: format.input === 'canonical' ? -1 : 0,
    rootLo: bitsIn(0, format.root[0], format.root[1]),
    rootHi: bitsIn(1, format.root[0], format.root[1]),
    registerLevel: features.topEntries === 'memory' ? 0 : format.registerLevel ?? 0,
    presentMask: presentMask(format, features),
    leafMask: perLevel(isMet(format.leafNeeds, features) ? format.leafLevels : [], lowMask(format.leafBit)),
    reservedLo: compileReserved(format, features, 0),
    reservedHi: compileReserved(format, features, 1),
    illegal: compileIllegal(format, features),
    frameLo: bitsIn(0, format.frame[0], format.frame[1]),
    frameHi: bitsIn(1, format.frame[0], format.frame[1]),
    highFrameShift: format.highFrame?.bits[1] ?? 0,
    highFrameMask: highFrameMask(format),
    rightsLoShift: rights.lo.shift,
    rightsLoMask: rights.lo.mask,
    rightsFarShift: rights.far.shift,
    rightsFarMask: rights.far.mask,
    rightsHiFlip: rights.hiFlip,
    rightsHiShift: rights.hi.shift,
    rightsHiMask: rights.hi.mask,
    allRights: (1 << rightsOf({ format, features }).length) - 1,
    impliedRights: perLevel(pointerLevels, ALL_RIGHTS),
    flagsTop: format.levels - pointerLevels.length,
    accessedMask: lowMask(format.accessedBit),
    dirtyMask: lowMask(format.dirtyBit),
    globalMask: lowMask(format.globalBit),
    keyShift: format.keyBit === undefined ? 0 : format.keyBit - 32,
    keyMask: format.keyBit === undefined ? 0 : 15,
    isEpt: format.refusal === 'EPT' ? 1 : 0,
    isNpt: format.refusal === 'nested page fault' ? 1 : 0,
  };
}

/** SDM Vol. 1, "Canonical Addressing"; where addresses are not sign-extended: 32 bits and no more. `hi`: high half. */
export function isCanonical(compiled: CompiledFormat, hi: number): boolean {
  const above = hi >> compiled.canonicalShift;
  return above === 0 || above === compiled.canonicalSign;
}

/** SDM Vol. 3, "EPT Translation Mechanism": with mode-based execute control bit 10 makes an entry present too. */
function presentMask({ presentMask: always, alsoPresent }: PagingFormat, features: FormatFeatures): number {
  return alsoPresent !== undefined && isMet(alsoPresent.needs, features) ? always | alsoPresent.mask : always;
}

function highFrameMask({ highFrame }: PagingFormat): Int32Array {
  if (highFrame === undefined) return perLevel([], 0);
  const [high, low] = highFrame.bits;
  return perLevel([highFrame.level], (1 << (high - low + 1)) - 1);
}
