import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { RESUME } from '../../hardware/processor/rootMode';
import { EXIT, INTERRUPTION, PRIMARY, VMCS } from '../../hardware/vmx/vmcs';
import { give, line, when, type ListingProcedure } from '../listing';
import { L1_MEMORY } from './guestHypervisorMemory';
import { loadHostState } from './hostState12';
import type { NestedMmu } from './nestedMmu';
import { reportNestedExit } from './nestedReports';
import { syncToVmcs12 } from './vmcs02';

/** The exit that vmcs02 tells of becomes L1's. Gives a `RESUME`. */
export const nestedVmexit: ListingProcedure<NestedMmu> = {
  name: 'nested_vmx_vmexit',
  purpose: 'The exit becomes one from L2 to L1: vmcs12 tells of it, and L1 goes on where its host-state area says.',
  values: [],
  parameters: 0,
  body: [
    line('sync_vmcs02_to_vmcs12(): guest state; prepare_vmcs12(): exit information', { writes: L1_MEMORY }, (mmu) => {
      const { processor: { vmcs }, vmcs12 } = mmu;
      mmu.mapVmcs12();
      syncToVmcs12(vmcs, vmcs12.words, (at, lo, hi) => vmcs12.set(at, lo, hi));
      vmcs12.saveRip(vmcs[VMCS.guest_rip]!, vmcs[VMCS.guest_rip + 1]!);
      reportNestedExit(mmu);
    }),
    line('vmcs01 is current again; load_vmcs12_host_state(): L1\'s registers', { writes: ['vmcs', 'nested'] }, (mmu) => {
      const { modes: { l1: { vmcs } }, vmcs12, state } = mmu;
      vmcs.set(state.vmcs01);
      loadHostState(vmcs, vmcs12.words);
      state.guestMode = 0;
    }),
    when('an interrupt waits for L1', (mmu) => mmu.vcpu.hasInterrupt, [
      line('interrupt-window exiting of vmcs01 = 1', { writes: ['vmcs'] }, (mmu) => {
        mmu.processor.vmcs[VMCS.primary_controls]! |= PRIMARY.interruptWindowExiting;
      }),
    ]),
    give('to L1, behind its VMLAUNCH or VMRESUME', RESUME.switched),
  ],
};

const V = { vector: 0 } as const;

/** An interrupt while L2 runs, of which L1 wants to hear. Gives a `RESUME`. */
export const nestedExternalInterrupt: ListingProcedure<NestedMmu> = {
  name: 'nested_vmx_external_interrupt',
  purpose: 'An interrupt has come for L1 while L2 ran. L0 has its vector; L1 gets it with the exit, or by its own APIC later.',
  values: [{ name: 'vector', kind: 'number' }],
  parameters: 0,
  body: [
    line('vector = VM-exit interruption information', {}, (mmu, f) => {
      f.set(V.vector, mmu.vmcs(VMCS.exit_interruption_info) & INTERRUPTION.vectorMask, 0);
    }),
    when('L1 does not acknowledge interrupts on exit', (mmu) => (mmu.field12(VMCS.exit_controls) & EXIT.acknowledgeInterrupt) === 0, [
      line('vector waits for L1; vmcs02 does not tell it', { writes: ['vcpu', 'vmcs'] }, (mmu, f) => {
        mmu.vcpu.requestInterrupt(f.lo(V.vector));
        mmu.setVmcs(VMCS.exit_interruption_info, 0, 0);
      }),
    ]),
    give('nested_vmx_vmexit()', (mmu) => mmu.call(nestedVmexit)),
  ],
};

/** An exit of L2 by EPT. */
export type ExitByEpt = 'ept_violation' | 'ept_misconfiguration' | 'pml_full';

/** One that is L1's: what vmcs02 must tell. */
export function tellExit(mmu: NestedMmu, reason: ExitByEpt, qualification: number): void {
  mmu.setVmcs(VMCS.exit_reason, EXIT_REASON[reason], 0);
  mmu.setVmcs(VMCS.exit_qualification, qualification, 0);
}
