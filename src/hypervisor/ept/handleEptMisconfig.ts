import { EPT_QUALIFICATION } from '../../hardware/vmx/exitQualification';
import { RESUME } from '../../hardware/processor/rootMode';
import { give, line, when, type ListingProcedure } from '../listing';
import { generationOfMmioEntry, mmioGeneration } from '../mmioEntry';
import { STOP_REASON } from '../vcpuState';
import { emulateAccess } from './emulateAccess';
import type { EptMmu } from './eptMmu';
import { handleEptViolation } from './handleEptViolation';

const V = { gpa: 0, entry: 1, generation: 2 } as const;

/** Gives a `RESUME`. */
export const handleEptMisconfig: ListingProcedure<EptMmu> = {
  name: 'handle_ept_misconfig',
  purpose: 'An EPT entry that no processor takes: one that says MMIO, made so on purpose. No slot need be looked for.',
  values: [{ name: 'gpa', kind: 'gpa' }, { name: 'entry', kind: 'number' }, { name: 'generation', kind: 'number' }],
  parameters: 1,
  body: [
    line('entry = the EPT PTE of gpa', {}, ({ leaves }, f) => {
      leaves.find(f.frame(V.gpa));
      f.set(V.entry, leaves.lo, leaves.hi);
    }),
    when('entry does not say MMIO', ({ leaves }) => !leaves.isMmio, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.misconfiguredEntry;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('generation = that of entry', {}, (_, f) => f.set(V.generation, generationOfMmioEntry(f.lo(V.entry), f.hi(V.entry)), 0)),
    when('the slots are of another generation by now', (mmu, f) => f.lo(V.generation) !== mmioGeneration(mmu.memory.slots.generation), [
      line('zap it: what it says is stale', { writes: ['memory'] }, (mmu, f) => mmu.leaves.zap(f.frame(V.gpa), mmu.cpu)),
      give('handle_ept_violation(gpa, as of a read)', (mmu, f) => (
        mmu.call(handleEptViolation, f.lo(V.gpa), f.hi(V.gpa), EPT_QUALIFICATION.read | EPT_QUALIFICATION.translationResult, 0)
      )),
    ]),
    give('emulate_access()', (mmu) => mmu.call(emulateAccess)),
  ],
};
