import { RESUME } from '../../hardware/processor/rootMode';
import { faultinPfn, lookUpSlot, SLOT_OF_GPA } from '../faultinPfn';
import { indexAt } from '../host/hostProcess';
import { give, line, repeat, when, type ListingNode, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import type { TdpFormat } from './tdpFormat';
import type { TdpMmu } from './tdpMmu';

const V = { gpa: 0, information: 1, slot: 2, hva: 3, hpa: 4, level: 5, table: 6, index: 7, mmu_seq: 8, goal: 9 } as const;

/** What sets the handler of one kind of tables apart from the other: how the exit tells of the access. */
export interface DirectPageFault<M> {
  readonly name: string;
  /** As the listing calls what the exit tells: an exit qualification, an error code. */
  readonly information: string;
  readonly writes: (informationLo: number) => boolean;
  /** The access was to what the guest's linear address translates to, and not to a table on the way. */
  readonly isFinal: (informationLo: number, informationHi: number) => boolean;
  readonly emulateAccess: ListingProcedure<never>;
  /** What comes first of all, by the procedure's parameters and value 4, hpa. */
  readonly first?: readonly ListingNode<M>[];
  /** What comes before the log of dirty pages, by the procedure's parameters: values 0, gpa, and 1, the information. */
  readonly beforeLog: readonly ListingNode<M>[];
}

/** Gives a `RESUME`. */
export const directPageFaultOf = <M extends TdpMmu>(tdp: TdpFormat, fault: DirectPageFault<M>): ListingProcedure<M> => ({
  name: fault.name,
  purpose: `The processor found no ${tdp.name} entry for gpa, or one without the right: the page is made, or it is MMIO.`,
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: fault.information, kind: 'number' }, { name: 'slot', kind: 'number' },
    { name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }, { name: 'level', kind: 'number' },
    { name: 'table', kind: 'hpa' }, { name: 'index', kind: 'number' }, { name: 'mmu_seq', kind: 'number' }, { name: 'goal', kind: 'number' },
  ],
  parameters: 2,
  body: [
    ...(fault.first ?? []),
    line(SLOT_OF_GPA, {}, (mmu, f) => void lookUpSlot(mmu, f, V)),
    when('no slot holds gpa, and a guest paging structure was read there', (_, f) => f.lo(V.slot) < 0 && !fault.isFinal(f.lo(V.information), f.hi(V.information)), [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.tableOutsideSlots), { writes: ['vcpu'] }),
    ]),
    when('no slot holds gpa: that is MMIO', (_, f) => f.lo(V.slot) < 0, [
      when(tdp.words.mmioRoom, (mmu, f) => mmu.canMarkMmio(f.frame(V.gpa)), [
        line(`${tdp.name} PTE = MMIO, which faults at once from now on: ${tdp.words.mmio}, gfn, generation of the slots`,
          { writes: ['memory', 'host.frames', 'host.frame_list'] }, (mmu, f) => mmu.leaves.markMmio(f.frame(V.gpa), mmu.cpu)),
      ]),
      give('emulate_access()', (mmu) => mmu.call(fault.emulateAccess)),
    ]),
    when('the slot is read-only, and the access writes', (mmu, f) => fault.writes(f.lo(V.information)) && mmu.memory.slots.isReadOnly(f.lo(V.slot)), [
      give('emulate_access()', (mmu) => mmu.call(fault.emulateAccess)),
    ]),
    ...fault.beforeLog,
    when('the access writes a page of a slot whose dirty pages are logged by faults', (mmu, f) => fault.writes(f.lo(V.information)) && mmu.memory.dirty.isLoggedByFault(f.frame(V.gpa)), [
      line('mark_page_dirty(gpa >> 12)', { writes: ['vm.dirty_bitmap'] }, (mmu, f) => mmu.memory.dirty.mark(f.frame(V.gpa), mmu.cpu)),
      when('the page is mapped, and lacks only the W that logging has withheld', (mmu, f) => mmu.leaves.awaitsWrite(f.frame(V.gpa)), [
        line(`fast_page_fault: ${tdp.name} PTE = with W again; the host is not asked`, { writes: ['memory'] }, (mmu) => mmu.leaves.giveWrite(mmu.cpu)),
        give(`to the guest: the access runs again. A right was added: no ${tdp.words.flushName}`, RESUME.retry),
      ]),
    ]),
    ...faultinPfn<M>(V, { writes: (f) => fault.writes(f.lo(V.information)), guest: 'the guest', stop }),
    line('goal = 2 where the host maps 2 MBytes, aligned like gpa and within the slot, and no frame is tracked; else 1', {}, (mmu, f) => {
      f.set(V.goal, mmu.tracking === undefined ? mmu.memory.mappingLevel(f.frame(V.gpa)) : 1, 0);
    }),
    line(`table = ${tdp.name} root, level = ${tdp.format.levels}`, {}, (mmu, f) => {
      f.setFrame(V.table, mmu.rootFrame);
      f.set(V.level, mmu.levels, 0);
    }),
    repeat('level > goal', (_, f) => f.lo(V.level) > f.lo(V.goal), [
      line('index = the bits of gpa for this level', {}, (_, f) => f.set(V.index, indexAt(f.frame(V.gpa), f.lo(V.level)), 0)),
      when('the entry maps a large page, of which this one is to be mapped on its own by now', (mmu, f) => mmu.isLargeLeaf(f.frame(V.table), f.lo(V.index), f.lo(V.level)), [
        line(`zap it; kvm_flush_remote_tlbs(), ${tdp.words.flush}`, { writes: ['memory', 'tlb', 'counters'] }, (mmu, f) => {
          mmu.zap(f.frame(V.table), f.lo(V.index), f.lo(V.level));
          mmu.flushRemoteTlbs();
        }),
      ]),
      when('the entry is not present', (mmu, f) => !mmu.isPresent(f.frame(V.table), f.lo(V.index)), [
        line(`entry = a new, empty ${tdp.name} table with ${tdp.words.tableRights}`, { writes: ['memory', 'host.frames', 'host.frame_list', 'vcpu'] }, (mmu, f) => {
          if (!mmu.addTable(f.frame(V.table), f.lo(V.index), f.lo(V.level))) mmu.vcpu.stop = STOP_REASON.hostMemory;
        }),
        when('host memory is used up', (mmu) => mmu.vcpu.stop !== 0, [give('stop the VM', RESUME.stopped)]),
      ]),
      line('table = what the entry references, level = level - 1', {}, (mmu, f) => {
        f.setFrame(V.table, mmu.tableAt(f.frame(V.table), f.lo(V.index)));
        f.set(V.level, f.lo(V.level) - 1, 0);
      }),
    ]),
    line('index = the bits of gpa for level goal', {}, (_, f) => f.set(V.index, indexAt(f.frame(V.gpa), f.lo(V.goal)), 0)),
    when('the entry allows the access already: another vCPU has made it meanwhile', (mmu, f) => mmu.allows(f.frame(V.table), f.lo(V.index), f.lo(V.goal), fault.writes(f.lo(V.information)) ? 1 : 0), [
      give(`to the guest: the access runs again. The ${tdp.words.refusal} was spurious`, RESUME.retry),
    ]),
    when('goal is 2, and the entry references a table of small pages, which the host has made one', (mmu, f) => mmu.referencesTable(f.frame(V.table), f.lo(V.index), f.lo(V.goal)), [
      line(`free that table; kvm_flush_remote_tlbs(), ${tdp.words.flush}`, { writes: ['memory', 'host.frames', 'host.frame_list', 'tlb', 'counters'] }, (mmu, f) => {
        mmu.dropTable(f.frame(V.table), f.lo(V.index), f.lo(V.goal));
        mmu.flushRemoteTlbs();
      }),
    ]),
    line(`the entry = ${tdp.words.leaf}`, { writes: ['memory'] }, (mmu, f) => {
      mmu.setPage(f.frame(V.table), f.lo(V.index), f.lo(V.goal), f.frame(V.hpa), f.frame(V.gpa));
    }),
    give(`to the guest: the access runs again. Nothing was cached from an entry that was not there: no ${tdp.words.flushName}`, RESUME.retry),
  ],
});

function stop(mmu: TdpMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
