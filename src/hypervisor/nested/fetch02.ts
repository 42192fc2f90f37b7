import { frameInEntry } from '../../hardware/memory/frameNumber';
import { ALL_RIGHTS, EPT_RIGHTS } from '../../hardware/paging/accessRights';
import { EPT4 } from '../../hardware/paging/formats/ept4';
import { rightsOfEntry } from '../../hardware/paging/entryRights';
import { indexAt } from '../host/hostProcess';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { directRole02, role02 } from './ept02Role';
import { getShadowPage02 } from './getShadowPage02';
import type { NestedMmu } from './nestedMmu';

const V = { l2_gpa: 0, gfn: 1, hpa: 2, level: 3, sp: 4, index: 5, table_gfn: 6, role: 7, child: 8, rights: 9 } as const;
const LEVEL_BITS = 9;

/** Gives 1, or 0 when host memory is used up. The last walk of EPT12 was for this l2_gpa. */
export const fetch02: ListingProcedure<NestedMmu> = {
  name: 'fetch',
  purpose: 'Fills EPT02 for l2_gpa, which EPT12 maps to gfn: the shadow pages on the way, then the leaf.',
  values: [
    { name: 'l2_gpa', kind: 'gpa' }, { name: 'gfn', kind: 'number' }, { name: 'hpa', kind: 'hpa' }, { name: 'level', kind: 'number' },
    { name: 'sp', kind: 'number' }, { name: 'index', kind: 'number' }, { name: 'table_gfn', kind: 'number' },
    { name: 'role', kind: 'number' }, { name: 'child', kind: 'number' }, { name: 'rights', kind: 'number' },
  ],
  parameters: 3,
  body: [
    line('rights = those of all entries of EPT12 that were used', {}, (mmu, f) => f.set(V.rights, mmu.lastWalk.rights & ALL_RIGHTS, 0)),
    when('EPT12 has dirty flags, and that of the page is clear', (mmu) => mmu.lastWalk.dirty === 0, [
      line('rights without W: the first write must set the flag', {}, (_, f) => withholdWrite(f)),
    ]),
    line('sp = root, level = 4', {}, (mmu, f) => {
      f.set(V.sp, mmu.state.rootPage, 0);
      f.set(V.level, EPT4.levels, 0);
    }),
    repeat('level > 1', (_, f) => f.lo(V.level) > 1, [
      line('index, table_gfn, role = of the table one level down', {}, childOf),
      line('child = what the entry leads to', {}, (mmu, f) => f.set(V.child, mmu.ept02.childOf(f.lo(V.sp), f.lo(V.index)), 0)),
      when('it is not the shadow page of table_gfn and role', (mmu, f) => !isWanted(mmu, f), [
        when('it is another', (_, f) => f.lo(V.child) !== 0, [
          line('zap the entry', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages', 'shadow.rmap'] }, (mmu, f) => {
            mmu.ept02.zap(f.lo(V.sp), f.lo(V.index), mmu.cpu);
            mmu.mustFlush = 1;
          }),
        ]),
        line('child = get_shadow_page(table_gfn, role)', {}, (mmu, f) => {
          f.set(V.child, mmu.call(getShadowPage02, f.lo(V.table_gfn), 0, f.lo(V.role), 0), 0);
        }),
        when('host memory is used up', (_, f) => f.lo(V.child) === 0, [give('nothing', 0)]),
        line('entry = child, with R, W and X', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.pages'] }, (mmu, f) => {
          mmu.ept02.link(f.lo(V.sp), f.lo(V.index), f.lo(V.child), mmu.cpu);
        }),
      ]),
      line('sp = child, level = level - 1', {}, (_, f) => {
        f.set(V.sp, f.lo(V.child), 0);
        f.set(V.level, f.lo(V.level) - 1, 0);
      }),
    ]),
    when('writes to gfn must be seen: EPT tables of L1 are shadowed there, or it is ROM, or others have the page too, or the first write is to be logged', (mmu, f) => (
      mmu.ept02.isShadowed(f.lo(V.gfn)) || mmu.withholdsWrite(f.lo(V.gfn))
    ), [
      line('rights without W', {}, (_, f) => withholdWrite(f)),
    ]),
    line('EPT PTE = hpa with rights, write-back', { writes: ['memory', 'shadow.links', 'shadow.links_free', 'shadow.rmap', 'shadow.translation'] }, (mmu, f) => {
      f.set(V.index, indexAt(f.frame(V.l2_gpa), 1), 0);
      mmu.ept02.setLeaf(f.lo(V.sp), f.lo(V.index), f.frame(V.hpa), f.lo(V.gfn), f.lo(V.rights), mmu.cpu);
    }),
    give('done', 1),
  ],
};

/**
 * Role and frame of the shadow page one level down. Below an entry of EPT12 that maps a large page it is direct: its leaves
 * then say all that this entry does.
 */
function childOf(mmu: NestedMmu, f: ListingFrame): void {
  const { result, compiled } = mmu.eptTables();
  const level = f.lo(V.level);
  f.set(V.index, indexAt(f.frame(V.l2_gpa), level), 0);
  if (level <= result.level) {
    const span = 2 ** (LEVEL_BITS * (level - 1));
    f.set(V.table_gfn, Math.floor(f.lo(V.gfn) / span) * span, 0);
    f.set(V.role, directRole02(level - 1, f.lo(V.rights), mmu.adDisabled), 0);
    return;
  }
  let access = ALL_RIGHTS;
  for (let above = result.top; above >= level; above--) access &= rightsOfEntry(compiled, result.entryLo[above]!, result.entryHi[above]!);
  f.set(V.table_gfn, frameInEntry(result.entryLo[level]!, result.entryHi[level]!), 0);
  f.set(V.role, role02(level - 1, access, mmu.adDisabled), 0);
}

function isWanted(mmu: NestedMmu, f: ListingFrame): boolean {
  const { pages } = mmu.ept02;
  const child = f.lo(V.child);
  return child !== 0 && pages.gfnOf(child) === f.lo(V.table_gfn) && pages.roleOf(child) === f.lo(V.role);
}

function withholdWrite(f: ListingFrame): void {
  f.set(V.rights, f.lo(V.rights) & ~EPT_RIGHTS.writable, 0);
}
