import { compileFormat, type CompiledFormat } from '../src/hardware/paging/compiledFormat';
import { recallText } from './quickWalks';
import {
  checks, type Dimension, dirtyOf, FEATURES, FINAL_ACCESS, flipped, frameHi, frameLo, func, globalOf, hex, indexField, isAbsent,
  isAccessed, isDirty, keyOf, pageLo, rightsOf,
} from './walkText';

/*
 * A TLB miss as most are, in one straight text: no line of the set is of the page, where the last entry is read is known,
 * and the line that gives way is of a page like it. What a walk asks of the last entry is asked in the words of
 * `quickWalks`, and the line is written as `Tlb.add` writes it. Whatever is otherwise is left to both, before anything is
 * changed.
 */
const LEAVE = 'return NOT_STRAIGHT;';
const leave = (): string => LEAVE;
const COUNT = ['const { counters } = miss;', 'counters[TLB_MISSES]!++;'];

function signature(name: string): string {
  return `export function fill${name}(miss: StraightMiss, lo: number, hi: number, access: number): number {`;
}

/** Leaves a page of which a line of the set is, in whatever context. */
function lacksText(lines: string, set: string, wanted: string): string[] {
  return [
    `if ((${lines}[${set}]! & SAME) === ${wanted} || (${lines}[${set} | 1 << LINE_SHIFT]! & SAME) === ${wanted}`,
    `  || (${lines}[${set} | 2 << LINE_SHIFT]! & SAME) === ${wanted} || (${lines}[${set} | 3 << LINE_SHIFT]! & SAME) === ${wanted}) ${LEAVE}`,
  ];
}

/** No line of the TLB is of the page. */
function missText(): string[] {
  return [
    'const wanted = lo & PAGE_BASE | tlb.valid;',
    'const set = (lo >>> PAGE_SHIFT & tlb.setMask) << LINE_SHIFT + 2;',
    ...lacksText('lines', 'set', 'wanted'),
  ];
}

/** The last entry, halves `lo1` and `hi1`, is there and says nothing that it must not; `reserved`: of whose entries. */
function legalText(compiled: CompiledFormat, [lo, hi]: readonly [string, string], reserved: string, illegal = 'illegal'): string[] {
  return [
    `if (${isAbsent(compiled, lo)}) ${LEAVE}`,
    ...checks(compiled, 1, 1, lo, hi, leave).map((line) => line
      .replace('reservedLo[3]!', `${reserved}.reservedLo`).replace('reservedHi[3]!', `${reserved}.reservedHi`).replace('illegal', illegal)),
  ];
}

/** No flag is to be set; `flags`: AND of the entries, `entry`: the last one. */
function flagsText(compiled: CompiledFormat, space: string, dirty: string, flags: string, entry: string): string[] {
  return [
    `let ${dirty} = 1;`,
    `if (${space}.accessedDirty !== 0) {`,
    `  if (!(${isAccessed(compiled, flags)}) || (access & ACCESS_WRITES) !== 0 && !(${isDirty(compiled, entry)})) ${LEAVE}`,
    `  ${dirty} = ${dirtyOf(compiled, entry)};`,
    '}',
  ];
}

/** The line `at` of the TLB, from its word 0 on. */
function lineText(rights: string): string[] {
  return [
    'miss.recent[recentHitAt(was)] = 0;', 'lines[miss.clockAt] = now;',
    'lines[at] = made;', 'lines[at | PAGE_HI] = hi;', `lines[at | RIGHTS] = tlb.contextWord | lineRights(${rights});`, 'lines[at | USED] = now;',
  ];
}

/** Tables that lie where they say: the ones above the last entry are remembered. */
export function straightFill({ name, format }: Dimension): string {
  const compiled = compileFormat(format, FEATURES);
  return func(
    `${format.name}: the page of an address, as its last entry has it, into a line of the TLB. Comes back with FILLED or NOT_STRAIGHT.`,
    signature(name),
    [
      'const { space, tlb, lines, memory } = miss;',
      `const above = hi >> ${compiled.canonicalShift};`,
      `if (above !== 0 && above !== ${compiled.canonicalSign} || tlb.population.larger !== 0 || space.keys !== 0) ${LEAVE}`,
      ...missText(),
      ...recallText(compiled, 'NOT_STRAIGHT'),
      '', 'const { words } = memory;', 'const lo1 = words[word1]!;', 'const hi1 = words[word1 + 1]!;',
      ...legalText(compiled, ['lo1', 'hi1'], 'remembered'),
      'andLo &= lo1;', `andHi &= ${flipped(compiled, 'hi1')};`,
      `const rights = ${rightsOf(compiled, 'andLo', 'andHi')};`,
      `if (miss.permissions[access << RIGHTS_BITS | rights] === 0) ${LEAVE}`,
      ...flagsText(compiled, 'space', 'dirty', 'andLo', 'lo1'),
      '', `const made = wanted | (${globalOf(compiled, 'lo1')}) << 1 & tlb.globals | dirty << 2;`,
      'const at = olderOfFour(lines, set);',
      'const was = lines[at]!;',
      'const now = lines[miss.clockAt]! + 1;',
      `if (((was ^ made) & COUNTED) !== 0 || now >= CLOCK_LIMIT) ${LEAVE}`,
      ...lineText(`rights, ALL_RIGHTS, ${keyOf(compiled, 'hi1')}`),
      `const hpaHi = ${frameHi(compiled, 'hi1')};`,
      `lines[at | HPA] = ${frameLo(compiled, 'lo1')};`, 'lines[at | HPA + 1] = hpaHi;',
      `miss.hpaLo = ${pageLo(compiled, 1, 'lo1')};`, 'miss.hpaHi = hpaHi;',
      ...COUNT, `counters[WALK_REFERENCES]! += ${compiled.levels};`,
      'return FILLED;',
    ],
  );
}

/**
 * The entry of level 1 that a PDE cache leads to: its line's index, and the entry's halves. No line is of an address that no
 * walk gets through, so that canonical addresses and widths need no look. A table in a frame without words is read at the
 * arena's first one, which is 0: absent.
 */
function structureText(compiled: CompiledFormat, cache: string, at: string, n: 1 | 2, lo: string, hi: string): string[] {
  return [
    `const ${at} = ${cache}.hinted(${lo}, ${hi}) << LINE_SHIFT;`,
    `if (${at} < 0) ${LEAVE}`,
    `const { words: words${n}, clockAt: clock${n} } = ${cache};`,
    `const word${n} = memory.wordAt(words${n}[${at} | HPA]! | ${indexField(compiled, 1).replace('lo', lo)}, words${n}[${at} | HPA + 1]!);`,
    `const lo${n} = words[word${n}]!;`, `const hi${n} = words[word${n} + 1]!;`,
  ];
}

/**
 * Behind nested tables, where the PDE caches of both dimensions know the way and the nested TLB has no line of the page: two
 * references. That TLB has no larger one either where a PDE is cached, since whatever fills the one drops the other.
 */
export function straightPair(linear: Dimension, nested: Dimension): string {
  const compiled = compileFormat(linear.format, FEATURES);
  const inner = compileFormat(nested.format, FEATURES);
  return func(
    `${linear.format.name} behind ${nested.format.name}, from PDE caches that know the tables of both: as above.`,
    signature(`${linear.name}Behind${nested.name}`),
    [
      'const { space, tlb, lines, memory, structures, nestedStructures, nestedTlb } = miss;',
      'const { nested } = space;',
      `if (nested === undefined || structures === undefined || nestedStructures === undefined || nestedTlb === undefined) ${LEAVE}`,
      `if (tlb.population.larger !== 0 || space.keys !== 0${inner.keyMask === 0 ? '' : ' || nested.keys !== 0'}) ${LEAVE}`,
      ...missText(),
      'const { words } = memory;',
      ...structureText(compiled, 'structures', 'known', 1, 'lo', 'hi'),
      ...legalText(compiled, ['lo1', 'hi1'], 'space.remembered'),
      `const rights = words1[known | RIGHTS]! & (${rightsOf(compiled, 'lo1', `(${flipped(compiled, 'hi1')})`)});`,
      `if (miss.permissions[access << RIGHTS_BITS | rights] === 0) ${LEAVE}`,
      ...flagsText(compiled, 'space', 'dirty', 'lo1', 'lo1'),
      '', `const gpaLo = ${frameLo(compiled, 'lo1')};`, `const gpaHi = ${frameHi(compiled, 'hi1')};`,
      'const { words: nestedLines, clockAt: nestedClock } = nestedTlb;',
      'const nestedWanted = gpaLo | nestedTlb.valid;',
      'const nestedSet = ((gpaLo >>> PAGE_SHIFT | gpaHi << 32 - PAGE_SHIFT) & nestedTlb.setMask) << LINE_SHIFT + 2;',
      ...lacksText('nestedLines', 'nestedSet', 'nestedWanted'),
      ...structureText(inner, 'nestedStructures', 'nestedKnown', 2, 'gpaLo', 'gpaHi'),
      ...legalText(inner, ['lo2', 'hi2'], 'nested.remembered', 'nested.compiled.illegal'),
      `const nestedRights = words2[nestedKnown | RIGHTS]! & (${rightsOf(inner, 'lo2', `(${flipped(inner, 'hi2')})`)});`,
      `if (nested.permissions[(${FINAL_ACCESS}) << RIGHTS_BITS | nestedRights] === 0) ${LEAVE}`,
      ...flagsText(inner, 'nested', 'nestedDirty', 'lo2', 'lo2'),
      '', `const made = wanted | (${globalOf(compiled, 'lo1')}) << 1 & tlb.globals | (dirty & nestedDirty) << 2;`,
      `const nestedMade = nestedWanted | (${globalOf(inner, 'lo2')}) << 1 & nestedTlb.globals | nestedDirty << 2;`,
      'const at = olderOfFour(lines, set);', 'const was = lines[at]!;',
      'const nestedAt = olderOfFour(nestedLines, nestedSet);',
      `if (((was ^ made) & COUNTED) !== 0 || ((nestedLines[nestedAt]! ^ nestedMade) & COUNTED) !== 0) ${LEAVE}`,
      'const now = lines[miss.clockAt]! + 1;', 'const nestedNow = nestedLines[nestedClock]! + 1;',
      'const now1 = words1[clock1]! + 1;', 'const now2 = words2[clock2]! + 1;',
      `if (now >= CLOCK_LIMIT || nestedNow >= CLOCK_LIMIT || now1 >= CLOCK_LIMIT || now2 >= CLOCK_LIMIT) ${LEAVE}`,
      'words1[clock1] = now1;', 'words1[known | USED] = now1;', 'words2[clock2] = now2;', 'words2[nestedKnown | USED] = now2;',
      '', `const hpaLo = ${frameLo(inner, 'lo2')};`, `const hpaHi = ${frameHi(inner, 'hi2')};`,
      'nestedLines[nestedClock] = nestedNow;', 'nestedLines[nestedAt] = nestedMade;', 'nestedLines[nestedAt | PAGE_HI] = gpaHi;',
      `nestedLines[nestedAt | RIGHTS] = nestedTlb.contextWord | lineRights(nestedRights, ALL_RIGHTS, ${inner.keyMask === 0 ? '0' : keyOf(inner, 'hi2')});`,
      'nestedLines[nestedAt | USED] = nestedNow;',
      ...['HPA', 'TARGET'].flatMap((place) => [`nestedLines[nestedAt | ${place}] = hpaLo;`, `nestedLines[nestedAt | ${place} + 1] = hpaHi;`]),
      ...lineText(`rights, nestedRights, ${keyOf(compiled, 'hi1')}`),
      'lines[at | HPA] = hpaLo;', 'lines[at | HPA + 1] = hpaHi;', 'lines[at | TARGET] = gpaLo;', 'lines[at | TARGET + 1] = gpaHi;',
      `miss.hpaLo = hpaLo | lo & ${hex((1 << compiled.shifts[1]!) - 1)};`, 'miss.hpaHi = hpaHi;',
      ...COUNT, 'counters[WALK_REFERENCES]! += 2;',
      'return FILLED;',
    ],
  );
}
