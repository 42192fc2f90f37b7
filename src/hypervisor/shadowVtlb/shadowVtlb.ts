import { line, repeat, type ListingFrame, type ListingProcedure } from '../listing';
import { handleCrAccess } from '../shadowWp/controlRegisters';
import { emulateAccessOf } from '../shadowWp/emulateAccess';
import { FETCH, fetchOf, isInsideLeaf } from '../shadowWp/fetch';
import { handleExit, instructionHandlers } from '../shadowWp/handleExit';
import { loadPdptrs } from '../shadowWp/loadRoot';
import { makePagesAvailableOf } from '../shadowWp/makePagesAvailable';
import { enableLogDirty } from '../shadowWp/memslotChanges';
import { handleMmioPageFault } from '../shadowWp/mmioFault';
import { PAGE_FAULT, pageFaultOf, unprotectedWrites } from '../shadowWp/pageFault';
import { levelOf } from '../shadowWp/role';
import { ShadowWp, type ShadowFlavour } from '../shadowWp/shadowWp';
import { unmapGfnRange } from '../shadowWp/unmapGfnRange';
import type { TableRoot } from '../technique';
import { vmcsControl } from '../vmcsControl';
import type { VirtualMachine } from '../virtualMachine';
import { walkOperandPage } from '../walkOperandPage';
import { getShadowPage } from './getShadowPage';
import { loadRoot } from './loadRoot';
import { handleInvlpg, handleInvpcid, vtlbFlush, zapOrphans } from './vtlbFlush';
import { VtlbMmu } from './vtlbMmu';
import { VtlbSptes } from './vtlbSptes';
import { VtlbTables } from './vtlbTables';

const forgetFaulting = line<VtlbMmu>('vtlb_flush(gva): a page fault drops what a TLB holds of its address', {}, (mmu, f) => {
  mmu.call(vtlbFlush, f.lo(PAGE_FAULT.gva), f.hi(PAGE_FAULT.gva));
});

const handlePageFault = pageFaultOf<VtlbMmu>({ beforeTrueFault: [forgetFaulting], beforeFill: [], afterFill: [], unprotected: [unprotectedWrites()] });

const fetch = fetchOf<VtlbMmu>({
  child: {
    table: { name: 'table_gva', kind: 'gva' },
    text: 'role = level - 1, direct inside a large page of the guest\'s, whose fragments fill the table; table_gva = where the range of the SPTE begins',
    find: childOf,
    unwanted: 'there is no child, or it holds fragments of a large page where small pages are to go, or the other way round',
    isWanted: (mmu, f) => f.lo(FETCH.child) !== 0 && mmu.pages.roleOf(f.lo(FETCH.child)) === f.lo(FETCH.role),
  },
  atPage: [],
  afterZap: [line('zap_orphans(): a TLB may forget what it likes', {}, (mmu) => void mmu.call(zapOrphans))],
  beforeLink: [],
  beforeLeaf: [],
  afterLeaf: [],
});

const makePagesAvailable = makePagesAvailableOf<VtlbMmu>(['shadow.vtlb'], [
  line('zap_orphans(): what it led to', {}, (mmu) => void mmu.call(zapOrphans)),
]);

const S = { gfn: 0, pages: 1, sp: 2 } as const;

const flushShadowMemslot: ListingProcedure<VtlbMmu> = {
  name: 'kvm_arch_flush_shadow_memslot',
  purpose: 'A memory slot is about to go, and guest tables may be in it: which translations came from them nobody knows, so all go.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }, { name: 'sp', kind: 'number' }],
  parameters: 2,
  body: [
    line('sp = none', {}, (_, f) => f.set(S.sp, 0, 0)),
    repeat('sp = next table of the last level, whichever vCPU\'s', (mmu, f) => nextTable(mmu, f), [
      line('zap its SPTEs', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] }, (mmu, f) => mmu.sptes.zapEntries(f.lo(S.sp), mmu.actor)),
    ]),
    line('kvm_flush_remote_tlbs(), INVVPID on every vCPU', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushRemoteTlbs()),
  ],
};

const emulateAccess = emulateAccessOf<VtlbMmu>([]);
const walkOperand = walkOperandPage<VtlbMmu>(vmcsControl, { beforeFault: (fault) => (fault === '#PF' ? [forgetFaulting] : []) });

const procedures = { handlePageFault, fetch, getShadowPage, loadRoot, handleInvlpg, handleInvpcid };

function flavour(vm: VirtualMachine, parts: { sptes?: VtlbSptes }): ShadowFlavour {
  return {
    name: 'shadow-vtlb',
    mostRoots: 1,
    procedures,
    listing: [
      handleExit, handlePageFault, makePagesAvailable, fetch, getShadowPage, zapOrphans, emulateAccess, walkOperand, handleCrAccess, loadRoot, loadPdptrs,
      handleInvlpg, vtlbFlush, handleInvpcid,
      ...instructionHandlers, unmapGfnRange, handleMmioPageFault, flushShadowMemslot, enableLogDirty,
    ] as readonly ListingProcedure<never>[],
    makeSptes: (pages, ...rest) => (parts.sptes = new VtlbSptes(new VtlbTables(vm.registry, pages.limit), pages, ...rest)),
    makeMmu: (...mmu) => new VtlbMmu(theSptes(parts), ...mmu),
  };
}

/**
 * The virtual TLB, as NOVA has it: tables that nothing keeps in step with the guest's. They are filled on faults, and emptied
 * when the guest flushes its TLB; each vCPU has its own, as each processor has its TLB.
 */
export class ShadowVtlb extends ShadowWp {
  readonly tables: VtlbTables;

  constructor(vm: VirtualMachine, { shadowPages }: { readonly shadowPages: number }) {
    const parts: { sptes?: VtlbSptes } = {};
    super(vm, { shadowPages, update: 'zap' }, flavour(vm, parts));
    this.tables = theSptes(parts).tables;
  }

  /** Where the range of the virtual TLB's table that is shadow page `page` begins: linear address, low and high half. */
  override coveredBy(page: number): { readonly lo: number; readonly hi: number } {
    return { lo: this.tables.gvaLo(page), hi: this.tables.gvaHi(page) };
  }

  override roots(cpu: number): readonly TableRoot[] {
    const { rootPage, paeRoot } = this.vm.vcpus.of(cpu);
    const isPae = levelOf(this.pages.roleOf(rootPage)) === 2;
    const whose = this.vm.processors.length > 1 ? ` of CPU ${this.vm.processors.findIndex((processor) => processor.cpu === cpu)}` : '';
    return [{ space: 'shadow', frame: isPae ? paeRoot : this.pages.frameOf(rootPage), label: `virtual TLB${whose} (CR3)` }];
  }
}

function theSptes({ sptes }: { readonly sptes?: VtlbSptes }): VtlbSptes {
  if (sptes === undefined) throw new Error('invariant: a vCPU before its shadow entries');
  return sptes;
}

function childOf(mmu: VtlbMmu, f: ListingFrame): void {
  const level = f.lo(FETCH.level);
  const bits = 12 + 9 * (level - 1);
  const lo = bits >= 32 ? 0 : f.lo(FETCH.gva) & (-1 << bits);
  const hi = bits > 32 ? f.hi(FETCH.gva) & (-1 << (bits - 32)) : f.hi(FETCH.gva);
  f.set(FETCH.table, lo, hi);
  f.set(FETCH.role, mmu.roleAt(level - 1, isInsideLeaf(mmu, level) ? 'fragments' : 'pages'), 0);
}

function nextTable({ pages }: VtlbMmu, f: ListingFrame): boolean {
  for (let page = f.lo(S.sp) + 1; page < pages.end; page++) {
    if (!pages.isInUse(page) || levelOf(pages.roleOf(page)) !== 1) continue;
    f.set(S.sp, page, 0);
    return true;
  }
  return false;
}
