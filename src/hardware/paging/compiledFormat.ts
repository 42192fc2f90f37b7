import { ALL_RIGHTS } from './accessRights';
import { type PagingFormat, type ReservedRule, rowApplies } from './pagingFormat';

/** What of the processor and its registers decides which bits are reserved. */
export interface FormatFeatures {
  readonly maxphyaddr: number;
  readonly noExecute: 'on' | 'off';
  readonly executeOnly: 'on' | 'off';
  /** CR4.PSE, for formats that ask for it. */
  readonly largePages?: 'on' | 'off';
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
  /** Rights integer: `(lo >>> rightsLoShift) & rightsLoMask | ((hi ^ rightsHiFlip) >>> rightsHiShift) & rightsHiMask`. */
  readonly rightsLoShift: number;
  readonly rightsLoMask: number;
  readonly rightsHiFlip: number;
  readonly rightsHiShift: number;
  readonly rightsHiMask: number;
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
    case 'EFER.NXE = 0': return features.noExecute === 'on' ? rule.bits[0] + 1 : rule.bits[1];
  }
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

interface RightsMasks { loShift: number; loMask: number; hiFlip: number; hiShift: number; hiMask: number }

/**
 * Rights bits must keep their order within a word: one shift moves them all to their places. A right in the high
 * half that clear bits give is always given by a format without a high half.
 */
function compileRights(format: PagingFormat): RightsMasks {
  const masks: RightsMasks = { loShift: 0, loMask: 0, hiFlip: 0, hiShift: 0, hiMask: 0 };
  format.rights.forEach((right, index) => {
    const shift = (right.bit & 31) - index;
    const inHigh = right.bit >= 32;
    const known = inHigh ? masks.hiMask : masks.loMask;
    if (shift < 0 || known !== 0 && shift !== (inHigh ? masks.hiShift : masks.loShift)) {
      throw new Error(`invariant: rights of format ${format.name} cannot be taken with one shift per word`);
    }
    if (inHigh) {
      masks.hiShift = shift;
      masks.hiMask |= 1 << index;
      if (right.givenBy === 0) masks.hiFlip |= 1 << (right.bit & 31);
    } else {
      masks.loShift = shift;
      masks.loMask |= 1 << index;
    }
  });
  return masks;
}

function perLevel(levels: readonly number[], value: number): Int32Array {
  const values = new Int32Array(LEVEL_SLOTS);
  for (const level of levels) values[level] = value;
  return values;
}

const lowMask = (bit: number | undefined): number => (bit === undefined ? 0 : bitsIn(0, bit, bit));

/** Compiles a format for a processor. Not for the hot path: call it when registers or features change. */
export function compileFormat(format: PagingFormat, features: FormatFeatures): CompiledFormat {
  const inputBits = format.inputBits ?? PAGE_SHIFT + format.levels * format.indexBits;
  const zeroExtended = format.input === 'zero-extended' && format.levels > 0;
  const rights = compileRights(format);
  const hasLargePages = format.leafNeeds === undefined || features.largePages === 'on';
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
    presentMask: format.presentMask,
    leafMask: perLevel(hasLargePages ? format.leafLevels : [], lowMask(format.leafBit)),
    reservedLo: compileReserved(format, features, 0),
    reservedHi: compileReserved(format, features, 1),
    illegal: compileIllegal(format, features),
    frameLo: bitsIn(0, format.frame[0], format.frame[1]),
    frameHi: bitsIn(1, format.frame[0], format.frame[1]),
    highFrameShift: format.highFrame?.bits[1] ?? 0,
    highFrameMask: highFrameMask(format),
    rightsLoShift: rights.loShift,
    rightsLoMask: rights.loMask,
    rightsHiFlip: rights.hiFlip,
    rightsHiShift: rights.hiShift,
    rightsHiMask: rights.hiMask,
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

function highFrameMask({ highFrame }: PagingFormat): Int32Array {
  if (highFrame === undefined) return perLevel([], 0);
  const [high, low] = highFrame.bits;
  return perLevel([highFrame.level], (1 << (high - low + 1)) - 1);
}
