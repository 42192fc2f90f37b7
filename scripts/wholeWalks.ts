import { compileFormat, type CompiledFormat } from '../src/hardware/paging/compiledFormat';
import {
  checks, type Dimension, dirtyOf, FEATURES, FINAL_ACCESS, flipped, frameHi, frameLo, func, globalOf, header, hex, indented,
  indexField, int, isAbsent, isAccessed, isDirty, isLeaf, keyOf, levelsOf, mayBeLeaf, rightsOf, tablesOf,
} from './walkText';

/*
 * Walks with all that `walk` does: they tell of each reference, or ask and fill caches of paging structures, set flags, and
 * refuse. They hand nothing over, since what they have told and cached cannot be taken back.
 */

/** What a walk does besides walking. Where caches are, whether somebody listens is asked at each reference. */
export type Purpose = 'Told' | 'Cached';

const PARAMETERS = '(space: TranslationSpace, lo: number, hi: number, access: number): number {';
const refused = (why: string): string => `return refuse(space, WHY.${why}, 0, EFFECTS.hardware);`;

/** Reads the entry of a level into `entryLo`, `entryHi`; `place`: its host-physical address. */
function readText(compiled: CompiledFormat, level: number, placeLo: string, placeHi: string, purpose: Purpose): string[] {
  const tell = `reportTableRead(space, ${level}, (at >>> ${compiled.entryShift}) & ${hex(compiled.indexMask)});`;
  const record = [
    `levels[ENTRY_LO + ${level}] = entryLo;`, `levels[ENTRY_HI + ${level}] = entryHi;`,
    `levels[ENTRY_ADDRESS_LO + ${level}] = at;`, `levels[ENTRY_ADDRESS_HI + ${level}] = tableHi;`,
    `levels[ENTRY_HPA_LO + ${level}] = ${placeLo};`, `levels[ENTRY_HPA_HI + ${level}] = ${placeHi};`,
  ];
  return [
    `const word = memory.wordAt(${placeLo}, ${placeHi});`,
    `const entryLo = word === 0 ? absentWord(space, ${placeLo}, ${placeHi}) : words[word]!;`,
    'const entryHi = word === 0 ? entryLo : words[word + 1]!;',
    'result.references++;', 'if (counters !== undefined) counters[WALK_REFERENCES]!++;',
    ...record,
    purpose === 'Told' ? tell : `if (on[TABLE_READ] !== 0) ${tell}`,
  ];
}

/** One level: `reach` finds where its entry is, `end` ends the walk at a leaf. */
function levelText(
  compiled: CompiledFormat, level: number, purpose: Purpose, reach: readonly string[], place: readonly [string, string], end: string,
): string[] {
  const finish = [
    ...checks(compiled, level, 1, 'entryLo', 'entryHi', refused),
    `return ${end}(space, ${level}, entryLo, entryHi, rights & (${rightsOf(compiled, 'entryLo', `(${flipped(compiled, 'entryHi')})`)}), flags & entryLo);`,
  ];
  const text = [
    `result.level = ${level};`,
    `const at = tableLo | ${indexField(compiled, level)};`,
    ...reach, ...readText(compiled, level, ...place, purpose),
    `if (${isAbsent(compiled, 'entryLo')}) ${refused('notPresent')}`,
    ...level === 1 ? finish : [
      ...mayBeLeaf(compiled, level) ? [`if (${isLeaf(compiled, level, 'entryLo')}) {`, ...indented(finish), '}'] : [],
      ...checks(compiled, level, 0, 'entryLo', 'entryHi', refused),
      `rights &= ${rightsOf(compiled, 'entryLo', `(${flipped(compiled, 'entryHi')})`)};`,
      'flags &= entryLo;',
      `tableLo = ${frameLo(compiled, 'entryLo')};`, `tableHi = ${frameHi(compiled, 'entryHi')};`,
    ],
  ];
  if (level === 1) return ['', ...text];
  return ['', purpose === 'Cached' ? `if (start >= ${level}) {` : '{', ...indented(text), '}'];
}

/** Where the walk begins: at the root, or at the table that a cache of paging structures has. */
function startText(compiled: CompiledFormat, purpose: Purpose, isPair: boolean): string[] {
  const top = compiled.levels;
  const from = [
    'let tableLo = space.rootLo;', 'let tableHi = space.rootHi;', `let rights = ${compiled.allRights};`, 'let flags = -1;',
  ];
  if (purpose === 'Told') return from;
  return [
    ...from, `let start = ${top};`, 'const known = cache.start(space, lo, hi);',
    ...isPair ? ['let knownLo = 0;', 'let knownHi = 0;'] : [],
    'if (known !== 0) {',
    '  start = known;', '  result.top = known;', '  rights = cache.rights;', '  tableLo = cache.tableLo;', '  tableHi = cache.tableHi;',
    ...isPair ? ['  knownLo = cache.hpaLo;', '  knownHi = cache.hpaHi;'] : [],
    '}',
  ];
}

const cacheText = (purpose: Purpose): string[] => (purpose === 'Told' ? []
  : ['const cache = space.walkCache;', 'if (cache === undefined) return HANDED_OVER;', 'const { on } = space.bus;']);

/** Rights, keys and flags of a leaf of any level, and the page: `through` goes on from there. */
function endText(name: string, compiled: CompiledFormat, comment: string, through: readonly string[]): string {
  return func(
    comment,
    `function ${name}(space: TranslationSpace, level: number, entryLo: number, entryHi: number, rights: number, flags: number): number {`,
    [
      'const { result } = space;', 'const { access } = result;', 'result.rights = rights;',
      'if (space.permissions[access << RIGHTS_BITS | rights] === 0) return refuse(space, WHY.rights, rights, EFFECTS.hardware);',
      ...compiled.keyMask === 0 ? [] : [
        `const key = ${keyOf(compiled, 'entryHi')};`,
        'if (space.keys !== 0 && keyRefuses(space, key, rights, access)) return refuse(space, WHY.protectionKey, rights, EFFECTS.hardware);',
      ],
      'let dirty = 1;',
      'if (space.accessedDirty !== 0) {',
      `  if (!(${isAccessed(compiled, 'flags')}) || (access & ACCESS_WRITES) !== 0 && !(${isDirty(compiled, 'entryLo')})) {`,
      '    const refusal = setFlags(space, level, access);',
      '    if (refusal !== WALK.mapped) return refuseFlagUpdate(space, refusal, rights, EFFECTS.hardware);',
      '  }',
      `  dirty = ${dirtyOf(compiled, 'result.levels[ENTRY_LO + level]!')};`,
      '}',
      `result.key = ${compiled.keyMask === 0 ? '0' : 'key'};`, 'result.dirty = dirty;',
      'const pageShift = space.compiled.shifts[level]!;',
      'const offset = (1 << pageShift) - 1;',
      `const gpaLo = entryLo & ${int(compiled.frameLo)} & ~offset | result.addressLo & offset;`,
      `const gpaHi = ${frameHi(compiled, 'entryHi')};`,
      'result.gpaLo = gpaLo;', 'result.gpaHi = gpaHi;', 'result.hpaLo = gpaLo;', 'result.hpaHi = gpaHi;',
      `result.global = ${globalOf(compiled, 'entryLo')};`, 'result.pageShift = pageShift;', 'result.effectiveShift = pageShift;',
      ...through,
    ],
  );
}

/** Takes what was walked into the caches: of structures, where there was more than a leaf to read, and of pages. */
const fillText = (purpose: Purpose, answers: 'answers' | 'walks'): string[] => (purpose === 'Told' ? [] : [
  'const cache = space.walkCache;',
  'if (cache !== undefined) {',
  '  if (result.top !== level) cache.fillStructures(space);',
  ...answers === 'answers' ? ['  cache.fillPage(space);'] : [],
  '}',
]);

/** `walkNAMETold`, `walkNAMECached`: tables that are reached as they stand. `answers`: a nested TLB is asked first. */
export function wholeWalk({ name, format }: Dimension, purpose: Purpose, answers: 'answers' | 'walks'): string {
  const compiled = compileFormat(format, FEATURES);
  const end = `end${name}${purpose}`;
  const walk = func(
    `${format.name}, with tables at host-physical addresses.`,
    `export function walk${name}${purpose}${PARAMETERS}`,
    [
      ...cacheText(purpose),
      'const { compiled, memory, result, counters } = space;', tablesOf(compiled), 'const { words } = memory;', 'const { levels } = result;',
      'if (space.isNested === 0) {', '  space.servedLo = lo;', '  space.servedHi = hi;', '  result.references = 0;', '}',
      ...header(compiled), `result.level = ${compiled.levels};`,
      ...purpose === 'Cached' && answers === 'answers' ? ['if (cache.answer(space, lo, hi, access) !== 0) return WALK.mapped;'] : [],
      ...compiled.beyondInputHi === 0 ? [] : [`if ((hi & ${int(compiled.beyondInputHi)}) !== 0) ${refused('addressWidth')}`],
      ...startText(compiled, purpose, false),
      ...levelsOf(compiled).flatMap((level) => levelText(compiled, level, purpose, [], ['at', 'tableHi'], end)),
    ],
  );
  const ending = endText(end, compiled, `Ends it at the leaf of a level; \`flags\`: AND of the entries read.`, [
    'result.outcome = WALK.mapped;', ...fillText(purpose, answers), 'return WALK.mapped;',
  ]);
  return `${walk}\n${ending}`;
}

/** `walkNAMEBehindNAMETold`, `…Cached`: every table and the final address through the nested tables. */
export function wholePair(linear: Dimension, nested: Dimension, purpose: Purpose): string {
  const compiled = compileFormat(linear.format, FEATURES);
  const name = `${linear.name}Behind${nested.name}${purpose}`;
  const walkNested = `walk${nested.name}${purpose}`;
  const reach = (level: number): string[] => {
    const throughNested = [
      `nested.servedLevel = ${level};`,
      `const outcome = ${walkNested}(nested, at, tableHi, tableAccess);`,
      'if (outcome !== WALK.mapped) return refuseAsNested(space, outcome, EFFECTS.hardware);',
      `if (pageRights !== undefined) pageRights[${level}] = inner.rights;`,
    ];
    if (purpose === 'Told' || level === compiled.levels) return [...throughNested, 'const { hpaLo, hpaHi } = inner;'];
    return [
      `let hpaLo = knownLo | ${indexField(compiled, level)};`, 'let hpaHi = knownHi;',
      `if (known !== ${level}) {`, ...indented([...throughNested, 'hpaLo = inner.hpaLo;', 'hpaHi = inner.hpaHi;']), '}',
    ];
  };
  const walk = func(
    `${linear.format.name} behind ${nested.format.name}.`,
    `export function walk${name}${PARAMETERS}`,
    [
      ...cacheText(purpose),
      'const { compiled, memory, nested, result, counters } = space;', 'if (nested === undefined) return HANDED_OVER;', tablesOf(compiled),
      'const { words } = memory;', 'const { levels } = result;', 'const { tableAccess } = nested;', 'const { pageRights } = space.tables;',
      'const inner = nested.result;',
      'space.servedLo = lo;', 'space.servedHi = hi;', 'result.references = 0;', 'nested.servedLo = lo;', 'nested.servedHi = hi;', 'inner.references = 0;',
      ...header(compiled), `result.level = ${compiled.levels};`,
      ...startText(compiled, purpose, true),
      ...levelsOf(compiled).flatMap((level) => levelText(compiled, level, purpose, reach(level), ['hpaLo', 'hpaHi'], `end${name}`)),
    ],
  );
  const ending = endText(`end${name}`, compiled, `Ends it at the guest's leaf of a level; \`flags\`: AND of the entries read.`, [
    'const { nested } = space;', 'if (nested === undefined) return HANDED_OVER;',
    'nested.servedLevel = 0;', 'nested.servedRights = rights;',
    `const outcome = ${walkNested}(nested, gpaLo, gpaHi, ${FINAL_ACCESS});`,
    'if (outcome !== WALK.mapped) return refuseAsNested(space, outcome, EFFECTS.hardware);',
    'takeFinal(result, nested.result);',
    'result.outcome = WALK.mapped;', ...fillText(purpose, 'walks'), 'return WALK.mapped;',
  ]);
  return `${walk}\n${ending}`;
}
