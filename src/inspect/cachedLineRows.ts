import { pairToBigInt } from '../engine/arithmetic';
import { type CacheName, type CachedMapping, cachedMappings, cacheNames } from '../hardware/caches/cacheView';
import type { PagingFormat } from '../hardware/paging/pagingFormat';
import type { Processor } from '../hardware/processor/processor';
import { EPT4 } from '../hardware/paging/formats/ept4';
import { halvesText, sizeText } from './addressText';
import { indexed, numberIn, type Row } from './rows';

/** Paging-structure caches: their lines lead to the next table. */
const structureCaches: ReadonlySet<CacheName> = new Set(cacheNames.filter((name) => name.endsWith(' cache')));

/** What a processor caches of translations, cache by cache: each with its lines, those of all tags. Leaves no trace. */
export function cachedLineRows({ caches, inspection }: Processor): readonly Row[] {
  const lines = cachedMappings(caches);
  const { l2, nestedTlb, linearWalk, nestedWalk } = caches;
  const formats = formatsOf(inspection);
  const isThere = (name: CacheName): boolean => {
    if (name === 'L1 TLB') return true;
    if (name === 'L2 TLB') return l2 !== undefined;
    if (name === 'nested TLB') return nestedTlb !== undefined;
    return (name.startsWith('nested') ? nestedWalk : linearWalk) !== undefined && lines.some(({ cache }) => cache === name);
  };
  return cacheNames.filter(isThere).map((name) => {
    const held = lines.filter(({ cache }) => cache === name);
    return {
      name,
      value: `${held.length === 0 ? 'no' : held.length} ${held.length === 1 ? 'line' : 'lines'} in use`,
      below: indexed(held, (line) => lineRow(line, formats), (name) => held.findIndex(({ line }) => line === numberIn(name))),
    };
  });
}

/** The lines that cover a linear address, whatever their tags: whether each would answer for it now. Leaves no trace. */
export function linesOver({ caches, inspection }: Processor, lo: number, hi: number): readonly Row[] {
  const address = pairToBigInt(lo, hi);
  const formats = formatsOf(inspection);
  const covers = ({ mapping, pageLo, pageHi, shift }: CachedMapping): boolean => (
    mapping !== 'guest-physical' && pairToBigInt(pageLo, pageHi) >> BigInt(shift) === address >> BigInt(shift)
  );
  const answering = new Map<CacheName, number>([['L1 TLB', caches.l1.peek(lo, hi)], ['L2 TLB', caches.l2?.peek(lo, hi) ?? -1]]);
  return cachedMappings(caches).filter(({ cache }) => answering.has(cache)).filter(covers).map((line) => {
    const { name, value } = lineRow(line, formats);
    const isAnswering = answering.get(line.cache) === line.line;
    return { name: `${line.cache}, ${name}`, value: `${value}: ${isAnswering ? 'answers now' : 'does not answer, for its tags are not those in force'}` };
  });
}

function formatsOf(inspection: Processor['inspection']): Formats {
  return { own: inspection.compiled.format, nested: inspection.nested?.compiled.format ?? EPT4 };
}

interface Formats {
  readonly own: PagingFormat;
  readonly nested: PagingFormat;
}

/** `gva:0x600000 4K → hpa:0x10e000 writable user executable, dirty, VPID 1, PCID 0`. */
function lineRow(line: CachedMapping, formats: Formats): Row {
  const { mapping, shift, wholeShift } = line;
  const isGuestPhysical = mapping === 'guest-physical';
  const from = halvesText(isGuestPhysical ? 'gpa' : 'gva', line.pageLo, line.pageHi);
  const isTable = structureCaches.has(line.cache);
  const size = sizeText(1n << BigInt(shift));
  const to = isTable
    ? `the next table at ${halvesText(mapping === 'combined' ? 'gpa' : 'hpa', line.targetLo, line.targetHi)}`
    : halvesText('hpa', line.hpaLo, line.hpaHi);
  const fragment = wholeShift > shift ? [`fragment of a page of ${sizeText(1n << BigInt(wholeShift))}`] : [];
  const own = rightsText(isGuestPhysical ? formats.nested : formats.own, line.rights);
  const second = mapping === 'combined' && !isTable ? [`second level: ${rightsText(formats.nested, line.eptRights)}`] : [];
  const flags = [...line.isDirty ? ['dirty'] : [], ...line.isGlobal ? ['global'] : [], ...line.key === 0 ? [] : [`protection key ${line.key}`]];
  return {
    name: `line ${line.line}`,
    value: [`${from} ${size} → ${to}`, own, ...second, ...fragment, ...flags, `${mapping} mapping`, tagsText(line), ageText(line.age)].join(', '),
  };
}

/** The tags by which a line is found. SDM Vol. 3, "Information That May Be Cached". */
function tagsText({ mapping, vpid, pcid, rootLo, rootHi }: CachedMapping): string {
  const root = mapping === 'linear' ? '' : `root ${halvesText('hpa', rootLo, rootHi)}`;
  return mapping === 'guest-physical' ? root : [`VPID ${vpid}`, `PCID ${pcid}`, root].filter((text) => text !== '').join(', ');
}

function ageText(age: number): string {
  return age === 0 ? 'most recently used of its set' : `${age} of its set used since`;
}

function rightsText({ rights }: PagingFormat, given: number): string {
  const names = rights.filter((_, bit) => ((given >>> bit) & 1) === 1).map(({ name }) => name);
  return names.length === 0 ? 'no right beside reading' : names.join(' ');
}
