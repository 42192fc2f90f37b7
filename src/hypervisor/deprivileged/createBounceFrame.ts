import { DELIVERED } from '../../hardware/delivery/deliveryProcessor';
import { VECTOR } from '../../hardware/delivery/exceptions';
import { RESUME } from '../../hardware/processor/rootMode';
import { COUNTER } from '../../hardware/state/counters';
import { INTERRUPTION, INTERRUPTION_TYPE, VMCS } from '../../hardware/vmx/vmcs';
import { injectBehind, injectException } from '../injection';
import { give, line, repeat, when, type ListingNode, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import type { DeprivilegedMmu } from './deprivilegedMmu';

const V = { vector: 0, error_code: 1 } as const;
const PAGE_FAULT = INTERRUPTION_TYPE.hardwareException | VECTOR.pageFault;

/** What each work on the virtual CPU begins with. */
export const loadVirtualCpu = line<DeprivilegedMmu>(
  'the virtual CPU = RIP, RSP, RFLAGS and segments as the guest believes to have them: its own CPL, IF, IOPL, selectors, IDTR, GDTR and TR', {},
  (mmu) => mmu.virtualCpu.load(),
);

/** What it ends with, when nothing stands in the way. */
export const commitVirtualCpu: readonly ListingNode<DeprivilegedMmu>[] = [
  line('what the guest returns to = the virtual CPU\'s, each segment with DPL 3, IF 1 and IOPL 0; what the guest believes is kept', { writes: ['vmcs', 'privilege'] }, (mmu) => mmu.virtualCpu.commit()),
  line('CR3 of the return to the guest = that of the root that its level and RFLAGS.AC ask for', { writes: ['vmcs', 'tlb', 'counters'] }, (mmu) => mmu.returnToRoot()),
];

/** What a task switch comes to. */
export const refuseTasks = when<DeprivilegedMmu>('it asks for a switch of tasks', (mmu) => mmu.virtualCpu.asksForTask, [
  give('stop the VM', (mmu) => {
    mmu.vcpu.stop = STOP_REASON.taskSwitch;
    return RESUME.stopped;
  }, { writes: ['vcpu'] }),
]);

/** What stands in the way of an instruction that is done on the virtual CPU: gives a `RESUME`. */
export const refuseInstruction: readonly ListingNode<DeprivilegedMmu>[] = [
  when('a check of it has failed', (mmu) => mmu.virtualCpu.fault !== undefined, [
    line('the event to reflect = the exception that this is', { writes: ['vmcs'] }, ({ virtualCpu: { fault }, processor }) => {
      injectException(processor, fault!.vector, fault!.errorCode);
    }),
  ]),
  give('to the guest, which gets the exception', (mmu) => (mmu.vcpu.stop === 0 ? RESUME.retry : RESUME.stopped)),
];

/** Gives a `RESUME`. */
export const createBounceFrame: ListingProcedure<DeprivilegedMmu> = {
  name: 'create_bounce_frame',
  purpose: 'An event for the guest, as Xen sends it on: the guest\'s own processor would go through IDT, GDT, TSS and stack of the guest\'s, and so does the hypervisor.',
  values: [{ name: 'vector', kind: 'number' }, { name: 'error_code', kind: 'number' }],
  parameters: 0,
  body: [
    repeat('there is an event to reflect', (mmu) => mmu.hasEvent, [
      line('the event that is being reflected = it; vector, error_code = its own', { writes: ['vmcs', 'counters'] }, (mmu, f) => {
        const information = mmu.vmcs(VMCS.entry_interruption_info);
        f.set(V.vector, information & INTERRUPTION.vectorMask, 0);
        f.set(V.error_code, mmu.vmcs(VMCS.entry_exception_error_code), 0);
        if (isTheTrap(mmu, information)) mmu.processor.counters[COUNTER['faults.guest_exited']]!++;
        mmu.setVmcs(VMCS.idt_vectoring_info, information, 0);
        mmu.setVmcs(VMCS.entry_interruption_info, information & ~INTERRUPTION.valid, 0);
      }),
      loadVirtualCpu,
      when('on the virtual CPU the event goes through gate, code segment, stack and frame, each access by emulate_system_access()', delivers, [
        ...commitVirtualCpu,
        line('the guest is active, and no STI shields it', { writes: ['vmcs'] }, (mmu) => {
          mmu.virtualCpu.noteEntered(mmu.vmcs(VMCS.idt_vectoring_info));
        }),
        give('to the guest, in the handler that its own IDT names', (mmu, f) => {
          mmu.processor.noteDelivered(mmu.vmcs(VMCS.idt_vectoring_info), f.lo(V.error_code));
          return RESUME.delivered;
        }, { writes: ['counters'] }),
      ]),
      refuseTasks,
      when('a check of it has failed', (mmu) => mmu.virtualCpu.fault !== undefined, [
        line('the event to reflect = the exception that this is, or #DF where the first was contributory too; behind #DF there is none', { writes: ['vmcs', 'vcpu'] }, ({ virtualCpu: { fault }, processor, vcpu }) => {
          injectBehind(processor, vcpu, processor.vmcs[VMCS.idt_vectoring_info]!, fault!.vector, fault!.errorCode);
        }),
      ]),
      when('nothing is left that could be reflected: a triple fault, or no host memory', (mmu) => mmu.vcpu.stop !== 0, [give('the VM stops', RESUME.stopped)]),
    ]),
  ],
};

function delivers(mmu: DeprivilegedMmu): boolean {
  const { virtualCpu } = mmu;
  return virtualCpu.deliver(mmu.vmcs(VMCS.idt_vectoring_info), mmu.vmcs(VMCS.entry_exception_error_code), mmu.vmcs(VMCS.entry_instruction_length)) === DELIVERED;
}

/** A page fault that the trap was: one that the hypervisor's own access has met was none. */
function isTheTrap(mmu: DeprivilegedMmu, information: number): boolean {
  const mask = INTERRUPTION.typeMask | INTERRUPTION.vectorMask;
  return (information & mask) === PAGE_FAULT && (mmu.vmcs(VMCS.exit_interruption_info) & mask) === PAGE_FAULT && mmu.vmcs(VMCS.idt_vectoring_info) === 0;
}
