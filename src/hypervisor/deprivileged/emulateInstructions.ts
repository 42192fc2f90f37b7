import { RESUME } from '../../hardware/processor/rootMode';
import { give, when, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { commitVirtualCpu, loadVirtualCpu, refuseInstruction, refuseTasks } from './createBounceFrame';
import type { DeprivilegedMmu } from './deprivilegedMmu';

/** Gives a `RESUME`. */
export const emulateIret: ListingProcedure<DeprivilegedMmu> = {
  name: 'emulate_iret',
  purpose: 'IRET names segments of the guest\'s, of which the hypervisor\'s GDT has none: it is done on the virtual CPU, whose CPL it may change.',
  values: [],
  parameters: 0,
  body: [
    loadVirtualCpu,
    when('on the virtual CPU IRET pops a frame and goes through with it, each access by emulate_system_access()', ({ virtualCpu }) => virtualCpu.returns(), [
      when('it goes to virtual-8086 mode', ({ virtualCpu }) => virtualCpu.isVirtual8086, [
        give('stop the VM: that mode needs a task of its own, which this hypervisor does not have', (mmu) => {
          mmu.vcpu.stop = STOP_REASON.leftProtectedMode;
          return RESUME.stopped;
        }, { writes: ['vcpu'] }),
      ]),
      ...commitVirtualCpu,
      give('to the guest, where it was interrupted', RESUME.completed),
    ]),
    refuseTasks,
    ...refuseInstruction,
  ],
};

/** Gives a `RESUME`. */
export const emulateLoadSegment: ListingProcedure<DeprivilegedMmu> = {
  name: 'emulate_load_segment',
  purpose: 'MOV to a segment register, of a selector that the hypervisor\'s GDT does not have: by the guest\'s descriptor, with the guest\'s CPL.',
  values: [],
  parameters: 0,
  body: [
    loadVirtualCpu,
    when('on the virtual CPU the descriptor is found and may be loaded, each access by emulate_system_access()', ({ virtualCpu, processor: { pending } }) => virtualCpu.loadsSegment(pending.segment, pending.operandLo), [
      ...commitVirtualCpu,
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    ...refuseInstruction,
  ],
};

/** Parameter: the procedure that makes the access. Gives a `RESUME`. */
export const handleUserIo = (io: ListingProcedure<never>): ListingProcedure<DeprivilegedMmu> => ({
  name: 'handle_user_io',
  purpose: 'IN or OUT of the guest\'s user mode: the processor has the hypervisor\'s IOPL and TSS, which allow nothing.',
  values: [],
  parameters: 0,
  body: [
    loadVirtualCpu,
    when('IOPL, or the I/O permission bit map of the virtual CPU\'s TSS, allows the port', ({ virtualCpu, processor: { pending } }) => virtualCpu.permits(pending.register, pending.size), [
      give('handle_io()', (mmu) => mmu.call(io)),
    ]),
    ...refuseInstruction,
  ],
});
