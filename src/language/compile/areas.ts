import type { AreaLine, Process } from '../generated/ast';
import type { PagingModeRow } from '../pagingModes';
import type { Area } from '../program';
import { numberOf } from '../syntax/literals';
import type { SourceText } from '../syntax/sourceText';
import { entryFormatOf, pageBytes } from './entryFormat';
import { nearestName, didYouMean } from './nearestName';
import { spellingFix } from './fixes';
import type { Report } from './report';

const PAGE = 0x1000n;
/** What lies right above the direct map is the kernel's too: the page table of its window. */
const WINDOW_BYTES = 4n << 20n;

const RIGHTS = ['ro', 'rw', 'rx', 'rwx'] as const;
const WORDS = [...RIGHTS, 'user', 'kernel', 'lazy', 'shared', 'pages'] as const;

/** What the areas of one VM are checked against. */
export interface AreaContext {
  readonly report: Report;
  readonly mode: PagingModeRow;
  /** `shared NAME`: the names so far, with the first area of each. */
  readonly shared: Map<string, { readonly number: number; readonly bytes: bigint; readonly source: SourceText; readonly line: AreaLine; uses: number }>;
}

/** Checks a process's areas and gives them as values. */
export function readAreas(context: AreaContext, source: SourceText, process: Process, index: number): Area[] {
  const { report } = context;
  const areas: Area[] = [];
  for (const line of process.areas) {
    const area = readArea(context, source, line, index);
    if (area === undefined) continue;
    const other = areas.find((each) => area.from < each.to && each.from < area.to);
    if (other !== undefined) {
      report.say(source, line, 'range-overlaps', { from: hex(other.from), to: hex(other.to), process: process.name });
      continue;
    }
    areas.push(area);
  }
  return areas;
}

/** Words of a line with what belongs to them: the name behind `shared`, the number behind `pages`. */
interface AreaWords {
  readonly words: readonly string[];
  readonly shared: string | undefined;
  readonly pages: string | undefined;
}

function readArea(context: AreaContext, source: SourceText, line: AreaLine, process: number): Area | undefined {
  const { report, mode } = context;
  const from = numberOf(line.from);
  const to = numberOf(line.to);
  if (from === undefined || to === undefined) {
    report.say(source, line, 'range-number');
    return undefined;
  }
  const words = wordsOf(report, source, line);
  if (words === undefined) return undefined;
  const pages = pageSize(context, source, line, words.pages);
  if (pages === undefined || !hasPlace(report, source, line, { from, to, pages, mode })) return undefined;
  const has = (name: string): boolean => words.words.includes(name);
  const rights = RIGHTS.filter(has);
  const [right] = rights;
  if (right === undefined || rights.length > 1) {
    report.say(source, line, 'range-rights');
    return undefined;
  }
  if (has('user') === has('kernel')) {
    report.say(source, line, 'range-level');
    return undefined;
  }
  if (has('user') && mode.upperStart !== undefined && from >= mode.upperStart) {
    report.say(source, line, 'range-upper-half', { lower: hex(mode.lowerEnd) });
  }
  return {
    process, from, to, rights: right, user: has('user'), lazy: has('lazy'), pageBytes: Number(pages),
    shared: words.shared === undefined ? 0 : sharedNumber(context, source, line, words.shared, to - from),
  };
}

function wordsOf(report: Report, source: SourceText, line: AreaLine): AreaWords | undefined {
  const words: string[] = [];
  let shared: string | undefined;
  let pages: string | undefined;
  for (let i = 0; i < line.words.length; i++) {
    const node = line.words[i];
    if (node === undefined) break;
    const { word, number } = node;
    if (!WORDS.some((each) => each === word)) {
      report.say(source, node, 'unknown-area-word', { word, hint: didYouMean(word, WORDS), choices: WORDS.join(', ') });
      const fix = nearestName(word, WORDS) === undefined ? undefined : spellingFix(source, node, word, WORDS);
      if (fix !== undefined) report.mend(source, node, 'unknown-area-word', fix);
      return undefined;
    }
    words.push(word);
    if (word === 'pages') pages = number ?? '';
    else if (number !== undefined) {
      report.say(source, node, 'area-word-number', { word });
      return undefined;
    }
    if (word !== 'shared') continue;
    shared = line.words[++i]?.word;
    if (shared === undefined || WORDS.some((each) => each === shared)) {
      report.say(source, node, 'shared-name');
      return undefined;
    }
  }
  return { words, shared, pages };
}

function pageSize({ report, mode }: AreaContext, source: SourceText, line: AreaLine, image: string | undefined): bigint | undefined {
  if (image === undefined || mode.format === undefined) return PAGE;
  const entries = entryFormatOf(mode.format);
  const sizes = [PAGE, ...entries.largePageLevels.map((level) => pageBytes(entries, level))];
  const size = numberOf(image);
  if (size !== undefined && sizes.includes(size)) return size;
  const choices = sizes.map((each) => `pages ${each >= 1n << 30n ? `${each >> 30n}G` : each >= 1n << 20n ? `${each >> 20n}M` : `${each >> 10n}K`}`);
  report.say(source, line, 'page-size', { size: image, mode: mode.name, choices: choices.join(', ') });
  return undefined;
}

interface Place {
  readonly from: bigint;
  readonly to: bigint;
  readonly pages: bigint;
  readonly mode: PagingModeRow;
}

/** Linear addresses are canonical: the bits above the mode's width are equal. SDM Vol. 1, "Canonical Addressing". */
function hasPlace(report: Report, source: SourceText, line: AreaLine, { from, to, pages, mode }: Place): boolean {
  const odd = from % pages === 0n ? to : from;
  if (odd % pages !== 0n) {
    const below = odd - (odd % pages);
    report.say(source, line, 'range-pages', { odd: hex(odd), page: hex(pages), below: hex(below), above: hex(below + pages) });
    return false;
  }
  if (to <= from) {
    report.say(source, line, 'range-empty', { from: hex(from), to: hex(to) });
    return false;
  }
  const isUpper = mode.upperStart !== undefined && from >= mode.upperStart;
  if (!isUpper && to > mode.lowerEnd) {
    report.say(source, line, 'range-not-canonical', {
      lack: mode.upperStart === undefined ? 'this mode does not have' : 'are not canonical',
      lower: hex(mode.lowerEnd),
      upper: mode.upperStart === undefined ? '' : `, or at ${hex(mode.upperStart)} and above`,
    });
    return false;
  }
  const { base, bytes } = mode.directMap;
  const end = base + bytes + (mode.window === undefined ? 0n : WINDOW_BYTES);
  if (mode.format !== undefined && from < end && to > base) {
    report.say(source, line, 'range-direct-map', { base: hex(base) });
    return false;
  }
  return true;
}

function sharedNumber({ report, shared }: AreaContext, source: SourceText, line: AreaLine, name: string, bytes: bigint): number {
  const known = shared.get(name);
  if (known === undefined) {
    const number = shared.size + 1;
    shared.set(name, { number, bytes, source, line, uses: 1 });
    return number;
  }
  known.uses++;
  if (known.bytes !== bytes) report.say(source, line, 'shared-size', { name, bytes: bytes >> 10n, other: known.bytes >> 10n });
  return known.number;
}

/** Says which names of shared ranges only one range has. */
export function warnOfAloneShared({ report, shared }: AreaContext): void {
  for (const [name, { uses, source, line }] of shared) if (uses === 1) report.say(source, line, 'shared-alone', { name });
}

/** Bytes that `boot` maps, for the check against RAM; what is shared is there once. */
export function eagerBytes(areas: readonly Area[]): bigint {
  const counted = new Set<number>();
  return areas.reduce((sum, { lazy, shared, from, to }) => {
    if (lazy || (shared > 0 && counted.has(shared))) return sum;
    counted.add(shared);
    return sum + to - from;
  }, 0n);
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
