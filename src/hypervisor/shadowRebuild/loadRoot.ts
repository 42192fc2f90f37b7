import { line, type ListingNode } from '../listing';
import { loadPaeRootsOf, loadRootOf } from '../shadowWp/loadRoot';
import { zapOrphans } from '../shadowWp/zapOrphans';
import { compose } from './compose';
import type { RebuildMmu } from './rebuildMmu';

const forget: readonly ListingNode<RebuildMmu>[] = [
  line('the old root is given up', { writes: ['shadow.pages', 'vcpu', 'memory'] }, (mmu) => mmu.dropRoots()),
  line('zap_orphans(): all is forgotten, but for what other vCPUs run on', {}, (mmu) => void mmu.call(zapOrphans)),
];

const composeAll: readonly ListingNode<RebuildMmu>[] = [
  line('compose(0, the last page): the whole shadow at once', {}, (mmu) => {
    const last = mmu.pageCount - 1;
    mmu.call(compose, 0, 0, mmu.gvaLo(last), mmu.gvaHi(last));
  }),
];

export const loadRoot = loadRootOf<RebuildMmu>({ first: forget, withRoot: composeAll });
export const loadPaeRoots = loadPaeRootsOf<RebuildMmu>({ withRoot: [], withRoots: composeAll });
