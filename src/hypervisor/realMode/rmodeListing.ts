import { CR0 } from '../../hardware/processor/controlRegisters';
import { RESUME } from '../../hardware/processor/rootMode';
import type { Processor } from '../../hardware/processor/processor';
import { ACTIVITY } from '../../hardware/processor/registers';
import { INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import { give, line, when, type ListingProcedure } from '../listing';
import type { SlotMemory } from '../slotMemory';
import { STOP_REASON, type VcpuState } from '../vcpuState';
import type { Rmode } from './rmode';

/** A hypervisor whose guest may be in real-address mode without "unrestricted guest". */
export interface RmodeOwner {
  readonly cpu: number;
  readonly processor: Processor;
  readonly memory: SlotMemory;
  readonly vcpu: VcpuState;
  readonly rmode: Rmode;
  call(procedure: ListingProcedure<never>, ...parameters: readonly number[]): number;
}

/** Gives 1; 0 when the VM is to stop. */
export function enterRmode<V extends RmodeOwner>(): ListingProcedure<V> {
  return {
    name: 'enter_rmode',
    purpose: 'CR0.PE is 0, and a VM entry needs it 1: virtual-8086 mode does with segments what real-address mode does.',
    values: [],
    parameters: 0,
    body: [
      when('a segment is not one of virtual-8086 mode: base = selector × 16, limit = FFFFH', ({ rmode }) => !rmode.fits || !rmode.hasTss, [
        give('stop the VM', (mmu) => {
          mmu.vcpu.stop = STOP_REASON.realMode;
          return 0;
        }, { writes: ['vcpu'] }),
      ]),
      line('vm86_active = 1; the guest\'s TR, IOPL and access rights are kept', { writes: ['rmode'] }, ({ rmode }) => rmode.keep()),
      line('guest TR = that TSS; access rights of CS, SS, DS, ES, FS, GS = F3H, so that the CPL is 3; RFLAGS.VM = 1, IOPL = 3', { writes: ['vmcs'] }, ({ rmode }) => rmode.enter()),
      give('with every exception in the bitmap: what CPL 3 refuses is emulated', 1),
    ],
  };
}

/** Gives 1. */
export function enterPmode<V extends RmodeOwner>(): ListingProcedure<V> {
  return {
    name: 'enter_pmode',
    purpose: 'CR0.PE is 1: the processor leaves virtual-8086 mode.',
    values: [],
    parameters: 0,
    body: [
      line('guest TR, IOPL and access rights = those kept; RFLAGS.VM = 0; vm86_active = 0; the exception bitmap as before', { writes: ['vmcs', 'rmode'] }, ({ rmode }) => rmode.leave()),
      give('in protected mode', 1),
    ],
  };
}

/** Procedures by which a guest comes into real-address mode and out of it. */
export interface RmodeSwitch {
  readonly enterRmode: ListingProcedure<never>;
  readonly enterPmode: ListingProcedure<never>;
}

/** After a change of CR0, whose read shadow has the guest's value by now: `RESUME.completed`, or `RESUME.stopped`. */
export function followProtection(mmu: RmodeOwner, { enterRmode: enter, enterPmode: leave }: RmodeSwitch): number {
  const isReal = (mmu.processor.vmcs[VMCS.cr0_read_shadow]! & CR0.PE) === 0;
  if (isReal === mmu.rmode.isActive) return RESUME.completed;
  return mmu.call(isReal ? enter : leave) === 1 ? RESUME.completed : RESUME.stopped;
}

/**
 * What root mode answers for a guest that may be in virtual-8086 mode. An event for one whose IDT is in memory is delivered by
 * software, `inject`. One that has executed HLT is not entered, for the HLT state wants CPL 0: its vCPU waits (KVM_MP_STATE_HALTED).
 * SDM Vol. 3, "Checks on Guest Non-Register State".
 */
export function resumeRmode(mmu: RmodeOwner, answer: number, inject: () => number): number {
  if (answer === RESUME.stopped || !mmu.rmode.isActive) return answer;
  const { vmcs, settings } = mmu.processor;
  const injects = (vmcs[VMCS.entry_interruption_info]! & INTERRUPTION.valid) !== 0;
  if (injects && settings.delivery === 'memory') return inject();
  return !injects && vmcs[VMCS.guest_activity_state] === ACTIVITY.hlt ? RESUME.halted : answer;
}
