import { compileFormat, type CompiledFormat } from '../src/hardware/paging/compiledFormat';
import {
  checks, type Dimension, dirtyOf, FEATURES, FINAL_ACCESS, flipped, frameHi, frameLo, func, globalOf, hasHighRights, header,
  indented, indexField, int, isAbsent, isAccessed, isDirty, isLeaf, keyOf, levelsOf, mayBeLeaf, pageLo, rightsOf, tablesOf,
} from './walkText';

/*
 * Walks that nobody listens to and that no cache of paging structures has a part in. They read without a trace to the
 * last entry, and hand over to `walk` whatever is rare; of the entries above the last level they remember what they said.
 */
const tableLo = (compiled: CompiledFormat, level: number): string => (
  level === compiled.levels ? 'space.rootLo' : frameLo(compiled, `lo${level + 1}`));
const tableHi = (compiled: CompiledFormat, level: number): string => (
  level === compiled.levels ? 'space.rootHi' : frameHi(compiled, `hi${level + 1}`));

function accumulate(compiled: CompiledFormat, level: number): string[] {
  const high = flipped(compiled, `hi${level}`);
  if (level === compiled.levels) return [`let andLo = lo${level};`, ...hasHighRights(compiled) ? [`let andHi = ${high};`] : []];
  return [`andLo &= lo${level};`, ...hasHighRights(compiled) ? [`andHi &= ${high};`] : []];
}

/** A level is gone into: `read` reads its entry, `finish` ends the walk at a leaf, `refused` at an entry that refuses. */
function levelText(
  compiled: CompiledFormat, level: number, read: readonly string[], finish: readonly string[], refused: (why: string) => string,
): string[] {
  const lo = `lo${level}`;
  const hi = `hi${level}`;
  return [
    '', ...read, `const ${lo} = words[word${level}]!;`, `const ${hi} = words[word${level} + 1]!;`,
    `if (${isAbsent(compiled, lo)}) ${refused('notPresent')}`,
    ...level === 1 ? finish : [
      ...mayBeLeaf(compiled, level) ? [`if (${isLeaf(compiled, level, lo)}) {`, ...indented(finish), '}'] : [],
      ...checks(compiled, level, 0, lo, hi, refused),
      ...accumulate(compiled, level),
    ],
  ];
}

/** From the leaf of `level` to the page: rights, keys, flags, and the result. */
function pageOf(compiled: CompiledFormat, level: number, refused: (why: string) => string): string[] {
  const lo = `lo${level}`;
  const hi = `hi${level}`;
  return [
    ...checks(compiled, level, 1, lo, hi, refused),
    ...accumulate(compiled, level),
    `const rights = ${rightsOf(compiled, 'andLo', 'andHi')};`,
    `if (space.permissions[access << RIGHTS_BITS | rights] === 0) ${refused('rights')}`,
    ...compiled.keyMask === 0 ? [] : [
      `const key = ${keyOf(compiled, hi)};`,
      `if (space.keys !== 0 && keyRefuses(space, key, rights, access)) ${refused('protectionKey')}`,
    ],
    'let dirty = 1;',
    'if (space.accessedDirty !== 0) {',
    `  if (!(${isAccessed(compiled, 'andLo')}) || (access & ACCESS_WRITES) !== 0 && !(${isDirty(compiled, lo)})) return HANDED_OVER;`,
    `  dirty = ${dirtyOf(compiled, lo)};`,
    '}',
    `const gpaLo = ${pageLo(compiled, level, lo)};`,
    `const gpaHi = ${frameHi(compiled, hi)};`,
    'result.rights = rights;', 'result.dirty = dirty;', 'result.gpaLo = gpaLo;', 'result.gpaHi = gpaHi;',
    `result.global = ${globalOf(compiled, lo)};`, `result.key = ${compiled.keyMask === 0 ? '0' : 'key'};`,
    `result.pageShift = ${compiled.shifts[level]!};`, `result.level = ${level};`,
  ];
}

const refusedAt = (compiled: CompiledFormat, level: number) => (why: string): string => (
  `return refuseAt(space, ${level}, ${compiled.levels - level + 1}, WHY.${why}, ${['rights', 'protectionKey'].includes(why) ? 'rights' : '0'}, lo${level}, hi${level});`);

/** Remembers the table of the last level. Flags that are still to be set are missed in the AND, and `walk` sets them then. */
function rememberText(compiled: CompiledFormat, nestedReferences: string): string[] {
  return [
    ...levelsOf(compiled).slice(0, -1).map((level) => `memory.watch(word${level});`),
    `space.remembered.remember(lo, hi, memory, andLo, ${hasHighRights(compiled) ? 'andHi' : '0'}, word1 & ${int(~1023)}, ${nestedReferences});`,
  ];
}

/** Looks for the remembered table of the last level; `miss` is the way of a walk that knows none. */
export function recallText(compiled: CompiledFormat, miss: string): string[] {
  return [
    'const { remembered } = space;', 'const { rows } = remembered;',
    'const row = (lo >>> REGION_SHIFT & remembered.mask) << ROW_WORDS_SHIFT;',
    'if (rows[row] !== (lo & -(1 << REGION_SHIFT) | remembered.stamp) || rows[row | ROW.regionHi] !== hi',
    `  || rows[row | ROW.version] !== memory.structureVersion) return ${miss};`,
    `const word1 = rows[row | ROW.table]! | ${indexField(compiled, 1, 2)};`,
    `let andLo = rows[row | ROW.andLo]!;`,
    ...hasHighRights(compiled) ? [`let andHi = rows[row | ROW.andHi]!;`] : [],
  ];
}

/** The last level alone: `levelText` of level 1, whose AND goes on from what is remembered. */
function lastLevel(compiled: CompiledFormat, finish: readonly string[], refused: (why: string) => string): string[] {
  return levelText(compiled, 1, [], finish, refused);
}

const serve = ['if (space.isNested === 0) {', '  space.servedLo = lo;', '  space.servedHi = hi;', '  result.references = 0;', '}'];

/** `walkNAME`: tables that are reached as they stand, as the only dimension or as the nested one. */
export function walkAlone({ name, format }: Dimension): string {
  const compiled = compileFormat(format, FEATURES);
  const finish = (level: number): string[] => [
    ...pageOf(compiled, level, refusedAt(compiled, level)),
    `result.effectiveShift = ${compiled.shifts[level]!};`, 'result.hpaLo = gpaLo;', 'result.hpaHi = gpaHi;',
    `return mapped(space, ${compiled.levels - level + 1});`,
  ];
  const read = (level: number): string[] => [
    `const word${level} = memory.wordAt(${tableLo(compiled, level)} | ${indexField(compiled, level)}, ${tableHi(compiled, level)});`,
    `if (word${level} === 0) return HANDED_OVER;`,
    ...level === 1 ? rememberText(compiled, '0') : [],
  ];
  const parameters = '(space: TranslationSpace, lo: number, hi: number, access: number): number {';
  const quick = func(
    `${format.name}, with tables at host-physical addresses: the last entry, where the ones above it are remembered.`,
    `export function walk${name}${parameters}`,
    [
      'const { compiled, memory, result } = space;',
      ...recallText(compiled, `walk${name}FromRoot(space, lo, hi, access)`),
      tablesOf(compiled), 'const { words } = memory;', ...serve, ...header(compiled),
      ...lastLevel(compiled, finish(1), refusedAt(compiled, 1)),
    ],
  );
  const fromRoot = func(
    `${format.name}, with tables at host-physical addresses.`,
    `export function walk${name}FromRoot${parameters}`,
    [
      ...compiled.beyondInputHi === 0 ? [] : [`if ((hi & ${int(compiled.beyondInputHi)}) !== 0) return HANDED_OVER;`],
      'const { compiled, memory, result } = space;', tablesOf(compiled), 'const { words } = memory;', ...serve, ...header(compiled),
      ...levelsOf(compiled).flatMap((level) => levelText(compiled, level, read(level), finish(level), refusedAt(compiled, level))),
    ],
  );
  return `${quick}\n${fromRoot}`;
}

/** `reachNAME`: where a guest's table word is, or 0 for anything that the walk would have to stop at. */
export function reach({ name, format }: Dimension): string {
  const compiled = compileFormat(format, FEATURES);
  const refused = (): string => 'return 0;';
  const finish = (level: number): string[] => [
    ...checks(compiled, level, 1, `lo${level}`, `hi${level}`, refused),
    ...accumulate(compiled, level),
    `if (space.permissions[access << RIGHTS_BITS | ${rightsOf(compiled, 'andLo', 'andHi')}] === 0) return 0;`,
    ...compiled.keyMask === 0 ? [] : ['if (space.keys !== 0) return 0;'],
    `if (space.accessedDirty !== 0 && (!(${isAccessed(compiled, 'andLo')}) || (access & ACCESS_WRITES) !== 0 && !(${isDirty(compiled, `lo${level}`)}))) return 0;`,
    ...levelsOf(compiled).filter((above) => above >= level).map((above) => `memory.watch(word${above});`),
    `result.references += ${compiled.levels - level + 1};`,
    `return memory.wordAt(${pageLo(compiled, level, `lo${level}`)}, ${frameHi(compiled, `hi${level}`)});`,
  ];
  const read = (level: number): string[] => [
    `const word${level} = memory.wordAt(${tableLo(compiled, level)} | ${indexField(compiled, level)}, ${tableHi(compiled, level)});`,
    `if (word${level} === 0) return 0;`,
  ];
  return func(
    `Word in memory's arena of a guest's table entry, through ${format.name}, whose entries memory watches from here on. 0: to be walked.`,
    `function reach${name}(space: TranslationSpace, lo: number, hi: number, access: number): number {`,
    [
      ...compiled.beyondInputHi === 0 ? [] : [`if ((hi & ${int(compiled.beyondInputHi)}) !== 0) return 0;`],
      'const { compiled, memory, result } = space;', tablesOf(compiled), 'const { words } = memory;',
      ...levelsOf(compiled).flatMap((level) => levelText(compiled, level, read(level), finish(level), refused)),
    ],
  );
}

/** `walkNAMEBehindNAME`: every table word and the final address through the nested tables. */
export function walkPair(linear: Dimension, nested: Dimension): string {
  const compiled = compileFormat(linear.format, FEATURES);
  const finish = (level: number): string[] => [
    ...pageOf(compiled, level, refusedAt(compiled, level)),
    'nested.servedLevel = 0;', 'nested.servedRights = rights;',
    'const reached = inner.references;',
    `const outcome = walk${nested.name}(nested, gpaLo, gpaHi, ${FINAL_ACCESS});`,
    'if (outcome === HANDED_OVER) return HANDED_OVER;',
    `result.references = ${compiled.levels - level + 1};`,
    `return through(space, inner, outcome, ${compiled.levels - level + 1} + reached);`,
  ];
  const read = (level: number): string[] => [
    `const word${level} = reach${nested.name}(nested, ${tableLo(compiled, level)} | ${indexField(compiled, level)}, ${tableHi(compiled, level)}, tableAccess);`,
    `if (word${level} === 0) return HANDED_OVER;`,
    ...level === 1 ? rememberText(compiled, 'inner.references') : [],
  ];
  const name = `walk${linear.name}Behind${nested.name}`;
  const parameters = '(space: TranslationSpace, lo: number, hi: number, access: number): number {';
  const begin = ['space.servedLo = lo;', 'space.servedHi = hi;', 'result.references = 0;', 'nested.servedLo = lo;', 'nested.servedHi = hi;'];
  const spaces = ['const { compiled, memory, nested, result } = space;', 'if (nested === undefined) return HANDED_OVER;'];
  const quick = func(
    `${linear.format.name} behind ${nested.format.name}: the last entries of both, where the ones above are remembered.`,
    `export function ${name}${parameters}`,
    [
      ...spaces, ...recallText(compiled, `${name}FromRoot(space, lo, hi, access)`),
      tablesOf(compiled), 'const { words } = memory;', 'const inner = nested.result;', ...begin,
      'inner.references = rows[row | ROW.nestedReferences]!;',
      ...header(compiled), ...lastLevel(compiled, finish(1), refusedAt(compiled, 1)),
    ],
  );
  const fromRoot = func(
    `${linear.format.name} behind ${nested.format.name}. Where nested tables refuse one of the guest's is \`walk\`'s to find.`,
    `export function ${name}FromRoot${parameters}`,
    [
      ...spaces, tablesOf(compiled), 'const { words } = memory;', 'const { tableAccess } = nested;', 'const inner = nested.result;',
      ...begin, 'inner.references = 0;',
      ...header(compiled), ...levelsOf(compiled).flatMap((level) => levelText(compiled, level, read(level), finish(level), refusedAt(compiled, level))),
    ],
  );
  return `${quick}\n${fromRoot}`;
}
