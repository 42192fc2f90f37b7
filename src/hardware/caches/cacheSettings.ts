import type { ProcessorSettings } from '../processor/rootMode';
import type { TlbSettings } from './tlb';
import type { TranslationCacheSettings } from './translationCaches';
import { WALK_CACHES } from './walkCaches';

/** What a processor's settings say of its caches. */
export function cacheSettings(settings: ProcessorSettings): TranslationCacheSettings {
  const { tlbEntries, tlbWays, tlbL2, tlbPageShifts, walkCaches = 'off' } = settings;
  const sized = (entries: number, ways: number): TlbSettings =>
    (tlbPageShifts === undefined ? { entries, ways } : { entries, ways, pageShifts: tlbPageShifts });
  return {
    l1: sized(tlbEntries, tlbWays),
    l2: tlbL2 === undefined ? undefined : sized(tlbL2.entries, tlbL2.ways),
    walk: walkCaches === 'off' ? undefined : walkCaches === 'on' ? WALK_CACHES : walkCaches,
  };
}
