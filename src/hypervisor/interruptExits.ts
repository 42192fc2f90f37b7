import { INTERRUPTION, INTERRUPTION_TYPE } from '../hardware/vmx/vmcs';
import { RESUME } from '../hardware/processor/rootMode';
import type { ControlBlock, ControlledVcpu } from './controlBlock';
import { give, line, when, type ListingProcedure } from './listing';

/** The hypervisor on whose behalf an interrupt reaches its guest. */
export type InterruptOwner = ControlledVcpu;

const V = { vector: 0 } as const;

/** An interrupt has come while the guest ran. Gives a `RESUME`. */
export function handleExternalInterrupt<V extends InterruptOwner>(control: ControlBlock): ListingProcedure<V> {
  const { block, words } = control;
  return {
    name: words.names.externalInterrupt,
    purpose: 'An IPI for this vCPU has kicked it out of the guest: the vCPU\'s local APIC has the vector, which the guest must get.',
    values: [{ name: 'vector', kind: 'number' }],
    parameters: 0,
    body: [
      line(`vector = ${words.acknowledge}`, { writes: control.acknowledgeWrites }, ({ processor }, f) => f.set(V.vector, control.acknowledge(processor), 0)),
      when('the guest takes no interrupt now: RFLAGS.IF is 0, or something blocks', ({ processor }) => !control.takesInterrupts(processor), [
        line(`vector waits; ${words.openWindow}`, { writes: ['vcpu', block] }, ({ processor, vcpu }, f) => {
          vcpu.requestInterrupt(f.lo(V.vector));
          control.setWindow(processor, 'open');
        }),
        give('to the guest, until it lets interrupts in', RESUME.retry),
      ]),
      line(`${words.injection} = external interrupt, vector`, { writes: [...new Set([block, ...control.haltWrites])] }, (owner, f) => inject(control, owner, f.lo(V.vector))),
      give(`to the guest, whose ${words.entry} delivers it`, RESUME.retry),
    ],
  };
}

/** The guest takes interrupts again. Gives a `RESUME`. */
export function handleInterruptWindow<V extends InterruptOwner>(control: ControlBlock): ListingProcedure<V> {
  const { block, words } = control;
  return {
    name: words.names.interruptWindow,
    purpose: 'The guest takes interrupts again, and one waits for it.',
    values: [{ name: 'vector', kind: 'number' }],
    parameters: 0,
    body: [
      line('vector = the highest that waits', { writes: ['vcpu'] }, ({ vcpu }, f) => f.set(V.vector, vcpu.takeInterrupt(), 0)),
      line(`${words.injection} = external interrupt, vector`, { writes: [...new Set([block, ...control.haltWrites])] }, (owner, f) => inject(control, owner, f.lo(V.vector))),
      when('no other waits', ({ vcpu }) => !vcpu.hasInterrupt, [
        line(words.closeWindow, { writes: [block] }, ({ processor }) => control.setWindow(processor, 'closed')),
      ]),
      give(`to the guest, whose ${words.entry} delivers it`, RESUME.retry),
    ],
  };
}

function inject(control: ControlBlock, owner: InterruptOwner, vector: number): void {
  control.inject(owner.processor, vector | INTERRUPTION_TYPE.externalInterrupt | INTERRUPTION.valid, 0);
  control.wake(owner);
}
