import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import type { NestedMmu } from './nestedMmu';
import { reportTrappedWrite } from './nestedReports';
import { trackWrite02 } from './trackWrite02';

const V = { l2_gpa: 0, gpa: 1, hpa: 2 } as const;

/** Gives a `RESUME`. */
export const emulateNestedAccess: ListingProcedure<NestedMmu> = {
  name: 'emulate_access',
  purpose: 'An access of L2 that no entry of EPT02 can let it make itself: done for L2, where L1\'s gpa lies.',
  values: [{ name: 'l2_gpa', kind: 'gpa' }, { name: 'gpa', kind: 'gpa' }, { name: 'hpa', kind: 'hpa' }],
  parameters: 2,
  body: [
    when('the operand goes on in another page, of which this exit does not tell', (mmu) => mmu.operand.crosses, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.nestedOperand), { writes: ['vcpu'] }),
    ]),
    line('the operand lies where no memory answers', {}, (mmu) => mmu.operand.set(mmu.vmcs(VMCS.guest_linear_address), -1, -1, 'writes')),
    when('a slot holds gpa', (mmu, f) => slotOf(mmu, f) >= 0, [
      line({ layered: 'hpa = get_user_pages(hva of gpa): the operand lies there', direct: 'hpa = the slot\'s frame of gpa: the operand lies there' }, {}, (mmu, f) => {
        const gfn = f.frame(V.gpa);
        const frame = mmu.memory.backFor(gfn, mmu.cpu);
        f.set(V.hpa, (frame << 12) | (f.lo(V.gpa) & 0xfff), frame >> 20);
        mmu.operand.set(mmu.vmcs(VMCS.guest_linear_address), gfn, frame, mmu.memory.slots.isReadOnly(slotOf(mmu, f)) ? 'reads' : 'writes');
      }),
      when({ layered: 'host memory is used up', direct: '' }, (_, f) => f.hi(V.hpa) < 0, [
        give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
      ]),
    ]),
    when('it writes a shadowed table of EPT12', (mmu, f) => writesTable(mmu, f), [
      line('trapped write to the page table at gpa', { writes: ['counters'] }, (mmu, f) => reportTrappedWrite(mmu, {
        gpaLo: f.lo(V.gpa), gpaHi: f.hi(V.gpa), gvaLo: mmu.vmcs(VMCS.guest_linear_address), gvaHi: mmu.vmcs(VMCS.guest_linear_address + 1),
      })),
    ]),
    line('perform the access: where nothing answers, a load gives ones; where nothing takes it, a store goes nowhere',
      { writes: ['memory', 'registers'] }, (mmu) => mmu.operand.perform()),
    when('dirty pages are logged', (mmu) => mmu.memory.slots.logging > 0, [
      line('mark_page_dirty(gpa >> 12)', { writes: ['vm.dirty_bitmap'] }, (mmu) => mmu.operand.markDirty(mmu.memory.dirty, mmu.cpu)),
    ]),
    when('it wrote a shadowed table of EPT12', (mmu, f) => writesTable(mmu, f), [
      line('kvm_mmu_track_write(gpa, bytes)', {}, (mmu, f) => {
        mmu.call(trackWrite02, f.lo(V.gpa), f.hi(V.gpa), mmu.processor.pending.size, 0);
      }),
    ]),
    give('to L2, behind the instruction', RESUME.completed),
  ],
};

function slotOf(mmu: NestedMmu, f: ListingFrame): number {
  return mmu.memory.slots.find(f.frame(V.gpa));
}

function writesTable(mmu: NestedMmu, f: ListingFrame): boolean {
  return mmu.operand.isWritten && mmu.ept02.isShadowed(f.frame(V.gpa));
}

function stop(mmu: NestedMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}
