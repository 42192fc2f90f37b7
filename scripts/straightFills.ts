import { compileFormat } from '../src/hardware/paging/compiledFormat';
import { recallText } from './quickWalks';
import {
  checks, type Dimension, dirtyOf, FEATURES, flipped, frameHi, func, globalOf, int, isAbsent, isAccessed, isDirty, keyOf, pageLo, rightsOf,
} from './walkText';

/*
 * A TLB miss as most are, in one straight text: no line of the set is of the page, the tables above the last entry are
 * remembered, and the line that gives way is of a page like it. What a walk asks of the last entry is asked in the words of
 * `quickWalks`, and the line is written as `Tlb.add` writes it. Whatever is otherwise is left to both, before anything is
 * changed.
 */
export function straightFill({ name, format }: Dimension): string {
  const compiled = compileFormat(format, FEATURES);
  const leave = 'return NOT_STRAIGHT;';
  const refused = (): string => leave;
  return func(
    `${format.name}: the page of an address, as its last entry has it, into a line of the TLB. Comes back with FILLED or NOT_STRAIGHT.`,
    `export function fill${name}(miss: StraightMiss, lo: number, hi: number, access: number): number {`,
    [
      'const { space, tlb, lines, memory } = miss;',
      `const above = hi >> ${compiled.canonicalShift};`,
      `if (above !== 0 && above !== ${compiled.canonicalSign} || tlb.population.larger !== 0 || space.keys !== 0) ${leave}`,
      'const wanted = lo & PAGE_BASE | tlb.valid;',
      'const set = (lo >>> PAGE_SHIFT & tlb.setMask) << LINE_SHIFT + 2;',
      'if ((lines[set]! & SAME) === wanted || (lines[set | 1 << LINE_SHIFT]! & SAME) === wanted',
      `  || (lines[set | 2 << LINE_SHIFT]! & SAME) === wanted || (lines[set | 3 << LINE_SHIFT]! & SAME) === wanted) ${leave}`,
      ...recallText(compiled, 'NOT_STRAIGHT'),
      '', 'const { words } = memory;', 'const lo1 = words[word1]!;', 'const hi1 = words[word1 + 1]!;',
      `if (${isAbsent(compiled, 'lo1')}) ${leave}`,
      ...checks(compiled, 1, 1, 'lo1', 'hi1', refused).map((line) => (
        line.replace('reservedLo[3]!', 'remembered.reservedLo').replace('reservedHi[3]!', 'remembered.reservedHi'))),
      'andLo &= lo1;', `andHi &= ${flipped(compiled, 'hi1')};`,
      `const rights = ${rightsOf(compiled, 'andLo', 'andHi')};`,
      `if (miss.permissions[access << RIGHTS_BITS | rights] === 0) ${leave}`,
      'let dirty = 1;',
      'if (space.accessedDirty !== 0) {',
      `  if (!(${isAccessed(compiled, 'andLo')}) || (access & ACCESS_WRITES) !== 0 && !(${isDirty(compiled, 'lo1')})) ${leave}`,
      `  dirty = ${dirtyOf(compiled, 'lo1')};`,
      '}',
      '', `const made = wanted | (${globalOf(compiled, 'lo1')}) << 1 & tlb.globals | dirty << 2;`,
      'const at = olderOfFour(lines, set);',
      'const was = lines[at]!;',
      'const now = lines[miss.clockAt]! + 1;',
      `if (((was ^ made) & COUNTED) !== 0 || now >= CLOCK_LIMIT) ${leave}`,
      'miss.recent[recentHitAt(was)] = 0;',
      'lines[miss.clockAt] = now;',
      'lines[at] = made;', 'lines[at | PAGE_HI] = hi;',
      `lines[at | RIGHTS] = tlb.contextWord | lineRights(rights, ALL_RIGHTS, ${keyOf(compiled, 'hi1')});`,
      'lines[at | USED] = now;',
      `const hpaHi = ${frameHi(compiled, 'hi1')};`,
      `lines[at | HPA] = lo1 & ${int(compiled.frameLo)};`, 'lines[at | HPA + 1] = hpaHi;',
      `miss.hpaLo = ${pageLo(compiled, 1, 'lo1')};`, 'miss.hpaHi = hpaHi;',
      'const { counters } = miss;',
      'counters[TLB_MISSES]!++;', `counters[WALK_REFERENCES]! += ${compiled.levels};`,
      'return FILLED;',
    ],
  );
}
