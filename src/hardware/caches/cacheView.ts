import { type CachedLines, mappingNames } from './cachedLines';
import type { TranslationCaches } from './translationCaches';

export const cacheNames = [
  'L1 TLB', 'L2 TLB', 'nested TLB',
  'PDE cache', 'PDPTE cache', 'PML4E cache', 'PML5E cache',
  'nested PDE cache', 'nested PDPTE cache', 'nested PML4E cache', 'nested PML5E cache',
] as const;
export type CacheName = (typeof cacheNames)[number];

/** A valid line, for people. Addresses are pairs of halves. */
export interface CachedMapping {
  readonly cache: CacheName;
  /** For an event's `index`. */
  readonly line: number;
  readonly mapping: (typeof mappingNames)[number];
  readonly vpid: number;
  readonly pcid: number;
  readonly isGlobal: boolean;
  /** TLBs: a write through the line sets no flag. */
  readonly isDirty: boolean;
  readonly rootLo: number;
  readonly rootHi: number;
  /** What the line covers, linear or guest-physical: from here, 2 to the `shift` bytes. */
  readonly pageLo: number;
  readonly pageHi: number;
  readonly shift: number;
  /** log2 of the page that the address's own tables map: more than `shift` in a fragment. */
  readonly wholeShift: number;
  /** TLBs: the page by the address's own tables. Paging-structure caches: the next table. */
  readonly targetLo: number;
  readonly targetHi: number;
  readonly hpaLo: number;
  readonly hpaHi: number;
  readonly rights: number;
  readonly eptRights: number;
  readonly key: number;
  /** Within its set: 0 is the most recently used. */
  readonly age: number;
}

/** Everything that a processor caches, cache by cache and line by line. Leaves no trace. */
export function cachedMappings(caches: TranslationCaches): readonly CachedMapping[] {
  const { l1, l2, nestedTlb, linearWalk, nestedWalk } = caches;
  const levels = [linearWalk, nestedWalk].flatMap((walk) => [2, 3, 4, 5].map((level) => walk?.levels[level]));
  return [l1, l2, nestedTlb, ...levels].flatMap((cache, index) => (cache === undefined ? [] : linesOf(cache, cacheNames[index]!)));
}

function linesOf(cache: CachedLines, name: CacheName): readonly CachedMapping[] {
  const found: CachedMapping[] = [];
  for (let line = 0; line < cache.lines; line++) {
    if (!cache.isValid(line)) continue;
    found.push({
      cache: name, line, mapping: mappingNames[cache.mappingOf(line)]!, vpid: cache.vpidOf(line), pcid: cache.pcidOf(line),
      isGlobal: cache.isGlobal(line), isDirty: cache.isDirty(line), rootLo: cache.rootLoOf(line), rootHi: cache.rootHiOf(line),
      pageLo: cache.pageLo(line), pageHi: cache.pageHi(line), shift: cache.shift(line), wholeShift: cache.wholeShift(line),
      targetLo: cache.targetLo(line), targetHi: cache.targetHi(line), hpaLo: cache.hpaLo(line), hpaHi: cache.hpaHi(line),
      rights: cache.rights(line), eptRights: cache.eptRights(line), key: cache.key(line), age: cache.age(line),
    });
  }
  return found;
}
