import { OPERATION } from '../../hardware/paging/accessKinds';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { EPT_QUALIFICATION } from '../../hardware/vmx/exitQualification';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { indexAt } from '../host/hostProcess';
import { give, line, repeat, when, type ListingFrame, type ListingProcedure } from '../listing';
import { pageHi, pageLo } from '../memslots';
import { STOP_REASON } from '../vcpuState';
import { PAGE_KNOWN, walkOtherPage } from '../walkOtherPage';
import type { EptMmu } from './eptMmu';

/** The one `walk_other_page` of this listing. */
export const walkOther = walkOtherPage<EptMmu>();

const V = { gpa: 0, qualification: 1, slot: 2, hva: 3, hpa: 4, level: 5, table: 6, index: 7 } as const;

/** Gives a `RESUME`. */
export const handleEptViolation: ListingProcedure<EptMmu> = {
  name: 'handle_ept_violation',
  purpose: 'The processor found no EPT entry for gpa, or one without the right: the page is made, or it is MMIO.',
  values: [
    { name: 'gpa', kind: 'gpa' }, { name: 'qualification', kind: 'number' }, { name: 'slot', kind: 'number' },
    { name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }, { name: 'level', kind: 'number' },
    { name: 'table', kind: 'hpa' }, { name: 'index', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('slot = memslot that holds gpa; hva = its address in the VMM process', {}, (mmu, f) => {
      const slot = mmu.memory.slots.lookup(f.frame(V.gpa), mmu.cpu);
      f.set(V.slot, slot, slot >> 31);
      if (slot < 0) return;
      const page = mmu.memory.slots.hvaPage(slot, f.frame(V.gpa));
      f.set(V.hva, pageLo(page) | (f.lo(V.gpa) & 0xfff), pageHi(page));
    }),
    when('no slot holds gpa, and a guest paging structure was read there', (_, f) => f.lo(V.slot) < 0 && !isFinal(f), [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.tableOutsideSlots), { writes: ['vcpu'] }),
    ]),
    when('no slot holds gpa: that is MMIO', (_, f) => f.lo(V.slot) < 0, [
      when('the operand goes on in another page', (mmu) => mmu.operand.crosses, [
        when('walk_other_page(its gva, access) does not come back with it', (mmu) => !findsOther(mmu), [
          give('what it came to', (mmu) => mmu.cameTo),
        ]),
      ]),
      line('no device answers: a load gives ones, a store goes nowhere', { writes: ['memory'] }, (mmu) => performWithoutDevice(mmu)),
      give('behind the instruction', RESUME.completed),
    ]),
    line('hpa = get_user_pages(hva)', {}, (mmu, f) => {
      const frame = mmu.memory.getUserPages((f.hi(V.hva) >>> 0) * 0x100000 + (f.lo(V.hva) >>> 12), f.frame(V.gpa), mmu.cpu);
      f.set(V.hpa, frame << 12, frame >> 20);
    }),
    when('host memory is used up', (_, f) => f.hi(V.hpa) < 0, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
    ]),
    line('table = EPT root, level = 4', {}, (mmu, f) => {
      f.setFrame(V.table, mmu.rootFrame);
      f.set(V.level, mmu.levels, 0);
    }),
    repeat('level > 1', (_, f) => f.lo(V.level) > 1, [
      line('index = the bits of gpa for this level', {}, (_, f) => f.set(V.index, indexAt(f.frame(V.gpa), f.lo(V.level)), 0)),
      when('the entry is not present', (mmu, f) => !mmu.isPresent(f.frame(V.table), f.lo(V.index)), [
        line('entry = a new, empty EPT table with R, W and X', { writes: ['memory', 'host.frames', 'host.frame_list', 'vcpu'] }, (mmu, f) => {
          if (!mmu.addTable(f.frame(V.table), f.lo(V.index), f.lo(V.level))) mmu.vcpu.stop = STOP_REASON.hostMemory;
        }),
        when('host memory is used up', (mmu) => mmu.vcpu.stop !== 0, [give('stop the VM', RESUME.stopped)]),
      ]),
      line('table = what the entry references, level = level - 1', {}, (mmu, f) => {
        f.setFrame(V.table, mmu.tableAt(f.frame(V.table), f.lo(V.index)));
        f.set(V.level, f.lo(V.level) - 1, 0);
      }),
    ]),
    line('EPT PTE = hpa with R, W and X, write-back', { writes: ['memory'] }, (mmu, f) => {
      f.set(V.index, indexAt(f.frame(V.gpa), 1), 0);
      mmu.setPage(f.frame(V.table), f.lo(V.index), f.frame(V.hpa));
    }),
    give('to the guest: the access runs again. Nothing was cached from an entry that was not there: no INVEPT', RESUME.retry),
  ],
};

/** Runs `walk_other_page`; false when there is nothing left to do but what it came to. */
function findsOther(mmu: EptMmu): boolean {
  const { processor, operand } = mmu;
  const { lo, hi } = operand.otherGva(mmu.vmcs(VMCS.guest_linear_address));
  const { operation } = processor.pending;
  const kind = operation === OPERATION.load ? 0 : operation === OPERATION.fetch ? PFEC.ID : PFEC.W;
  mmu.cameTo = mmu.call(walkOther, lo, hi, processor.level === 3 ? kind | PFEC.U : kind, 0);
  return mmu.cameTo === PAGE_KNOWN;
}

/** What of the operand lies in another page may be RAM all the same. */
function performWithoutDevice(mmu: EptMmu): void {
  const { operand, processor } = mmu;
  if (!operand.crosses) return processor.completeWithoutDevice();
  const gva = mmu.vmcs(VMCS.guest_linear_address);
  operand.setAbout(-1, gva);
  operand.perform(gva);
}

/** The access was to what the guest's linear address translates to, and not to a table on the way. */
function isFinal(f: ListingFrame): boolean {
  return (f.lo(V.qualification) & EPT_QUALIFICATION.translationResult) !== 0;
}

function stop(mmu: EptMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
