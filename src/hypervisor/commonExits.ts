import { OPERATION } from '../hardware/paging/accessKinds';
import { EXIT_REASON } from '../hardware/vmx/exitReasons';
import type { Processor } from '../hardware/processor/processor';
import { RESUME } from '../hardware/processor/rootMode';
import { controlBlockOf, type CommonExit, type ControlBlock } from './controlBlock';
import { emulateCpuid, emulateHalt, emulateHypercall, emulateRdmsr, emulateWrmsr, handleIo, type InstructionOwner } from './instructionExits';
import { handleExternalInterrupt, handleInterruptWindow, type InterruptOwner } from './interruptExits';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from './listing';
import { STOP_REASON, type VcpuState } from './vcpuState';

/** A hypervisor whose listing has the exits in it that have nothing to do with memory. */
export interface ExitOwner extends InstructionOwner, InterruptOwner {
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number;
}

/** Handlers of exits that have nothing to do with memory, and the lines of `handle_exit` that come to them. */
export interface CommonExits<V> {
  readonly handlers: readonly ListingProcedure<V>[];
  /** Runs before `handle_exit` for an exit that broke into the delivery of an event. */
  readonly completeInterrupts: ListingProcedure<V>;
  /** The last lines. */
  readonly lines: readonly ListingNode<V>[];
}

/**
 * For the listing of a hypervisor `V`, whose guest runs by such a control block. `reasonOf`: the exit's reason, where a line
 * before has read it; a hypervisor that is a guest itself has an exit for each VMREAD.
 */
export function commonExits<V extends ExitOwner>(
  control: ControlBlock, reasonOf: (vmm: V, frame: ListingFrame) => number = ({ processor }) => control.exitReason(processor),
): CommonExits<V> {
  const { words } = control;
  const rows = [
    { exit: 'external_interrupt', handler: handleExternalInterrupt<V>(control) },
    { exit: 'interrupt_window', handler: handleInterruptWindow<V>(control) },
    { exit: 'cpuid', handler: emulateCpuid<V>(control) },
    { exit: 'hlt', handler: emulateHalt<V>(control) },
    { exit: 'io_instruction', handler: handleIo<V>(control) },
    { exit: 'rdmsr', handler: emulateRdmsr<V>(control) },
    { exit: 'wrmsr', handler: emulateWrmsr<V>(control) },
    { exit: 'vmcall', handler: emulateHypercall<V>() },
  ] as const;
  const is = (exit: CommonExit) => (vmm: V, frame: ListingFrame): boolean => reasonOf(vmm, frame) === EXIT_REASON[exit];
  const completeInterrupts: ListingProcedure<V> = {
    name: words.names.completeInterrupts,
    purpose: `The exit has broken into the delivery of an event, as the ${words.vectoring} tells: it is not lost.`,
    values: [],
    parameters: 0,
    body: [
      line(`${words.injection} = ${words.vectoring}`, { writes: [control.block] }, ({ processor }) => control.reinjectVectored(processor)),
    ],
  };
  return {
    handlers: [...rows.map(({ handler }) => handler), completeInterrupts],
    completeInterrupts,
    lines: [
      ...rows.map(({ exit, handler }) => when<V>(words.exits[exit], is(exit), [
        give(`${handler.name}()`, (vmm) => vmm.call(handler as ListingProcedure<never>)),
      ])),
      when<V>(words.exits.triple_fault, is('triple_fault'), [
        give('stop the VM', (vmm) => stop(vmm, STOP_REASON.tripleFault), { writes: ['vcpu'] }),
      ]),
      give('stop the VM: nothing here handles this exit', (vmm) => stop(vmm, STOP_REASON.unhandledExit), { writes: ['vcpu'] }),
    ],
  };
}

/** True of an exit that `completeInterrupts` is for. SDM Vol. 3, "Information for VM Exits That Occur During Event Delivery". */
export function brokeIntoDelivery(processor: Processor, control = controlBlockOf(processor)): boolean {
  return control.vectoring(processor) !== 0;
}

/** What `makesItself` is, in the words of a line. */
export const MADE_ITSELF = 'the processor made it by itself, in the delivery of an event or for an instruction that is no load or store: there is nothing to emulate';

/** True of an exit of an access that no hypervisor can make for the guest: nothing tells it where the processor was in what it did. */
export function makesItself(processor: Processor, control = controlBlockOf(processor)): boolean {
  return processor.pending.operation > OPERATION.fetch || brokeIntoDelivery(processor, control);
}

/** Stops the VM for an access that `makesItself` is true of, and that nothing can be filled for. */
export function refuseOwnAccess<V extends { readonly processor: Processor; readonly vcpu: VcpuState }>(control?: ControlBlock): ListingNode<V> {
  return when(MADE_ITSELF, ({ processor }) => makesItself(processor, control), [
    give('stop the VM', ({ processor, vcpu }) => {
      vcpu.stop = brokeIntoDelivery(processor, control) ? STOP_REASON.deliveryEmulation : STOP_REASON.noOperand;
      return RESUME.stopped;
    }, { writes: ['vcpu'] }),
  ]);
}

function stop(vmm: ExitOwner, reason: number): number {
  vmm.vcpu.stop = reason;
  return RESUME.stopped;
}
