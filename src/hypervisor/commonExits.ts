import { EXIT_REASON } from '../hardware/vmx/exitReasons';
import type { Processor } from '../hardware/processor/processor';
import { RESUME } from '../hardware/processor/rootMode';
import { INTERRUPTION, VMCS } from '../hardware/vmx/vmcs';
import { reinjectVectored } from './injection';
import { emulateCpuid, emulateHalt, emulateHypercall, emulateRdmsr, emulateWrmsr, handleIo, type InstructionOwner } from './instructionExits';
import { handleExternalInterrupt, handleInterruptWindow, type InterruptOwner } from './interruptExits';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from './listing';
import { STOP_REASON } from './vcpuState';

/** A hypervisor whose listing has the exits in it that have nothing to do with memory. */
export interface ExitOwner extends InstructionOwner, InterruptOwner {
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number;
}

/** Handlers of exits that have nothing to do with memory, and the lines of `handle_exit` that come to them. */
export interface CommonExits<V> {
  readonly handlers: readonly ListingProcedure<V>[];
  /** Runs before `handle_exit` for an exit that broke into the delivery of an event. */
  readonly completeInterrupts: ListingProcedure<V>;
  /** The last lines. `reason`: number of the value that has the exit reason. */
  readonly lines: (reason: number) => readonly ListingNode<V>[];
}

/** For the listing of a hypervisor `V`. */
export function commonExits<V extends ExitOwner>(): CommonExits<V> {
  const rows = [
    { name: 'EXTERNAL_INTERRUPT', reason: EXIT_REASON.external_interrupt, handler: handleExternalInterrupt<V>() },
    { name: 'INTERRUPT_WINDOW', reason: EXIT_REASON.interrupt_window, handler: handleInterruptWindow<V>() },
    { name: 'CPUID', reason: EXIT_REASON.cpuid, handler: emulateCpuid<V>() },
    { name: 'HLT', reason: EXIT_REASON.hlt, handler: emulateHalt<V>() },
    { name: 'IO_INSTRUCTION', reason: EXIT_REASON.io_instruction, handler: handleIo<V>() },
    { name: 'RDMSR', reason: EXIT_REASON.rdmsr, handler: emulateRdmsr<V>() },
    { name: 'WRMSR', reason: EXIT_REASON.wrmsr, handler: emulateWrmsr<V>() },
    { name: 'VMCALL', reason: EXIT_REASON.vmcall, handler: emulateHypercall<V>() },
  ] as const;
  const completeInterrupts: ListingProcedure<V> = {
    name: 'vmx_complete_interrupts',
    purpose: 'The exit has broken into the delivery of an event, as the IDT-vectoring information tells: it is not lost.',
    values: [],
    parameters: 0,
    body: [
      line('VM-entry interruption information = IDT-vectoring information', { writes: ['vmcs'] }, ({ processor }) => reinjectVectored(processor)),
    ],
  };
  return {
    handlers: [...rows.map(({ handler }) => handler), completeInterrupts],
    completeInterrupts,
    lines: (reason) => [
      ...rows.map(({ name, reason: number, handler }) => when<V>(`reason is ${name}`, (_, f: ListingFrame) => f.lo(reason) === number, [
        give(`${handler.name}()`, (vmm) => vmm.call(handler as ListingProcedure<never>)),
      ])),
      when<V>('reason is TRIPLE_FAULT', (_, f) => f.lo(reason) === EXIT_REASON.triple_fault, [
        give('stop the VM', (vmm) => stop(vmm, STOP_REASON.tripleFault), { writes: ['vcpu'] }),
      ]),
      give('stop the VM: nothing here handles this exit', (vmm) => stop(vmm, STOP_REASON.unhandledExit), { writes: ['vcpu'] }),
    ],
  };
}

/** True of an exit that `completeInterrupts` is for. SDM Vol. 3, "Information for VM Exits That Occur During Event Delivery". */
export function brokeIntoDelivery(processor: Processor): boolean {
  return (processor.vmcs[VMCS.idt_vectoring_info]! & INTERRUPTION.valid) !== 0;
}

function stop(vmm: ExitOwner, reason: number): number {
  vmm.vcpu.stop = reason;
  return RESUME.stopped;
}
