import { ALL_RIGHTS, PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { rightsOfEntry } from '../../hardware/paging/entryRights';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { indexAt } from '../host/hostProcess';
import { give, line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { hasSmepOverUser, writesReadOnly } from './leafRights';
import { directRoleOf, roleOf } from './role';
import type { ShadowMmu } from './shadowMmu';

/** Numbers of its values, for lines that a way of keeping the shadow in step adds. */
export const FETCH = { gva: 0, error_code: 1, gfn: 2, hpa: 3, level: 4, sp: 5, table: 6, role: 7, child: 8, rights: 9 } as const;
const V = FETCH;

/** Bits of a linear address's high half that choose entries: up to bit 56, with five levels. */
const INDEX_BITS_HI = 0x1ffffff;

/** What decides which shadow page `fetch` wants one level further down. */
export interface ChildVariation<V extends ShadowMmu> {
  /** What it is known by beside its role. */
  readonly table: ListingProcedure<V>['values'][number];
  /** The line that sets `FETCH.table` and `FETCH.role`. */
  readonly text: string;
  readonly find: (mmu: V, f: ListingFrame) => void;
  /** The condition under which `FETCH.child`, which may be none (0), is not that page. */
  readonly unwanted: string;
  readonly isWanted: (mmu: V, f: ListingFrame) => boolean;
}

/** What `fetch` does where ways of keeping the shadow in step differ. */
export interface FetchVariation<V extends ShadowMmu> {
  /** May a leaf map 2 MBytes? Left out: none does. */
  readonly largePages?: 'on';
  readonly child: ChildVariation<V>;
  /** With each shadow page on the way. */
  readonly atPage: readonly ListingNode<V>[];
  /** With an SPTE that led elsewhere and is gone. */
  readonly afterZap: readonly ListingNode<V>[];
  /** With a child that is about to be linked. */
  readonly beforeLink: readonly ListingNode<V>[];
  /** Before the leaf is made: whether it may have W. */
  readonly beforeLeaf: readonly ListingNode<V>[];
  readonly afterLeaf: readonly ListingNode<V>[];
}

/** Gives 1, or 0 when host memory is used up. The guest walk that allowed the access is the last one made. */
export const fetchOf = <M extends ShadowMmu>(variation: FetchVariation<M>): ListingProcedure<M> => ({
  name: 'fetch',
  purpose: 'Fills the shadow tables for gva, from the root down to the leaf.',
  values: [
    { name: 'gva', kind: 'gva' }, { name: 'error_code', kind: 'number' }, { name: 'gfn', kind: 'number' },
    { name: 'hpa', kind: 'hpa' }, { name: 'level', kind: 'number' }, { name: 'sp', kind: 'number' },
    variation.child.table, { name: 'role', kind: 'number' }, { name: 'child', kind: 'number' },
    { name: 'rights', kind: 'number' },
  ],
  parameters: 4,
  body: [
    line('rights = those that every guest entry gives', {}, (mmu, f) => f.set(V.rights, mmu.guest.result.rights, 0)),
    when('the supervisor writes a read-only page while CR0.WP is 0', (mmu, f) => writesReadOnly(mmu, f.lo(V.error_code)), [
      line('rights = W without U: the user faults, and gets the page back without W', {}, (_, f) => {
        f.set(V.rights, (f.lo(V.rights) | PAGE_RIGHTS.writable) & ~PAGE_RIGHTS.user, 0);
      }),
      when('CR4.SMEP is 1, and this was a user page', (mmu) => hasSmepOverUser(mmu), [
        line('rights = no X: the supervisor must not fetch from it', {}, (_, f) => {
          f.set(V.rights, f.lo(V.rights) & ~PAGE_RIGHTS.executable, 0);
        }),
      ]),
    ]),
    when('the guest\'s leaf is not dirty', (mmu) => mmu.guest.result.dirty === 0, [
      line('rights = no W: the first write must be seen, to set D', {}, (_, f) => withholdWrite(f)),
    ]),
    line('sp = root shadow page for gva, level = its level', {}, (mmu, f) => {
      const { page, level } = mmu.rootFor(f.lo(V.gva));
      f.set(V.sp, page, 0);
      f.set(V.level, level, 0);
    }),
    wayDown(variation.largePages, [
      ...variation.atPage,
      line(variation.child.text, {}, variation.child.find),
      line('child = what the SPTE of sp leads to', {}, (mmu, f) => {
        f.set(V.child, mmu.sptes.childOf(f.lo(V.sp), indexOf(f)), 0);
      }),
      when(variation.child.unwanted, (mmu, f) => !variation.child.isWanted(mmu, f), [
        line('zap the SPTE', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages'] }, (mmu, f) => {
          if (mmu.sptes.zap(f.lo(V.sp), indexOf(f), mmu.cpu)) mmu.mustFlush = 1;
        }),
        ...variation.afterZap,
        line(`child = get_shadow_page(${variation.child.table.name}, role)`, {}, (mmu, f) => {
          f.set(V.child, mmu.call(mmu.procedures.getShadowPage, f.lo(V.table), f.hi(V.table), f.lo(V.role), 0), 0);
        }),
        when('host memory is used up', (_, f) => f.lo(V.child) === 0, [give('nothing', 0)]),
        ...variation.beforeLink,
        line('SPTE of sp = child, every right given: rights are the leaf\'s to withhold',
          { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages'] },
          (mmu, f) => mmu.sptes.link(f.lo(V.sp), indexOf(f), f.lo(V.child), mmu.cpu)),
      ]),
      line('sp = child, level = level - 1', {}, (_, f) => {
        f.set(V.sp, f.lo(V.child), 0);
        f.set(V.level, f.lo(V.level) - 1, 0);
      }),
    ]),
    ...(variation.largePages === undefined ? [] : [joinSmall<M>()]),
    ...variation.beforeLeaf,
    when('gfn is MMIO', (_, f) => f.hi(V.hpa) < 0, [
      line('SPTE of sp = MMIO, which faults at once from now on: reserved bit 51, W and U of rights, gfn, generation of the slots',
        { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap'] }, (mmu, f) => {
          mmu.sptes.setMmio(f.lo(V.sp), indexOf(f), f.lo(V.gfn), f.lo(V.rights), mmu.memory.slots.generation, mmu.cpu);
        }),
      give('done', 1),
    ]),
    when('W is withheld: from ROM, a page that the host maps without it (others have it too), one whose first write is to be logged', (mmu, f) => mmu.memory.withholdsWrite(f.lo(V.gfn)) === 1, [
      line('rights = no W: the write must be seen', {}, (_, f) => withholdWrite(f)),
    ]),
    line(`SPTE of sp = hpa with rights, A set, D with W${variation.largePages === undefined ? '' : ', PS at level 2'}; it joins the reverse map of gfn`,
      { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.translation'] },
      (mmu, f) => {
        const frame = f.frame(V.hpa);
        mmu.sptes.setLeaf(f.lo(V.sp), indexOf(f), frame, f.lo(V.gfn), f.lo(V.rights), mmu.leafMarks, mmu.cpu);
      }),
    ...variation.afterLeaf,
    give('done', 1),
  ],
});

/** From the root to the page of the leaf. */
function wayDown<M extends ShadowMmu>(largePages: 'on' | undefined, body: readonly ListingNode<M>[]): ListingNode<M> {
  if (largePages === undefined) return repeat('level > 1', (_, f) => f.lo(V.level) > 1, body);
  // Tables of the guest on the way are shadowed by then, and may be among the frames of the large page.
  return repeat('level > goal: 2 where guest and host both map 2 MBytes and no shadowed page table is among them (disallow_lpage), else 1', (mmu, f) => (
    f.lo(V.level) > 2 || f.lo(V.level) === 2 && !mayBeLarge(mmu, f.lo(V.gfn))
  ), body);
}

function mayBeLarge(mmu: ShadowMmu, gfn: number): boolean {
  return isInsideLeaf(mmu, 2) && mmu.memory.mappingLevel(gfn) === 2 && !mmu.disallowsLargePage(gfn);
}

/** KVM's drop_parent_pte. */
function joinSmall<M extends ShadowMmu>(): ListingNode<M> {
  return when('level is 2, and the SPTE leads to a page of small ones', (mmu, f) => f.lo(V.level) === 2 && mmu.sptes.childOf(f.lo(V.sp), indexOf(f)) !== 0, [
    line('zap it: a TLB may hold what is below', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages'] }, (mmu, f) => {
      mmu.sptes.zap(f.lo(V.sp), indexOf(f), mmu.cpu);
      mmu.mustFlush = 1;
    }),
  ]);
}

/** The shadow page of the guest table that the guest's entry leads to. */
export const childByGuestTable = <M extends ShadowMmu>(): ChildVariation<M> => ({
  table: { name: 'table_gfn', kind: 'number' },
  text: 'role = level - 1, rights of the guest entries so far (below a large page: rights, key); table_gfn = what the guest entry references',
  find: childOf,
  unwanted: 'child is not the shadow page of (table_gfn, role)',
  isWanted,
});

/** Every shadowed table is write-protected. */
const protectedVariation: FetchVariation<ShadowMmu> = {
  child: childByGuestTable(),
  atPage: [],
  afterZap: [],
  beforeLink: [],
  beforeLeaf: [
    when('gfn holds a shadowed page table', (mmu, f) => mmu.isShadowed(f.lo(V.gfn)), [
      line('rights = no W: writes to it must trap', {}, (_, f) => withholdWrite(f)),
    ]),
  ],
  afterLeaf: [],
};

/** For shadows that have leaves of 4 KBytes alone. */
export const fetch: ListingProcedure<ShadowMmu> = fetchOf<ShadowMmu>(protectedVariation);

/** For those that map large pages of guest and host as such. */
export const fetchLarge: ListingProcedure<ShadowMmu> = fetchOf<ShadowMmu>({ ...protectedVariation, largePages: 'on' });

/**
 * Role and guest frame of the shadow page one level down. Below a guest entry that maps a large page it is direct: its
 * leaves then say all that this entry does, and large pages of other rights, of another key or still clean have others.
 */
function childOf(mmu: ShadowMmu, f: ListingFrame): void {
  const { result, compiled } = mmu.guest;
  const level = f.lo(V.level);
  let access = ALL_RIGHTS;
  for (let above = result.top; above >= level && above > result.level; above--) {
    access &= rightsOfEntry(compiled, result.entryLo[above]!, result.entryHi[above]!) | compiled.impliedRights[above]!;
  }
  const isInside = isInsideLeaf(mmu, level);
  const span = 2 ** (9 * (level - 1));
  const gfn = isInside
    ? Math.floor(f.lo(V.gfn) / span) * span
    : frameInEntry(result.entryLo[level]!, result.entryHi[level]!);
  f.set(V.table, gfn, 0);
  f.set(V.role, isInside
    ? directRoleOf(mmu.mode, level - 1, f.lo(V.rights), result.key)
    : roleOf(mmu.mode, level - 1, access, f.lo(V.gva)), 0);
}

/** Is the page of the walk made last as large as an entry of `level` spans, or larger? A guest without paging has no entries at all. */
export function isInsideLeaf({ guest: { result, compiled } }: ShadowMmu, level: number): boolean {
  return compiled.levels === 0 || level <= result.level;
}

function isWanted(mmu: ShadowMmu, f: ListingFrame): boolean {
  const child = f.lo(V.child);
  return child !== 0 && mmu.pages.gfnOf(child) === f.lo(V.table) && mmu.pages.roleOf(child) === f.lo(V.role);
}

/** Index of gva's entry in sp. */
export function indexOf(f: ListingFrame): number {
  return indexAt(addressPage(f, V.gva), f.lo(V.level));
}

/** Number of the page of the linear address in value `value`, without the bits that choose no entry. */
export function addressPage(f: ListingFrame, value: number): number {
  return (f.hi(value) & INDEX_BITS_HI) * 0x100000 + (f.lo(value) >>> 12);
}

export function withholdWrite(f: ListingFrame): void {
  f.set(V.rights, f.lo(V.rights) & ~PAGE_RIGHTS.writable, 0);
}

