import { RFLAGS } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { ACTIVITY } from '../hardware/processor/registers';
import { RESUME } from '../hardware/processor/rootMode';
import { INTERRUPTION, INTERRUPTION_TYPE, PRIMARY, VMCS } from '../hardware/vmx/vmcs';
import { give, line, when, type ListingProcedure } from './listing';
import type { VcpuState } from './vcpuState';

/** The hypervisor on whose behalf an interrupt reaches its guest. */
export interface InterruptOwner {
  readonly processor: Processor;
  readonly vcpu: VcpuState;
}

const V = { vector: 0 } as const;

/** An interrupt has come while the guest ran. Gives a `RESUME`. */
export function handleExternalInterrupt<V extends InterruptOwner>(): ListingProcedure<V> {
  return {
    name: 'handle_external_interrupt',
    purpose: 'An IPI for this vCPU has kicked it out of the guest: the vCPU\'s local APIC has the vector, which the guest must get.',
    values: [{ name: 'vector', kind: 'number' }],
    parameters: 0,
    body: [
      line('vector = VM-exit interruption information', {}, ({ processor: { vmcs } }, f) => {
        f.set(V.vector, vmcs[VMCS.exit_interruption_info]! & INTERRUPTION.vectorMask, 0);
      }),
      when('the guest takes no interrupt now: RFLAGS.IF is 0, or something blocks', ({ processor }) => !takesInterrupts(processor), [
        line('vector waits; interrupt-window exiting = 1', { writes: ['vcpu', 'vmcs'] }, ({ processor: { vmcs }, vcpu }, f) => {
          vcpu.requestInterrupt(f.lo(V.vector));
          vmcs[VMCS.primary_controls]! |= PRIMARY.interruptWindowExiting;
        }),
        give('to the guest, until it lets interrupts in', RESUME.retry),
      ]),
      line('VM-entry interruption information = external interrupt, vector', { writes: ['vmcs'] }, ({ processor }, f) => {
        inject(processor, f.lo(V.vector));
      }),
      give('to the guest, whose VM entry delivers it', RESUME.retry),
    ],
  };
}

/** The guest takes interrupts again. Gives a `RESUME`. */
export function handleInterruptWindow<V extends InterruptOwner>(): ListingProcedure<V> {
  return {
    name: 'handle_interrupt_window',
    purpose: 'The guest takes interrupts again, and one waits for it.',
    values: [{ name: 'vector', kind: 'number' }],
    parameters: 0,
    body: [
      line('vector = the highest that waits', { writes: ['vcpu'] }, ({ vcpu }, f) => f.set(V.vector, vcpu.takeInterrupt(), 0)),
      line('VM-entry interruption information = external interrupt, vector', { writes: ['vmcs'] }, ({ processor }, f) => {
        inject(processor, f.lo(V.vector));
      }),
      when('no other waits', ({ vcpu }) => !vcpu.hasInterrupt, [
        line('interrupt-window exiting = 0', { writes: ['vmcs'] }, ({ processor: { vmcs } }) => {
          vmcs[VMCS.primary_controls]! &= ~PRIMARY.interruptWindowExiting;
        }),
      ]),
      give('to the guest, whose VM entry delivers it', RESUME.retry),
    ],
  };
}

function inject({ vmcs }: Processor, vector: number): void {
  vmcs[VMCS.entry_interruption_info] = vector | INTERRUPTION_TYPE.externalInterrupt | INTERRUPTION.valid;
  vmcs[VMCS.guest_activity_state] = ACTIVITY.active;
}

/** SDM Vol. 3, "Guest Non-Register State": STI and MOV SS block for one instruction. */
function takesInterrupts({ vmcs }: Processor): boolean {
  return (vmcs[VMCS.guest_rflags]! & RFLAGS.IF) !== 0 && vmcs[VMCS.guest_interruptibility] === 0;
}
