import { KIND } from '../../hardware/events/eventTable';
import { ACCESS } from '../../hardware/paging/accessKinds';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, NO_LINEAR, WALK } from '../../hardware/paging/walkOutcome';
import { RESUME } from '../../hardware/processor/rootMode';
import { COUNTER } from '../../hardware/state/counters';
import { VMCS } from '../../hardware/vmx/vmcs';
import { EPT_QUALIFICATION as Q } from '../../hardware/vmx/exitQualification';
import { faultinPfn, lookUpSlot, SLOT_OF_GPA } from '../faultinPfn';
import { gpteChanged } from '../gpteChanged';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { emulateNestedAccess } from './emulateNestedAccess';
import { fetch02 } from './fetch02';
import { eptp02Hi, eptp02Lo, loadRoot02, makePagesAvailable02 } from './loadRoot02';
import type { NestedMmu } from './nestedMmu';
import { reportJudgement } from './nestedReports';
import { refusalsOf12 } from './refusalsOf12';
import { unprotectPage } from './trackWrite02';

const V = { l2_gpa: 0, qualification: 1, gpa: 2, slot: 3, hva: 4, hpa: 5, mmu_seq: 6 } as const;
/** Bits of the qualification that the access decides, whoever walks. */
const OF_THE_ACCESS = Q.linearAddressValid | Q.translationResult | Q.userAddress | Q.writablePage | Q.executeDisablePage | Q.nmiUnblocking;

/** Gives a `RESUME`. */
export const handleNestedEptViolation: ListingProcedure<NestedMmu> = {
  name: 'handle_ept_violation',
  purpose: 'EPT02 lacks what L2 asks for: L1\'s business if EPT12 lacks it too, else L0\'s, and L1 never knows.',
  values: [
    { name: 'l2_gpa', kind: 'gpa' }, { name: 'qualification', kind: 'number' }, { name: 'gpa', kind: 'gpa' }, { name: 'slot', kind: 'number' },
    { name: 'hva', kind: 'hva' }, { name: 'hpa', kind: 'hpa' }, { name: 'mmu_seq', kind: 'number' },
  ],
  parameters: 2,
  body: [
    line('guest = walk(EPTP of vmcs12, l2_gpa) for this access; it sets A and D of EPT12 if L1 has them on, and logs that if L1 has a page-modification log', { writes: ['memory', 'vm.dirty_bitmap'] }, (mmu, f) => {
      const space = mmu.eptTables();
      space.servedLevel = servedLevel(f);
      walk(space, f.lo(V.l2_gpa), f.hi(V.l2_gpa), accessOf(f.lo(V.qualification)), EFFECTS.hardware);
      f.set(V.gpa, space.result.gpaLo, space.result.gpaHi);
    }),
    when('a table of EPT12 lies outside every memslot', (mmu) => mmu.lastWalk.outcome === WALK.tableUnreachable, [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.tableOutsideSlots), { writes: ['vcpu'] }),
    ]),
    ...refusalsOf12({ result: (mmu) => mmu.lastWalk, qualification: (mmu, f) => (mmu.lastWalk.qualification & ~OF_THE_ACCESS) | (f.lo(V.qualification) & OF_THE_ACCESS) }),
    line(SLOT_OF_GPA, {}, (mmu, f) => void lookUpSlot(mmu, f, V)),
    when('no slot of L1 holds gpa, and a paging structure of L2 was read there', (_, f) => f.lo(V.slot) < 0 && !isFinal(f), [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.tableOutsideSlots), { writes: ['vcpu'] }),
    ]),
    when('the processor sets a flag in a paging structure of L2', (_, f) => isWrite(f) && !isFinal(f), [
      when('it lies in a read-only slot of L1: no entry can let it', (mmu, f) => mmu.memory.slots.isReadOnly(f.lo(V.slot)), [
        give('stop the VM', (mmu) => stop(mmu, STOP_REASON.nestedTable), { writes: ['vcpu'] }),
      ]),
      when('it is a shadowed table of EPT12 too, and no store that could be emulated', (mmu, f) => mmu.ept02.isShadowed(f.frame(V.gpa)), [
        line('kvm_mmu_unprotect_page(gpa >> 12): then nothing is tracked there', {}, (mmu, f) => void mmu.call(unprotectPage, f.frame(V.gpa), 0)),
      ]),
    ]),
    when('the root of EPT02 is obsolete', (mmu) => mmu.ept02.pages.isObsolete(mmu.state.rootPage), [
      when('load_root(EPTP of vmcs12) does not come back with a root', (mmu) => mmu.call(loadRoot02) === 0, [
        give('stop the VM', RESUME.stopped),
      ]),
      line('EPTP of vmcs02 = root', { writes: ['vmcs'] }, (mmu) => mmu.setVmcs(VMCS.eptp, eptp02Lo(mmu), eptp02Hi(mmu))),
    ]),
    when('no slot of L1 holds gpa, or L2 writes a read-only one or a shadowed table of EPT12', (mmu, f) => mustEmulate(mmu, f), [
      give('emulate_access()', (mmu) => mmu.call(emulateNestedAccess)),
    ]),
    when('EPT02 allows the access by now', (mmu, f) => allowsAlready(mmu, f), [
      line('spurious fault: another vCPU has filled EPT02 since', { writes: ['counters'] }, (mmu, f) => {
        reportJudgement(mmu, KIND.spurious_fault, COUNTER['faults.spurious'], f.lo(V.l2_gpa), f.hi(V.l2_gpa), f.lo(V.qualification));
      }),
      give('to L2: the access runs again', RESUME.retry),
    ]),
    line('hidden fault: L1 maps l2_gpa, EPT02 does not yet', { writes: ['counters'] }, (mmu, f) => {
      reportJudgement(mmu, KIND.hidden_fault, COUNTER['faults.hidden'], f.lo(V.l2_gpa), f.hi(V.l2_gpa), f.lo(V.qualification));
    }),
    ...faultinPfn<NestedMmu>(V, { writes: isWrite, guest: 'L2', stop }),
    gpteChanged<NestedMmu>({ tables: 'EPT12', guest: 'L2', walked: (mmu) => mmu.eptTables() }),
    when('it is a write, and writes to its slot are logged', (mmu, f) => isWrite(f) && mmu.memory.dirty.isLogged(f.frame(V.gpa)), [
      line('mark_page_dirty(gpa)', { writes: ['vm.dirty_bitmap'] }, (mmu, f) => mmu.memory.dirty.mark(f.frame(V.gpa), mmu.cpu)),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable02)),
    when('fetch(l2_gpa, gpa >> 12, hpa) finds no host memory', (mmu, f) => (
      mmu.call(fetch02, f.lo(V.l2_gpa), f.hi(V.l2_gpa), f.frame(V.gpa), 0, f.lo(V.hpa), f.hi(V.hpa)) === 0
    ), [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.hostMemory), { writes: ['vcpu'] }),
    ]),
    when('the processor sets a flag there, and the way to gpa has shadowed it again: EPT12 maps it by itself', (mmu, f) => (
      isWrite(f) && !isFinal(f) && mmu.ept02.isShadowed(f.frame(V.gpa))
    ), [
      give('stop the VM', (mmu) => stop(mmu, STOP_REASON.nestedTable), { writes: ['vcpu'] }),
    ]),
    when('rights were taken away on the way', (mmu) => mmu.mustFlush === 1, [
      line('kvm_flush_remote_tlbs(), INVEPT on every vCPU: a TLB may still hold them', { writes: ['tlb', 'counters'] }, (mmu) => {
        mmu.flushRemoteTlbs();
        mmu.mustFlush = 0;
      }),
    ]),
    give('to L2: the access runs again', RESUME.retry),
  ],
};

/** The access that a qualification tells of, for a walk of EPT12. */
function accessOf(qualification: number): number {
  if ((qualification & Q.read) !== 0 && (qualification & Q.write) !== 0) return ACCESS.readWrite;
  return qualification & Q.fetch ? ACCESS.fetch : qualification & Q.write ? ACCESS.write : ACCESS.read;
}

function servedLevel(f: ListingFrame): number {
  if ((f.lo(V.qualification) & Q.linearAddressValid) === 0) return NO_LINEAR;
  return isFinal(f) ? 0 : 1;
}

/** The access is the one that L2's program makes, and no reading of L2's paging structures. */
function isFinal(f: ListingFrame): boolean {
  return (f.lo(V.qualification) & Q.translationResult) !== 0;
}

function isWrite(f: ListingFrame): boolean {
  return (f.lo(V.qualification) & Q.write) !== 0;
}

function mustEmulate(mmu: NestedMmu, f: ListingFrame): boolean {
  if (f.lo(V.slot) < 0) return true;
  const gfn = f.frame(V.gpa);
  return isWrite(f) && isFinal(f) && (mmu.ept02.isShadowed(gfn) || mmu.memory.slots.isReadOnly(f.lo(V.slot)));
}

/** Walks EPT02 as the processor would, without effects. */
function allowsAlready(mmu: NestedMmu, f: ListingFrame): boolean {
  const space = mmu.processor.inspection.nested;
  if (space === undefined) throw new Error('invariant: an EPT violation of L2 without EPT');
  return walk(space, f.lo(V.l2_gpa), f.hi(V.l2_gpa), accessOf(f.lo(V.qualification)), EFFECTS.none) === WALK.mapped;
}

function stop(mmu: NestedMmu, reason: number): number {
  mmu.vcpu.stop = reason;
  return RESUME.stopped;
}

