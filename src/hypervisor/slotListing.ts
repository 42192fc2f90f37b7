import { SLOT_CHANGE } from '../hardware/events/slotEventNames';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from './listing';
import { mmioGeneration } from './mmioEntry';
import type { SlotKeeper } from './slotKeeper';

const S = { change: 0, slot: 1, gfn: 2, pages: 3, old_gfn: 4, hva_page: 5 } as const;

/** A slot comes, moves or goes; `change`: a `SLOT_CHANGE`; `slot`: its place, -1 of one that comes. */
export const setMemslot: ListingProcedure<SlotKeeper> = {
  name: 'kvm_set_memslot',
  purpose: 'A memory slot is created (change 0), moved (1) or deleted (2). What was concluded from the old slots must go first.',
  values: [
    { name: 'change', kind: 'number' }, { name: 'slot', kind: 'number' }, { name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' },
    { name: 'old_gfn', kind: 'number' }, { name: 'hva_page', kind: 'number' },
  ],
  parameters: 4,
  body: [
    when('the slot was there before', (_, f) => f.lo(S.change) !== SLOT_CHANGE.created, [
      line({ layered: 'old_gfn = where it was; hva_page = where it lies in the VMM process', direct: 'old_gfn = where it was' }, {}, (keeper, f) => remember(keeper, f)),
      line('kvm_arch_flush_shadow_memslot(its frames): nothing maps them, nothing is made of tables in them', {}, (keeper, f) => {
        keeper.listener?.flushShadowMemslot(f.lo(S.old_gfn), f.lo(S.pages), keeper.actor);
      }),
    ]),
    when('it is created', (_, f) => f.lo(S.change) === SLOT_CHANGE.created, [
      line({
        layered: 'slot = a place in the table: gfn, pages, and a fresh range of the VMM process',
        direct: 'slot = a place in the table: gfn, pages, and as many host frames in a row, zeroed',
      }, { writes: ['vm.memslots', 'vm.memslots_used'] }, (keeper, f) => {
        f.set(S.slot, keeper.slots.add({ id: keeper.newId, baseGfn: f.lo(S.gfn), pages: f.lo(S.pages), place: keeper.newPlace, kind: 'ram' }), 0);
      }),
    ]),
    when('it is moved', (_, f) => f.lo(S.change) === SLOT_CHANGE.moved, [
      line('kvm_arch_sync_dirty_log(): what processors have logged tells of its old frames', {}, (keeper) => keeper.listener?.syncDirtyLog(keeper.actor)),
      line({
        layered: 'its frames begin at gfn; its pages stay where they are in the VMM process, and what is logged of them goes with them',
        direct: 'its frames begin at gfn; its host frames stay the same, and what is logged of them goes with them',
      }, { writes: ['vm.memslots', 'vm.dirty_bitmap'] }, (keeper, f) => {
          keeper.slots.move(f.lo(S.slot), f.lo(S.gfn));
          keeper.dirty.move(f.lo(S.old_gfn), f.lo(S.gfn), f.lo(S.pages));
        }),
    ]),
    line('kvm_arch_memslots_updated(slot, change)', {}, (keeper, f) => void keeper.call(memslotsUpdated, f.lo(S.slot), 0, f.lo(S.change), 0)),
    when('it is deleted', (_, f) => f.lo(S.change) === SLOT_CHANGE.deleted, [
      line('its place in the table is free, its dirty bitmap gone', { writes: ['vm.memslots', 'vm.memslots_used', 'vm.dirty_bitmap'] }, (keeper, f) => {
        keeper.dirty.clearRange(f.lo(S.old_gfn), f.lo(S.old_gfn) + f.lo(S.pages));
        keeper.slots.remove(f.lo(S.slot));
      }),
      line({
        layered: 'the VMM process unmaps its pages: the host frees their frames',
        direct: 'its host frames are free: kvm_free_physmem_slot()',
      }, { writes: ['host.frames', 'host.frame_list'] }, (keeper, f) => keeper.backing.release(keeper.goingPlace, f.lo(S.pages), keeper.actor)),
      line('kvm_update_cpu_dirty_logging()', { writes: ['vmcs'] }, (keeper) => keeper.listener?.updateCpuDirtyLogging()),
    ]),
  ],
};

const U = { slot: 0, change: 1, generation: 2 } as const;

export const memslotsUpdated: ListingProcedure<SlotKeeper> = {
  name: 'kvm_arch_memslots_updated',
  purpose: 'The set of slots is another one: MMIO entries of earlier generations are stale, and are told by their number.',
  values: [{ name: 'slot', kind: 'number' }, { name: 'change', kind: 'number' }, { name: 'generation', kind: 'number' }],
  parameters: 2,
  body: [
    line('generation = generation + 1', { writes: ['vm.memslots_used'] }, (keeper, f) => {
      keeper.slots.advanceGeneration();
      f.set(U.generation, keeper.slots.generation, 0);
      keeper.report(f.lo(U.change), f.lo(U.slot));
    }),
    when('of its 18 bits that an MMIO entry has room for, all are 0: it has come round', (keeper) => mmioGeneration(keeper.slots.generation) === 0, [
      line('kvm_mmu_invalidate_mmio_sptes(): entries of the first generation must not pass for new ones', { writes: ['memory'] }, (keeper) => {
        keeper.listener?.invalidateMmioEntries(keeper.actor);
      }),
    ]),
  ],
};

const L = { slot: 0, on: 1, gfn: 2, pages: 3 } as const;

export const setMemslotFlags: ListingProcedure<SlotKeeper> = {
  name: 'kvm_mmu_slot_apply_flags',
  purpose: 'Logging of the slot\'s dirty pages begins (on = 1) or ends.',
  values: [{ name: 'slot', kind: 'number' }, { name: 'on', kind: 'number' }, { name: 'gfn', kind: 'number' }, { name: 'pages', kind: 'number' }],
  parameters: 2,
  body: [
    line('kvm_arch_sync_dirty_log(): what processors have logged was written before this', {}, (keeper) => keeper.listener?.syncDirtyLog(keeper.actor)),
    line('gfn, pages = those of the slot; its flag LOG_DIRTY_PAGES = on, its dirty bitmap empty', { writes: ['vm.memslots', 'vm.memslots_used', 'vm.dirty_bitmap'] }, (keeper, f) => {
      const slot = f.lo(L.slot);
      f.set(L.gfn, keeper.slots.baseGfn(slot), 0);
      f.set(L.pages, keeper.slots.pages(slot), 0);
      keeper.slots.setLogging(slot, f.lo(L.on) === 0 ? 'off' : 'on');
      keeper.dirty.clearRange(f.lo(L.gfn), f.lo(L.gfn) + f.lo(L.pages));
    }),
    line('kvm_arch_memslots_updated(slot, on or off): a slot with another flag is another slot', {}, (keeper, f) => {
      void keeper.call(memslotsUpdated, f.lo(L.slot), 0, f.lo(L.on) === 0 ? SLOT_CHANGE.loggingOff : SLOT_CHANGE.loggingOn, 0);
    }),
    line('kvm_update_cpu_dirty_logging(): processors log while a slot is logged, if they are to do it', { writes: ['vmcs'] }, (keeper) => {
      keeper.listener?.updateCpuDirtyLogging();
    }),
    when('logging begins', (_, f) => f.lo(L.on) !== 0, [
      line('kvm_arch_mmu_enable_log_dirty_pt_masked(gfn, pages): the first write to each page is noticed', {}, (keeper, f) => {
        keeper.listener?.enableLogDirty(f.lo(L.gfn), f.lo(L.pages), keeper.actor);
      }),
      line('kvm_flush_remote_tlbs(): a TLB may still let writes pass', { writes: ['tlb', 'counters'] }, (keeper) => keeper.listener?.flushTlbs(keeper.actor)),
    ]),
  ],
};

const D = { slot: 0, gfn: 1, dirty: 2 } as const;

/** Gives how many pages are dirty; which ones is left in the keeper. */
export const getDirtyLog: ListingProcedure<SlotKeeper> = {
  name: 'kvm_vm_ioctl_get_dirty_log',
  purpose: 'The VMM process asks which pages of a slot were written since it asked last; from now on, writes to them are noticed again.',
  values: [{ name: 'slot', kind: 'number' }, { name: 'gfn', kind: 'number' }, { name: 'dirty', kind: 'number' }],
  parameters: 1,
  body: [
    line('kvm_arch_sync_dirty_log(): what processors have logged is marked', {}, (keeper, f) => {
      keeper.listener?.syncDirtyLog(keeper.actor);
      f.set(D.gfn, keeper.slots.baseGfn(f.lo(D.slot)) - 1, 0);
      f.set(D.dirty, 0, 0);
    }),
    repeat('gfn = next dirty page of the slot', (keeper, f) => nextDirty(keeper, f), [
      line('note gfn for the VMM process, clear its bit', { writes: ['vm.dirty_bitmap'] }, (keeper, f) => {
        keeper.found.push(f.lo(D.gfn));
        keeper.dirty.clear(f.lo(D.gfn));
        f.set(D.dirty, f.lo(D.dirty) + 1, 0);
      }),
      line('kvm_arch_mmu_enable_log_dirty_pt_masked(gfn)', {}, (keeper, f) => keeper.listener?.enableLogDirty(f.lo(D.gfn), 1, keeper.actor)),
    ]),
    when('a page was dirty', (_, f) => f.lo(D.dirty) > 0, [
      line('kvm_flush_remote_tlbs(): a TLB may still let writes pass', { writes: ['tlb', 'counters'] }, (keeper) => keeper.listener?.flushTlbs(keeper.actor)),
    ]),
    give('how many', (_, f) => f.lo(D.dirty)),
  ],
};

function nextDirty({ slots, dirty }: SlotKeeper, f: ListingFrame): boolean {
  const slot = f.lo(D.slot);
  const gfn = dirty.next(f.lo(D.gfn) + 1, slots.baseGfn(slot) + slots.pages(slot));
  f.set(D.gfn, gfn, gfn >> 31);
  return gfn >= 0;
}

function remember(keeper: SlotKeeper, f: ListingFrame): void {
  const { slots } = keeper;
  const slot = f.lo(S.slot);
  const gfn = slots.baseGfn(slot);
  f.set(S.old_gfn, gfn, 0);
  keeper.goingPlace = slots.placeOf(slot);
  if (slots.isDirect(slot)) return;
  const page = slots.hvaPage(slot, gfn);
  f.set(S.hva_page, page | 0, Math.floor(page / 4294967296));
}
