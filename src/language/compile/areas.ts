import type { AreaLine, AreaWord, Process } from '../generated/ast';
import type { Area } from '../program';
import { numberOf } from '../syntax/literals';
import type { SourceText } from '../syntax/sourceText';
import { didYouMean } from './nearestName';
import type { Report } from './report';

const PAGE = 0x1000n;
/** Linear addresses are canonical: bits 63:47 are equal. SDM Vol. 1, "Canonical Addressing". */
const LOWER_HALF_END = 0x0000_8000_0000_0000n;
const UPPER_HALF = 0xffff_8000_0000_0000n;
/** The kernel's direct map of all RAM, as in Linux: entry 273 of every root. */
export const DIRECT_MAP = 0xffff_8880_0000_0000n;
const DIRECT_MAP_END = DIRECT_MAP + (1n << 39n);

const RIGHTS = ['ro', 'rw', 'rx', 'rwx'] as const;
const WORDS = [...RIGHTS, 'user', 'kernel', 'lazy', 'shared', 'pages'] as const;

/** Checks a process's areas and gives them as values. */
export function readAreas(report: Report, source: SourceText, process: Process, index: number): Area[] {
  const areas: Area[] = [];
  const lines: AreaLine[] = [];
  for (const line of process.areas) {
    const area = readArea(report, source, line, index);
    if (area === undefined) continue;
    const other = areas.findIndex((each) => area.from < each.to && each.from < area.to);
    if (other >= 0) {
      const { from, to } = areas[other] ?? area;
      report.error(source, line, `This range overlaps ${hex(from)} .. ${hex(to)} of process ${process.name}; make them meet at most.`);
      continue;
    }
    areas.push(area);
    lines.push(line);
  }
  return areas;
}

function readArea(report: Report, source: SourceText, line: AreaLine, process: number): Area | undefined {
  const from = numberOf(line.from);
  const to = numberOf(line.to);
  if (from === undefined || to === undefined) {
    report.error(source, line, 'An address of this range is no number of 64 bits; write a smaller one.');
    return undefined;
  }
  const problem = placeProblem(from, to);
  if (problem !== undefined) {
    report.error(source, line, problem);
    return undefined;
  }
  const words = line.words.filter((word) => isKnownWord(report, source, word));
  if (words.length < line.words.length) return undefined;
  const rights = RIGHTS.filter((each) => words.some((word) => word.word === each));
  const [right] = rights;
  if (right === undefined || rights.length > 1) {
    report.error(source, line, 'A range has one of the rights ro, rw, rx and rwx; write exactly one.');
    return undefined;
  }
  const has = (name: string): boolean => words.some((word) => word.word === name);
  if (has('user') === has('kernel')) {
    report.error(source, line, 'A range is `user` or `kernel`; write one of them after the rights.');
    return undefined;
  }
  if (has('user') && from >= UPPER_HALF) {
    report.warning(source, line, 'User ranges usually lie in the lower half, below 0x800000000000; write `kernel`, or move the range.');
  }
  return { process, from, to, rights: right, user: has('user'), lazy: has('lazy'), shared: 0, pageBytes: Number(PAGE) };
}

function placeProblem(from: bigint, to: bigint): string | undefined {
  if (from % PAGE !== 0n || to % PAGE !== 0n) {
    const odd = from % PAGE === 0n ? to : from;
    return `A range is made of pages, and ${hex(odd)} is no multiple of 0x1000; write ${hex(odd - (odd % PAGE))} or ${hex(odd - (odd % PAGE) + PAGE)}.`;
  }
  if (to <= from) return `This range is empty, as its end ${hex(to)} is not included; write an end above ${hex(from)}.`;
  if (from < UPPER_HALF && to > LOWER_HALF_END) {
    return 'This range holds addresses that are not canonical; stay below 0x800000000000, or at 0xffff800000000000 and above.';
  }
  if (from < DIRECT_MAP_END && to > DIRECT_MAP) {
    return `This range overlaps the kernel's direct map from ${hex(DIRECT_MAP)} on; choose other addresses.`;
  }
  return undefined;
}

function isKnownWord(report: Report, source: SourceText, word: AreaWord): boolean {
  if (word.word === 'shared' || word.word === 'pages') {
    report.error(source, word, `\`${word.word}\` is not supported yet; remove it.`);
    return false;
  }
  if (!WORDS.some((each) => each === word.word)) {
    report.error(source, word, `There is no area word \`${word.word}\`${didYouMean(word.word, WORDS)}; there are ${WORDS.join(', ')}.`);
    return false;
  }
  if (word.number !== undefined) {
    report.error(source, word, `\`${word.word}\` takes no number; remove it.`);
    return false;
  }
  return true;
}

/** Bytes that `boot` maps, for the check against RAM. */
export function eagerBytes(areas: readonly Area[]): bigint {
  return areas.reduce((sum, area) => (area.lazy ? sum : sum + area.to - area.from), 0n);
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
