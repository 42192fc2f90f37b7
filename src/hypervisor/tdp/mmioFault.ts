import { RESUME } from '../../hardware/processor/rootMode';
import { give, line, when, type ListingProcedure } from '../listing';
import { generationOfMmioEntry, mmioGeneration } from '../mmioEntry';
import type { TdpFormat } from './tdpFormat';
import type { TdpMmu } from './tdpMmu';

const V = { gpa: 0, entry: 1, generation: 2 } as const;

/** What sets the handler of one kind of tables apart from the other. */
export interface MmioFault {
  readonly name: string;
  readonly purpose: string;
  /** Why the VM is stopped when an entry faults so that is not the hypervisor's doing: a `STOP_REASON`. */
  readonly stop: number;
  readonly emulateAccess: ListingProcedure<never>;
  /** The page fault's handler, as of a read of gpa. */
  readonly pageFault: { readonly text: string; readonly run: (mmu: TdpMmu, gpaLo: number, gpaHi: number) => number };
}

/** Gives a `RESUME`. */
export const mmioFaultOf = <M extends TdpMmu>(tdp: TdpFormat, fault: MmioFault): ListingProcedure<M> => ({
  name: fault.name,
  purpose: fault.purpose,
  values: [{ name: 'gpa', kind: 'gpa' }, { name: 'entry', kind: 'number' }, { name: 'generation', kind: 'number' }],
  parameters: 1,
  body: [
    line(`entry = the ${tdp.name} PTE of gpa`, {}, ({ leaves }, f) => {
      leaves.find(f.frame(V.gpa));
      f.set(V.entry, leaves.lo, leaves.hi);
    }),
    when('entry does not say MMIO', ({ leaves }) => !leaves.isMmio, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = fault.stop;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('generation = that of entry', {}, (_, f) => f.set(V.generation, generationOfMmioEntry(f.lo(V.entry), f.hi(V.entry)), 0)),
    when('the slots are of another generation by now', (mmu, f) => f.lo(V.generation) !== mmioGeneration(mmu.memory.slots.generation), [
      line('zap it: what it says is stale', { writes: ['memory'] }, (mmu, f) => mmu.leaves.zap(f.frame(V.gpa), mmu.cpu)),
      give(fault.pageFault.text, (mmu, f) => fault.pageFault.run(mmu, f.lo(V.gpa), f.hi(V.gpa))),
    ]),
    give('emulate_access()', (mmu) => mmu.call(fault.emulateAccess)),
  ],
});
