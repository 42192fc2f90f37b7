import { CR4, RFLAGS } from '../../hardware/processor/controlRegisters';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER, REGISTER_WORDS } from '../../hardware/processor/registers';
import { SegmentRegisters } from '../../hardware/segments/segmentRegisters';
import { Registry } from '../../hardware/state/registry';
import { LAUNCH_STATE, PRIMARY, SECONDARY, VMCS, type VmcsFieldName, vmcsFields } from '../../hardware/vmx/vmcs';
import { GuestHypervisorMemory } from '../../hypervisor/nested/guestHypervisorMemory';
import type { NestingEpt } from '../../hypervisor/nested/nestingEpt';
import { Vmcs12 } from '../../hypervisor/nested/vmcs12';
import { HEARD_PIN, prepareVmcs } from '../../hypervisor/prepareVmcs';
import { loadGuest } from './loader';
import type { RunningVm } from './runningVm';

const VPID = 1;

/** L1 runs with CR4.VMXE: it is in VMX operation when it starts. */
export function enableVmx({ processors }: RunningVm): void {
  for (const { registers } of processors) registers[2 * REGISTER.cr4]! |= CR4.VMXE;
}

/**
 * What a guest hypervisor finds when it starts: it has executed VMXON, and for each CPU of its nested guests VMCLEAR of a
 * region. That of its first guest's CPU is current, by VMPTRLD. The VMCS is filled in as L1 would run the guest from the state
 * that its loader leaves, but for the EPT, which is the scenario's to make. `regions`: L1's frames with the VMCS of each CPU of
 * `guest`, which are on the processors of `outer` of the same number.
 */
export function loadNestedGuest(outer: RunningVm, hypervisor: NestingEpt, guest: RunningVm, regions: readonly number[]): void {
  const { memory } = hypervisor.vm.host;
  regions.forEach((gfn, index) => {
    const processor = outer.processors[index]!;
    const l1 = new GuestHypervisorMemory(memory, hypervisor.vm.memory, processor.cpu);
    l1.back(gfn);
    const vmcs12 = new Vmcs12(l1);
    vmcs12.use(gfn);
    vmcs12.initialize();
    vmcs12.launchState = LAUNCH_STATE.clear;
    const words = fieldsFor(processor, hypervisor, guest);
    for (const { name } of vmcsFields) vmcs12.set(VMCS[name], words[VMCS[name]]!, words[VMCS[name] + 1]!);
    const state = hypervisor.states.of(processor.cpu);
    if (state.current < 0) state.current = gfn;
  });
}

function fieldsFor(processor: Processor, { vm: { host: { memory } }, guestMemory }: NestingEpt, { configuration }: RunningVm): Int32Array {
  const registers = new Int32Array(REGISTER_WORDS);
  registers[2 * REGISTER.rflags] = RFLAGS.fixed;
  const guest = {
    registers, segments: new SegmentRegisters(new Registry(), 0), vmcs: new Int32Array(2 * vmcsFields.length), features: processor.features,
  };
  // Without a kernel only registers are loaded: nothing is mapped yet.
  loadGuest(memory, guestMemory, [guest], { paging: configuration.paging, kernel: 'none', ram: 0 });
  prepareVmcs(guest, {
    pin: HEARD_PIN, primary: PRIMARY.hltExiting | PRIMARY.unconditionalIoExiting | PRIMARY.secondaryControls,
    secondary: SECONDARY.enableEpt | SECONDARY.unrestrictedGuest | SECONDARY.enableInvpcid | SECONDARY.enableVpid,
    ownedCr0: 0, ownedCr4: 0, msrBitmap: 0,
  });
  const set = (name: VmcsFieldName, register: number): void => {
    guest.vmcs[VMCS[name]] = processor.registers[2 * register]!;
    guest.vmcs[VMCS[name] + 1] = processor.registers[2 * register + 1]!;
  };
  guest.vmcs[VMCS.vpid] = VPID;
  set('host_cr0', REGISTER.cr0);
  set('host_cr3', REGISTER.cr3);
  set('host_cr4', REGISTER.cr4);
  set('host_ia32_efer', REGISTER.efer);
  return guest.vmcs;
}
