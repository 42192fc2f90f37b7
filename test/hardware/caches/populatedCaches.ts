import { type CachedMapping, cachedMappings } from '../../../src/hardware/caches/cacheView';
import { MAPPING } from '../../../src/hardware/caches/cachedLines';
import type { Tlb } from '../../../src/hardware/caches/tlb';
import type { TranslationCaches } from '../../../src/hardware/caches/translationCaches';
import type { WalkCaches } from '../../../src/hardware/caches/walkCaches';
import { WalkResult } from '../../../src/hardware/paging/walkResult';
import { halves, whole } from '../testMachine';

/** Caches in which nothing is evicted, whatever the test puts in. */
export const ROOMY = {
  tlbEntries: 512, tlbWays: 512, tlbL2: { entries: 512, ways: 512 },
  walkCaches: {
    pde: { entries: 128, ways: 128 }, pdpte: { entries: 128, ways: 128 }, pml4e: { entries: 128, ways: 128 },
    pml5e: { entries: 128, ways: 128 }, nestedTlb: { entries: 128, ways: 128 },
  },
} as const;

/** A line in the words of the manuals, for oracles. */
export interface Line {
  readonly isTlb: boolean;
  readonly mapping: 'linear' | 'combined' | 'guest-physical';
  readonly vpid: number;
  readonly pcid: number;
  readonly isGlobal: boolean;
  readonly root: bigint;
  readonly covers: (address: bigint) => boolean;
  readonly text: string;
}

function lineOf(found: CachedMapping): Line {
  const page = whole(found.pageLo, found.pageHi);
  const root = whole(found.rootLo, found.rootHi);
  const { cache, mapping, vpid, pcid, isGlobal, wholeShift } = found;
  return {
    isTlb: cache.endsWith('TLB'), mapping, vpid, pcid, isGlobal, root,
    covers: (address) => address >> BigInt(wholeShift) === page >> BigInt(wholeShift),
    text: `${cache}: ${mapping} ${isGlobal ? 'global ' : ''}vpid ${vpid} pcid ${pcid} root ${root.toString(16)} page ${page.toString(16)}/${found.shift}`,
  };
}

export function linesOf(caches: TranslationCaches): readonly Line[] {
  return cachedMappings(caches).map(lineOf);
}

export interface Population {
  readonly vpids: readonly number[];
  readonly pcids: readonly number[];
  readonly roots: readonly bigint[];
  readonly linearPages: readonly bigint[];
  /** The line of the first one is made under the first PCID, and so on. */
  readonly globalPages: readonly bigint[];
  readonly guestPhysicalPages: readonly bigint[];
}

/**
 * Puts a line of every kind, tag and page into every cache, save where the machine has made one. Their contents are made
 * up: nothing may be translated by them. The processor's context is to be restored afterwards (`reload`).
 */
export function populate(caches: TranslationCaches, population: Population): void {
  const { vpids, pcids, roots, linearPages, globalPages, guestPhysicalPages } = population;
  const tlbs = [caches.l1, caches.l2!];
  for (const vpid of vpids) {
    for (const [mapping, root] of [[MAPPING.linear, 0n], ...roots.map((each) => [MAPPING.combined, each] as const)] as const) {
      pcids.forEach((pcid, index) => {
        for (const tlb of tlbs) {
          for (const page of linearPages) add(tlb, page, false, vpid, pcid, mapping, root);
          add(tlb, globalPages[index]!, true, vpid, pcid, mapping, root);
        }
        for (const page of linearPages) addStructures(caches.linearWalk!, page, vpid, pcid, mapping, root);
      });
    }
  }
  // EPT tags by its root, AMD's nested paging by the ASID.
  for (const [vpid, root] of [...roots.filter((each) => each !== 0n).map((each) => [0, each] as const), ...vpids.map((each) => [each, 0n] as const)]) {
    for (const page of guestPhysicalPages) {
      add(caches.nestedTlb!, page, false, vpid, 0, MAPPING.guestPhysical, root);
      addStructures(caches.nestedWalk!, page, vpid, 0, MAPPING.guestPhysical, root);
    }
  }
}

function add(tlb: Tlb, page: bigint, isGlobal: boolean, vpid: number, pcid: number, mapping: number, root: bigint): void {
  tlb.useContext(vpid, pcid, mapping, ...halves(root));
  if (tlb.peek(...halves(page)) >= 0) return;
  const found = new WalkResult();
  found.global = isGlobal ? 1 : 0;
  tlb.useGlobals('on');
  tlb.fill(...halves(page), found);
}

function addStructures(walk: WalkCaches, page: bigint, vpid: number, pcid: number, mapping: number, root: bigint): void {
  for (const level of [2, 3, 4]) {
    const cache = walk.levels[level]!;
    cache.useContext(vpid, pcid, mapping, ...halves(root));
    if (cache.peek(...halves(page)) < 0) cache.fill(...halves(page), 12 + 9 * (level - 1), 7, 7, 0, 0, 0, 0);
  }
}
