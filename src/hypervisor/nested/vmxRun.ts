import { INTERRUPTIBILITY } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { controlChecks } from '../../hardware/vmx/entryChecks/controlChecks';
import { guestChecks, type GuestCheck } from '../../hardware/vmx/entryChecks/guestChecks';
import { hostChecks } from '../../hardware/vmx/entryChecks/hostChecks';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { ENTRY_FAILED } from '../../hardware/vmx/vmEntry';
import { VM_INSTRUCTION_ERROR } from '../../hardware/vmx/vmInstructionErrors';
import { EXIT, INTERRUPTION, LAUNCH_STATE, PIN, PRIMARY, SECONDARY, VMCS, VMCS_LAUNCH_STATE } from '../../hardware/vmx/vmcs';
import { give, line, when, type ListingProcedure } from '../listing';
import { L1_MEMORY } from './guestHypervisorMemory';
import { loadHostState } from './hostState12';
import { eptp02Hi, eptp02Lo, loadRoot02 } from './loadRoot02';
import { mergeMsrBitmaps } from './msrBitmap02';
import type { NestedMmu } from './nestedMmu';
import { reportNestedEntry } from './nestedReports';
import { mergeVmcs } from './vmcs02';
import { nestedVmexit } from './vmexit';
import { failsWhen, needsCurrentVmcs, onlyAtCpl0 } from './vmxOutcome';

const V = { launch: 0, vmcs12: 1 } as const;

/** VMLAUNCH (`launch` is 1) or VMRESUME by L1. Gives a `RESUME`. */
export const nestedVmxRun: ListingProcedure<NestedMmu> = {
  name: 'nested_vmx_run',
  purpose: 'VMLAUNCH or VMRESUME by L1: L0 makes a VMCS for L2 out of L1\'s and its own, and enters L2 by that.',
  values: [{ name: 'launch', kind: 'number' }, { name: 'vmcs12', kind: 'gpa' }],
  parameters: 1,
  body: [
    onlyAtCpl0,
    needsCurrentVmcs,
    line('vmcs12 = the current VMCS, mapped and read', {}, (mmu, f) => {
      mmu.readVmcs12();
      f.setFrame(V.vmcs12, mmu.state.current);
    }),
    failsWhen('events are blocked by MOV SS', VM_INSTRUCTION_ERROR.blockedByMovSs, (mmu) => (
      (mmu.vmcs(VMCS.guest_interruptibility) & INTERRUPTIBILITY.blockingByMovSs) !== 0
    )),
    failsWhen('it is VMLAUNCH, and vmcs12.launch_state is not clear', VM_INSTRUCTION_ERROR.vmlaunchNonClear, (mmu, f) => (
      f.lo(V.launch) !== 0 && mmu.vmcs12.launchState !== LAUNCH_STATE.clear
    )),
    failsWhen('it is VMRESUME, and vmcs12.launch_state is not launched', VM_INSTRUCTION_ERROR.vmresumeNonLaunched, (mmu, f) => (
      f.lo(V.launch) === 0 && mmu.vmcs12.launchState !== LAUNCH_STATE.launched
    )),
    failsWhen('nested_vmx_check_controls(vmcs12) finds a broken rule', VM_INSTRUCTION_ERROR.invalidControls, (mmu) => (
      controlChecks.some((check) => check.broken(mmu.entryContext))
    )),
    failsWhen('nested_vmx_check_host_state(vmcs12) finds a broken rule', VM_INSTRUCTION_ERROR.invalidHostState, (mmu) => (
      hostChecks.some((check) => check.broken(mmu.entryContext))
    )),
    when('nested_vmx_check_guest_state(vmcs12) finds a broken rule', (mmu) => brokenGuestRule(mmu) !== undefined, [
      line('vmcs12: exit reason 33 with bit 31, invalid guest state, and the qualification of the rule', { writes: L1_MEMORY }, (mmu) => {
        mmu.vmcs12.set(VMCS.exit_reason, EXIT_REASON.entry_failure_guest_state | ENTRY_FAILED, 0);
        mmu.vmcs12.set(VMCS.exit_qualification, brokenGuestRule(mmu)?.qualification ?? 0, 0);
      }),
      line('load_vmcs12_host_state(): L1 goes on as behind an exit', { writes: ['vmcs'] }, (mmu) => loadHostState(mmu.processor.vmcs, mmu.vmcs12.words)),
      give('to L1', RESUME.completed),
    ]),
    when('vmcs12 has "enable EPT"', (mmu) => mmu.usesEpt12, [
      when('load_root(EPTP of vmcs12) does not come back with a root', (mmu) => mmu.call(loadRoot02) === 0, [
        give('stop the VM', RESUME.stopped),
      ]),
    ]),
    when('it is VMLAUNCH', (_, f) => f.lo(V.launch) !== 0, [
      line('vmcs12.launch_state = launched', { writes: L1_MEMORY }, (mmu) => { mmu.vmcs12.launchState = LAUNCH_STATE.launched; }),
    ]),
    line('vmcs12: nothing to be injected any more', { writes: L1_MEMORY }, (mmu) => {
      // SDM Vol. 3, "VM Exits": they clear the valid bit; vmcs02 has what is to be injected by then.
      mmu.vmcs12.set(VMCS.entry_interruption_info, mmu.field12(VMCS.entry_interruption_info) & ~INTERRUPTION.valid, 0);
    }),
    line('MSR bitmap of vmcs02 = L0\'s | L1\'s', { writes: ['memory'] }, (mmu) => mergeMsrBitmaps(mmu)),
    line('keep vmcs01; prepare_vmcs02(): guest state and wishes of vmcs12, host state and translation of L0', { writes: ['vmcs', 'nested', 'nested.vmcs01'] }, prepareVmcs02),
    when('VPIDs are in use, and vmcs12 has none, or another than at the last entry', (mmu) => mmu.vpid02 !== 0 && changesVpid(mmu), [
      line('INVVPID of the VPID that L2 runs with: by L1\'s measure the TLB is empty', { writes: ['tlb', 'counters', 'nested'] }, (mmu) => {
        mmu.processor.vmxInvalidations.invvpid(1, mmu.vpid02, 0, 0);
        mmu.state.lastVpid = vpid12(mmu);
      }),
    ]),
    when('an interrupt waits for L1, and L1 wants those that come while L2 runs', (mmu) => mmu.vcpu.hasInterrupt && wantsInterrupts(mmu), [
      line('exit reason of vmcs02 = EXTERNAL_INTERRUPT, with the vector if L1 acknowledges on exit', { writes: ['vmcs', 'vcpu'] }, interruptAtOnce),
      give('nested_vmx_vmexit(): L2 has not run', (mmu) => mmu.call(nestedVmexit)),
    ]),
    when('an interrupt waits, which L2 is to get', (mmu) => mmu.vcpu.hasInterrupt, [
      line('interrupt-window exiting of vmcs02 = 1', { writes: ['vmcs'] }, (mmu) => {
        mmu.processor.vmcs[VMCS.primary_controls]! |= PRIMARY.interruptWindowExiting;
      }),
    ]),
    give('to L2', RESUME.switched),
  ],
};

function brokenGuestRule(mmu: NestedMmu): GuestCheck | undefined {
  return guestChecks.find((check) => check.broken(mmu.entryContext));
}

function prepareVmcs02(mmu: NestedMmu): void {
  const { modes: { l1, l2: { vmcs, features } }, state, vmcs12 } = mmu;
  state.vmcs01.set(l1.vmcs);
  vmcs.set(l1.vmcs);
  // What waits for L1 is looked at anew when L2 exits to it.
  state.vmcs01[VMCS.primary_controls]! &= ~PRIMARY.interruptWindowExiting;
  const eptpLo = mmu.usesEpt12 ? eptp02Lo(mmu) : vmcs[VMCS.eptp]!;
  const eptpHi = mmu.usesEpt12 ? eptp02Hi(mmu) : vmcs[VMCS.eptp + 1]!;
  mergeVmcs(vmcs, vmcs12.words, { features, eptpLo, eptpHi, vpid: mmu.vpid02, msrBitmap: mmu.msrBitmap });
  vmcs[VMCS_LAUNCH_STATE] = state.launchState02;
  state.launchState02 = LAUNCH_STATE.launched;
  state.guestMode = 1;
  const moved = (vmcs[VMCS.guest_rip]! ^ vmcs12.savedRipLo) | (vmcs[VMCS.guest_rip + 1]! ^ vmcs12.savedRipHi);
  state.skips = moved === 0 ? 0 : 1;
  reportNestedEntry(mmu);
}

function vpid12(mmu: NestedMmu): number {
  return mmu.secondary12 & SECONDARY.enableVpid ? mmu.field12(VMCS.vpid) & 0xffff : 0;
}

/** SDM Vol. 3, "Virtual Processor Identifiers (VPIDs)": without one, entries and exits invalidate what VPID 0 has. */
function changesVpid(mmu: NestedMmu): boolean {
  return vpid12(mmu) === 0 || vpid12(mmu) !== mmu.state.lastVpid;
}

function wantsInterrupts(mmu: NestedMmu): boolean {
  return (mmu.field12(VMCS.pin_controls) & PIN.externalInterruptExiting) !== 0;
}

function interruptAtOnce(mmu: NestedMmu): void {
  const acknowledges = (mmu.field12(VMCS.exit_controls) & EXIT.acknowledgeInterrupt) !== 0;
  mmu.setVmcs(VMCS.exit_reason, EXIT_REASON.external_interrupt, 0);
  mmu.setVmcs(VMCS.exit_qualification, 0, 0);
  mmu.setVmcs(VMCS.exit_interruption_info, acknowledges ? INTERRUPTION.valid | mmu.vcpu.takeInterrupt() : 0, 0);
}
