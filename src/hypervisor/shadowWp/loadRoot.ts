import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { PAE } from '../../hardware/paging/formats/pae';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { give, line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { makePagesAvailable } from './makePagesAvailable';
import { PAE_ROOT_LEVEL } from './guestMode';
import { directRoleOf, roleOf } from './role';
import { loadPdptrs as loadPdptrsOf } from '../loadPdptrs';
import type { ShadowMmu } from './shadowMmu';

/** GBytes below 4 GBytes, each of which has a PDPTE. */
export const PAE_ROOTS = 4;
const ROOTS = PAE_ROOTS;
/** Frames of a GByte. */
const GBYTE_SHIFT = 18;

const R = { gfn: 0, role: 1, root: 2 } as const;

/** What `load_root` does where ways of keeping the shadow in step differ. */
export interface LoadRootVariation<M extends ShadowMmu> {
  readonly first: readonly ListingNode<M>[];
  /** With the root in place, before the processor walks it. */
  readonly withRoot: readonly ListingNode<M>[];
}

/** Gives a `RESUME`. */
export const loadRootOf = <M extends ShadowMmu>(variation: LoadRootVariation<M>): ListingProcedure<M> => ({
  name: 'load_root',
  purpose: 'Makes the shadow of the table that guest CR3 names the one that the processor walks.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'root', kind: 'number' }],
  parameters: 0,
  body: [
    ...variation.first,
    when('the guest has no tables of 4 levels or 5', (mmu) => mmu.rootLevel === PAE_ROOT_LEVEL, [give('load_pae_roots()', (mmu) => mmu.call(loadPaeRoots))]),
    line('gfn = guest CR3 >> 12, role = its highest level with every right, and the mode bits of CR0, CR4 and EFER', {}, (mmu, f) => {
      f.set(R.gfn, mmu.cr3Frame, 0);
      f.set(R.role, roleOf(mmu.mode, mmu.rootLevel, ALL_RIGHTS, 0), 0);
    }),
    when('no memslot holds gfn', (mmu, f) => mmu.memory.slots.find(f.lo(R.gfn)) < 0, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.cr3OutsideSlots;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
    line('root = get_shadow_page(gfn, role)', {}, (mmu, f) => f.set(R.root, mmu.call(mmu.procedures.getShadowPage, f.lo(R.gfn), 0, f.lo(R.role), 0), 0)),
    when('host memory is used up', (_, f) => f.lo(R.root) === 0, [
      give('stop the VM', outOfMemory, { writes: ['vcpu'] }),
    ]),
    line('unpin the old root, pin root', { writes: ['shadow.pages', 'vcpu'] }, (mmu, f) => {
      mmu.pinRoot(0, f.lo(R.root));
      for (let other = 1; other < ROOTS; other++) mmu.pinRoot(other, 0);
    }),
    ...variation.withRoot,
    line('VMCS guest CR3 = the table of root', { writes: ['vmcs'] }, (mmu, f) => {
      const frame = mmu.pages.frameOf(f.lo(R.root));
      mmu.setVmcs(VMCS.guest_cr3, frame << 12, frame >>> 20);
    }),
    line('INVVPID: a load of CR3 drops what the TLB holds', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushForRoot()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
});

export const loadRoot = loadRootOf<ShadowMmu>({ first: [], withRoot: [] });

/** The same of `load_pae_roots`. */
export interface LoadPaeRootsVariation<M extends ShadowMmu> {
  /** What is done with each root that has been found, value 3. */
  readonly withRoot: readonly ListingNode<M>[];
  /** With all in place. */
  readonly withRoots: readonly ListingNode<M>[];
}

const P = { i: 0, gfn: 1, role: 2, root: 3 } as const;

/** Gives a `RESUME`. */
export const loadPaeRootsOf = <M extends ShadowMmu>(variation: LoadPaeRootsVariation<M>): ListingProcedure<M> => ({
  name: 'load_pae_roots',
  purpose: 'The guest\'s tables are of 32-bit or PAE paging, or it has none: the processor walks PAE tables, whose four PDPTEs each have a root.',
  values: [{ name: 'i', kind: 'number' }, { name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'root', kind: 'number' }],
  parameters: 0,
  body: [
    when('the guest\'s tables are of 32-bit paging, and no memslot holds guest CR3', (mmu) => mmu.paging === '32-bit' && mmu.memory.slots.find(mmu.cr3Frame) < 0, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.cr3OutsideSlots;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
    line('i = -1', {}, (_, f) => f.set(P.i, -1, -1)),
    repeat('i = next of the four GBytes', (_, f) => nextGByte(f), [
      line('root = none', {}, (_, f) => f.set(P.root, 0, 0)),
      when('paging is off, or there is a page directory for it', (mmu, f) => findRoot(mmu, f), [
        line('root = get_shadow_page(gfn, role), level 2: for a quadrant of what CR3 names, for what PDPTE i names, or direct for i << 18', {}, (mmu, f) => {
          f.set(P.root, mmu.call(mmu.procedures.getShadowPage, f.lo(P.gfn), 0, f.lo(P.role), 0), 0);
        }),
        when('host memory is used up', (_, f) => f.lo(P.root) === 0, [give('stop the VM', outOfMemory, { writes: ['vcpu'] })]),
      ]),
      ...variation.withRoot,
      line('unpin the old root of i, pin root', { writes: ['shadow.pages', 'vcpu'] }, (mmu, f) => mmu.pinRoot(f.lo(P.i), f.lo(P.root))),
      line('PDPTE i of pae_root = the table of root, or 0', { writes: ['memory'] }, (mmu, f) => mmu.setPaeRoot(f.lo(P.i), f.lo(P.root))),
    ]),
    ...variation.withRoots,
    line('VMCS guest CR3 = pae_root, whose PDPTEs the VM entry loads', { writes: ['vmcs'] }, (mmu) => mmu.setVmcs(VMCS.guest_cr3, mmu.vcpu.paeRoot << 12, 0)),
    line('INVVPID: a load of CR3 drops what the TLB holds', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushForRoot()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
});

export const loadPaeRoots = loadPaeRootsOf<ShadowMmu>({ withRoot: [], withRoots: [] });

export const loadPdptrs = loadPdptrsOf<ShadowMmu>();

function nextGByte(f: ListingFrame): boolean {
  if (f.lo(P.i) === ROOTS - 1) return false;
  f.set(P.i, f.lo(P.i) + 1, 0);
  return true;
}

function findRoot(mmu: ShadowMmu, f: ListingFrame): boolean {
  const found = paeRootFor(mmu, mmu.mode, f.lo(P.i));
  if (found === undefined) return false;
  f.set(P.gfn, found.gfn, 0);
  f.set(P.role, found.role, 0);
  return true;
}

/**
 * Guest frame and role of what GByte `i` is to have as root, under a mode part of roles; undefined: there is no page directory for it. A
 * PDPTE that leads outside all slots stops the VM when it is used.
 */
export function paeRootFor(mmu: ShadowMmu, mode: number, i: number): { readonly gfn: number; readonly role: number } | undefined {
  const level = PAE_ROOT_LEVEL - 1;
  if (mmu.paging === 'none') return { gfn: i << GBYTE_SHIFT, role: directRoleOf(mode, level, ALL_RIGHTS, 0) };
  const { pdptes } = mmu.vcpu;
  const isPae = mmu.paging === 'PAE';
  if (isPae && (pdptes[2 * i]! & PAE.presentMask) === 0) return undefined;
  const gfn = isPae ? frameInEntry(pdptes[2 * i]!, pdptes[2 * i + 1]!) : mmu.cr3Frame;
  return mmu.memory.slots.find(gfn) < 0 ? undefined : { gfn, role: roleOf(mode, level, ALL_RIGHTS, i << 30) };
}

function outOfMemory(mmu: ShadowMmu): number {
  mmu.vcpu.stop = STOP_REASON.hostMemory;
  return RESUME.stopped;
}
