import { compileFormat, type CompiledFormat, type FormatFeatures } from '../src/hardware/paging/compiledFormat';
import { EPT4 } from '../src/hardware/paging/formats/ept4';
import { LONG4 } from '../src/hardware/paging/formats/long4';
import { LONG5 } from '../src/hardware/paging/formats/long5';
import { NPT_LONG4 } from '../src/hardware/paging/formats/nestedPaging';
import type { PagingFormat } from '../src/hardware/paging/pagingFormat';
import { walkShape } from '../src/hardware/paging/specialized/walkShape';

/*
 * Writes src/hardware/paging/specialized/walks.ts out of the table of formats: `walk` of walk.ts with the levels unrolled
 * and what a format's record says put in as numbers. What depends on the processor besides (reserved bits, illegal
 * combinations, permissions) stays a look-up in the compiled record. Nothing here knows a rule that walk.ts does not.
 */
const FEATURES: FormatFeatures = { maxphyaddr: 52, noExecute: 'on', executeOnly: 'on', largePages: 'on' };

interface Dimension {
  /** Of the functions: `walkLong4`. */
  readonly name: string;
  readonly format: PagingFormat;
}

const long4: Dimension = { name: 'Long4', format: LONG4 };
const long5: Dimension = { name: 'Long5', format: LONG5 };
const ept4: Dimension = { name: 'Ept4', format: EPT4 };
const npt4: Dimension = { name: 'Npt4', format: NPT_LONG4 };

/** Walks of one dimension, and pairs of them. */
const alone: readonly Dimension[] = [long4, long5, ept4, npt4];
const nestedOnes: readonly Dimension[] = [ept4, npt4];
const pairs: readonly (readonly [linear: Dimension, nested: Dimension])[] = [[long4, ept4], [long4, npt4]];

const hex = (mask: number): string => `0x${(mask >>> 0).toString(16)}`;
/** An int32 mask as TypeScript: those with bit 31 would not be int32 in hexadecimal. */
const int = (mask: number): string => (mask < 0 ? `~${hex(~mask)}` : hex(mask));

function levelsOf(compiled: CompiledFormat): number[] {
  return Array.from({ length: compiled.levels }, (_, index) => compiled.levels - index);
}

/** `address | index of the level << entryShift`. */
function entryAddress(compiled: CompiledFormat, level: number, table: string): string {
  const shift = compiled.shifts[level]!;
  const mask = compiled.indexMask << compiled.entryShift;
  const by = shift - compiled.entryShift;
  const field = shift >= 32 ? `hi >>> ${by - 32}`
    : shift + 9 > 32 ? `lo >>> ${by} | hi << ${32 - by}` : `lo >>> ${by}`;
  return `${table} | (${field}) & ${hex(mask)}`;
}

/** May an entry of the level map a page? */
const mayBeLeaf = (compiled: CompiledFormat, level: number): boolean => level > 1 && compiled.leafMask[level] !== 0;
const hasIllegal = (compiled: CompiledFormat): boolean => compiled.illegal.some((illegal) => illegal !== 0)
  || compileFormat(compiled.format, { ...compiled.features, executeOnly: 'off' }).illegal.some((illegal) => illegal !== 0);

/** Rights out of the AND of the entries' halves, the high one flipped. */
function rightsOf(compiled: CompiledFormat): string {
  const parts = [`andLo >>> ${compiled.rightsLoShift} & ${compiled.rightsLoMask}`];
  if (compiled.rightsFarMask !== 0) parts.push(`andLo >>> ${compiled.rightsFarShift} & ${compiled.rightsFarMask}`);
  if (compiled.rightsHiMask !== 0) parts.push(`andHi >>> ${compiled.rightsHiShift} & ${compiled.rightsHiMask}`);
  return parts.join(' | ');
}

/** Checks of an entry that was read: what is done in each case is the caller's text. */
function checks(compiled: CompiledFormat, level: number, leaf: 0 | 1, on: (why: string) => string): string[] {
  const use = (level << 1) | leaf;
  const lines = [];
  if (hasIllegal(compiled)) lines.push(`if (illegal[${leaf << 6} | lo${level} & 63] !== 0) ${on('illegal')}`);
  lines.push(`if ((lo${level} & reservedLo[${use}]! | hi${level} & reservedHi[${use}]!) !== 0) ${on('reserved')}`);
  return lines;
}

function accumulate(compiled: CompiledFormat, level: number): string[] {
  const flip = compiled.rightsHiFlip === 0 ? '' : ` ^ ${int(compiled.rightsHiFlip)}`;
  const first = level === compiled.levels;
  const high = compiled.rightsHiMask === 0 ? []
    : [first ? `let andHi = hi${level}${flip};` : `andHi &= hi${level}${flip === '' ? '' : flip};`];
  return [first ? `let andLo = lo${level};` : `andLo &= lo${level};`, ...high];
}

/** The prelude that all walks have: what `walk` leaves in the result before it reads anything. */
function header(compiled: CompiledFormat): string[] {
  return [
    'result.addressLo = lo;', 'result.addressHi = hi;', 'result.access = access;', 'result.why = WHY.none;',
    'result.rule = -1;', 'result.errorCode = 0;', 'result.qualification = 0;', `result.top = ${compiled.levels};`,
    'result.nestedRights = ALL_RIGHTS;',
  ];
}

/** Reads the entry of a level. `place`: its host-physical address, as two expressions. */
function record(level: number, placeLo: string, placeHi: string, tableHi: string): string[] {
  return [
    `levels[ENTRY_LO + ${level}] = lo${level};`, `levels[ENTRY_HI + ${level}] = hi${level};`,
    `levels[ENTRY_ADDRESS_LO + ${level}] = at${level};`, `levels[ENTRY_ADDRESS_HI + ${level}] = ${tableHi};`,
    `levels[ENTRY_HPA_LO + ${level}] = ${placeLo};`, `levels[ENTRY_HPA_HI + ${level}] = ${placeHi};`,
  ];
}

const tableHiAt = (compiled: CompiledFormat, level: number): string => (
  level === compiled.levels ? 'space.rootHi' : `hi${level + 1} & ${int(compiled.frameHi)}`);
const tableLoAt = (compiled: CompiledFormat, level: number): string => (
  level === compiled.levels ? 'space.rootLo' : `lo${level + 1} & ${int(compiled.frameLo)}`);

/** From the leaf of `level` to the page: rights, keys, flags, and the result. */
function pageOf(compiled: CompiledFormat, level: number, refused: (why: string) => string): string[] {
  const references = compiled.levels - level + 1;
  const shift = compiled.shifts[level]!;
  const offset = (1 << shift) - 1;
  return [
    `const rights = ${rightsOf(compiled)};`,
    'result.rights = rights;',
    `if (space.permissions[access << RIGHTS_BITS | rights] === 0) ${refused('rights')}`,
    ...compiled.keyMask === 0 ? ['const key = 0;'] : [
      `const key = hi${level} >>> ${compiled.keyShift} & ${compiled.keyMask};`,
      `if (space.keys !== 0 && keyRefuses(space, key, rights, access)) ${refused('protectionKey')}`,
    ],
    'if (space.accessedDirty !== 0) {',
    `  if ((andLo & ${hex(compiled.accessedMask)}) === 0 || (access & ACCESS_WRITES) !== 0 && (lo${level} & ${hex(compiled.dirtyMask)}) === 0) return HANDED_OVER;`,
    `  result.dirty = lo${level} >>> ${31 - Math.clz32(compiled.dirtyMask)} & 1;`,
    '} else {',
    '  result.dirty = 1;',
    '}',
    `const gpaLo = lo${level} & ${int(compiled.frameLo & ~offset)} | lo & ${hex(offset)};`,
    `const gpaHi = hi${level} & ${int(compiled.frameHi)};`,
    'result.gpaLo = gpaLo;', 'result.gpaHi = gpaHi;',
    `result.global = ${compiled.globalMask === 0 ? '0' : `lo${level} >>> ${31 - Math.clz32(compiled.globalMask)} & 1`};`,
    'result.key = key;', `result.pageShift = ${shift};`, `result.level = ${level};`,
    `const references = ${references};`,
  ];
}

/** `walkNAME`: tables that are reached as they stand, as the only dimension or as the nested one. */
function walkAlone({ name, format }: Dimension): string {
  const compiled = compileFormat(format, FEATURES);
  const refused = (level: number) => (why: string): string => (
    `return refuseAt(space, ${level}, ${compiled.levels - level + 1}, WHY.${why}, ${['rights', 'protectionKey'].includes(why) ? 'rights' : '0'});`);
  const finish = (level: number): string[] => [
    ...checks(compiled, level, 1, refused(level)),
    ...accumulate(compiled, level),
    ...pageOf(compiled, level, refused(level)),
    'result.effectiveShift = result.pageShift;', 'result.hpaLo = gpaLo;', 'result.hpaHi = gpaHi;',
    'return mapped(space, references);',
  ];
  const body = levelsOf(compiled).flatMap((level) => [
    '',
    `const at${level} = ${entryAddress(compiled, level, tableLoAt(compiled, level))};`,
    `const from${level} = ${tableHiAt(compiled, level)};`,
    `const word${level} = memory.wordAt(at${level}, from${level});`,
    `if (word${level} === 0) return HANDED_OVER;`,
    `const lo${level} = words[word${level}]!;`,
    `const hi${level} = words[word${level} + 1]!;`,
    ...record(level, `at${level}`, `from${level}`, `from${level}`),
    `if ((lo${level} & ${hex(compiled.presentMask)}) === 0) ${refused(level)('notPresent')}`,
    ...level === 1 ? finish(1) : [
      ...mayBeLeaf(compiled, level) ? [`if ((lo${level} & ${hex(compiled.leafMask[level]!)}) !== 0) {`, ...finish(level).map((line) => `  ${line}`), '}'] : [],
      ...checks(compiled, level, 0, refused(level)),
      ...accumulate(compiled, level),
    ],
  ]);
  return func(
    `${format.name}, with tables at host-physical addresses.`,
    `export function walk${name}(space: TranslationSpace, lo: number, hi: number, access: number): number {`,
    [
      ...compiled.beyondInputHi === 0 ? [] : [`if ((hi & ${int(compiled.beyondInputHi)}) !== 0) return HANDED_OVER;`],
      'const { compiled, memory, result } = space;',
      `const { reservedLo, reservedHi${hasIllegal(compiled) ? ', illegal' : ''} } = compiled;`,
      'const { words } = memory;', 'const { levels } = result;',
      'if (space.isNested === 0) {', '  space.servedLo = lo;', '  space.servedHi = hi;', '  result.references = 0;', '}',
      ...header(compiled), ...body,
    ],
  );
}

/** `reachNAME`: where a guest's table word is, or 0 for anything that the walk would have to stop at. */
function reach({ name, format }: Dimension): string {
  const compiled = compileFormat(format, FEATURES);
  const refused = (): string => 'return 0;';
  const finish = (level: number): string[] => {
    const offset = (1 << compiled.shifts[level]!) - 1;
    return [
      ...checks(compiled, level, 1, refused),
      ...accumulate(compiled, level),
      `if (space.permissions[access << RIGHTS_BITS | ${rightsOf(compiled)}] === 0) return 0;`,
      ...compiled.keyMask === 0 ? [] : ['if (space.keys !== 0) return 0;'],
      `if (space.accessedDirty !== 0 && ((andLo & ${hex(compiled.accessedMask)}) === 0 || (access & ACCESS_WRITES) !== 0 && (lo${level} & ${hex(compiled.dirtyMask)}) === 0)) return 0;`,
      `const hpaLo = lo${level} & ${int(compiled.frameLo & ~offset)} | lo & ${hex(offset)};`,
      `const hpaHi = hi${level} & ${int(compiled.frameHi)};`,
      `result.references += ${compiled.levels - level + 1};`,
      'result.hpaLo = hpaLo;', 'result.hpaHi = hpaHi;',
      'return memory.wordAt(hpaLo, hpaHi);',
    ];
  };
  const body = levelsOf(compiled).flatMap((level) => [
    '',
    `const word${level} = memory.wordAt(${entryAddress(compiled, level, tableLoAt(compiled, level))}, ${tableHiAt(compiled, level)});`,
    `if (word${level} === 0) return 0;`,
    `const lo${level} = words[word${level}]!;`,
    `const hi${level} = words[word${level} + 1]!;`,
    `if ((lo${level} & ${hex(compiled.presentMask)}) === 0) return 0;`,
    ...level === 1 ? finish(1) : [
      ...mayBeLeaf(compiled, level) ? [`if ((lo${level} & ${hex(compiled.leafMask[level]!)}) !== 0) {`, ...finish(level).map((line) => `  ${line}`), '}'] : [],
      ...checks(compiled, level, 0, refused),
      ...accumulate(compiled, level),
    ],
  ]);
  return func(
    `Word in memory's arena of a guest's table entry, through ${format.name}; its address in \`result.hpaLo\`, \`hpaHi\`. 0: to be walked.`,
    `function reach${name}(space: TranslationSpace, lo: number, hi: number, access: number): number {`,
    [
      ...compiled.beyondInputHi === 0 ? [] : [`if ((hi & ${int(compiled.beyondInputHi)}) !== 0) return 0;`],
      'const { compiled, memory, result } = space;',
      `const { reservedLo, reservedHi${hasIllegal(compiled) ? ', illegal' : ''} } = compiled;`,
      'const { words } = memory;', ...body,
    ],
  );
}

/** `walkNAMEBehindNAME`: every table word and the final address through the nested tables. */
function walkPair(linear: Dimension, nested: Dimension): string {
  const compiled = compileFormat(linear.format, FEATURES);
  const handOver = (): string => 'return HANDED_OVER;';
  const finish = (level: number): string[] => [
    ...checks(compiled, level, 1, handOver),
    ...accumulate(compiled, level),
    ...pageOf(compiled, level, handOver),
    'nested.servedLevel = 0;', 'nested.servedRights = rights;',
    'const finalAccess = access & ACCESS_KIND_MASK | nested.finalAccess | rights << 1 & nested.userAddressMask;',
    'const reached = inner.references;',
    `const outcome = walk${nested.name}(nested, gpaLo, gpaHi, finalAccess);`,
    'if (outcome === HANDED_OVER) return HANDED_OVER;',
    'result.references = references;',
    'return through(space, inner, outcome, references + reached);',
  ];
  const body = levelsOf(compiled).flatMap((level) => [
    '',
    `const at${level} = ${entryAddress(compiled, level, tableLoAt(compiled, level))};`,
    `const from${level} = ${tableHiAt(compiled, level)};`,
    `const word${level} = reach${nested.name}(nested, at${level}, from${level}, tableAccess);`,
    `if (word${level} === 0) return HANDED_OVER;`,
    `const lo${level} = words[word${level}]!;`,
    `const hi${level} = words[word${level} + 1]!;`,
    ...record(level, 'inner.hpaLo', 'inner.hpaHi', `from${level}`),
    `if ((lo${level} & ${hex(compiled.presentMask)}) === 0) return HANDED_OVER;`,
    ...level === 1 ? finish(1) : [
      ...mayBeLeaf(compiled, level) ? [`if ((lo${level} & ${hex(compiled.leafMask[level]!)}) !== 0) {`, ...finish(level).map((line) => `  ${line}`), '}'] : [],
      ...checks(compiled, level, 0, handOver),
      ...accumulate(compiled, level),
    ],
  ]);
  return func(
    `${linear.format.name} behind ${nested.format.name}. A refusal is \`walk\`'s to find: nothing has been changed by then.`,
    `export function walk${linear.name}Behind${nested.name}(space: TranslationSpace, lo: number, hi: number, access: number): number {`,
    [
      'const { compiled, memory, nested, result } = space;',
      'if (nested === undefined) return HANDED_OVER;',
      `const { reservedLo, reservedHi${hasIllegal(compiled) ? ', illegal' : ''} } = compiled;`,
      'const { words } = memory;', 'const { levels } = result;', 'const { tableAccess } = nested;', 'const inner = nested.result;',
      'space.servedLo = lo;', 'space.servedHi = hi;', 'nested.servedLo = lo;', 'nested.servedHi = hi;', 'inner.references = 0;',
      ...header(compiled), ...body,
    ],
  );
}

function func(comment: string, signature: string, body: readonly string[]): string {
  return [`/** ${comment} */`, signature, ...body.map((line) => (line === '' ? '' : `  ${line}`)), '}', ''].join('\n');
}

/** The text of walks.ts. */
export function specializedWalksText(): string {
  const shapes = alone.map(({ name, format }) => (
    `  ${name}: '${walkShape(compileFormat(format, FEATURES))}',`));
  return [
    '// Generated by `npm run generate` out of the table of formats (scripts/specializedWalks.ts): do not edit.',
    "import { ACCESS_KIND_MASK, ACCESS_WRITES } from '../accessKinds';",
    "import { ALL_RIGHTS, RIGHTS_BITS } from '../accessRights';",
    "import { HANDED_OVER, mapped, refuseAt, through } from './walkEndings';",
    "import { keyRefuses } from '../protectionKeys';",
    "import type { TranslationSpace } from '../translationSpace';",
    "import { WHY } from '../walkOutcome';",
    "import { RECORD } from '../walkResult';",
    '',
    'const ENTRY_LO = RECORD.entryLo;', 'const ENTRY_HI = RECORD.entryHi;',
    'const ENTRY_ADDRESS_LO = RECORD.entryAddressLo;', 'const ENTRY_ADDRESS_HI = RECORD.entryAddressHi;',
    'const ENTRY_HPA_LO = RECORD.entryHpaLo;', 'const ENTRY_HPA_HI = RECORD.entryHpaHi;',
    '',
    '/** `walkShape` of the formats that the walks below are for. */',
    'export const SHAPES = {', ...shapes, '} as const;',
    '',
    ...alone.map(walkAlone),
    ...nestedOnes.map(reach),
    ...pairs.map(([linear, nested]) => walkPair(linear, nested)),
  ].join('\n');
}
