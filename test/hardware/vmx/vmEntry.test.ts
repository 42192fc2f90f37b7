import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS, RESUME } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { controlChecks } from '../../../src/hardware/vmx/entryChecks/controlChecks';
import type { EntryContext } from '../../../src/hardware/vmx/entryChecks/entryCheck';
import { guestChecks } from '../../../src/hardware/vmx/entryChecks/guestChecks';
import { hostChecks } from '../../../src/hardware/vmx/entryChecks/hostChecks';
import {
  ENTRY, EXIT, INTERRUPTION, INTERRUPTION_TYPE, PIN, PRIMARY, SECONDARY, VM_FUNCTION,
} from '../../../src/hardware/vmx/vmcs';
import type { TestMachine } from '../testMachine';
import type { ProcessorSettings } from '../../../src/hardware/processor/rootMode';
import { machineWithVmcs } from './goodVmcs';
import {
  BEYOND, both, type Change, ept, EPTP, eptWith, event, legacy, minus, NOT_CANONICAL, pae, plus, rights, secondary, unrestricted, valuesOf,
  virtual8086,
} from './vmcsChanges';

const page = 0x5000;

/** The check that a VMCS with this change breaks, first of all. */
interface Case {
  readonly name: string;
  readonly change: Change;
  /** Without it the VMCS of this change is one that a VM entry takes: it shows that the rule refuses no more than it must. */
  readonly good?: Change;
  /** Where it is not the processor of the other cases. */
  readonly settings?: Partial<ProcessorSettings>;
}

const controls: readonly Case[] = [
  { name: 'a bit of the pin-based VM-execution controls that must be 1 is 0', change: minus('pin_controls', 1 << 1) },
  { name: 'a bit of the pin-based VM-execution controls that must be 0 is 1', change: plus('pin_controls', 1 << 6), good: plus('pin_controls', PIN.nmiExiting) },
  { name: 'a bit of the primary processor-based VM-execution controls that must be 1 is 0', change: minus('primary_controls', 1 << 26) },
  { name: 'a bit of the primary processor-based VM-execution controls that must be 0 is 1', change: plus('primary_controls', 1 << 27), good: plus('primary_controls', PRIMARY.hltExiting) },
  { name: 'a bit of the secondary processor-based VM-execution controls that must be 0 is 1', change: secondary(1 << 0), good: both(secondary(1 << 0), minus('primary_controls', PRIMARY.secondaryControls)) },
  { name: 'the CR3-target count is above 4', change: { cr3_target_count: 5 }, good: { cr3_target_count: 4 } },
  { name: 'an I/O-bitmap address is no page\'s', change: both(plus('primary_controls', PRIMARY.useIoBitmaps), { io_bitmap_b: 0x1800 }), good: { io_bitmap_b: 0x1800 } },
  { name: 'the MSR-bitmap address is no page\'s', change: { msr_bitmap: BEYOND }, good: { msr_bitmap: page } },
  { name: 'virtual NMIs without NMI exiting', change: plus('pin_controls', PIN.virtualNmis), good: plus('pin_controls', PIN.virtualNmis | PIN.nmiExiting) },
  { name: 'NMI-window exiting without virtual NMIs', change: plus('primary_controls', PRIMARY.nmiWindowExiting), good: both(plus('primary_controls', PRIMARY.nmiWindowExiting), plus('pin_controls', PIN.virtualNmis | PIN.nmiExiting)) },
  { name: 'VPID 0 with the VPID control', change: { vpid: 0 }, good: both({ vpid: 0 }, minus('secondary_controls', SECONDARY.enableVpid)) },
  { name: 'the EPTP breaks a rule: the memory type of an EPTP is 0 (UC) or 6 (WB)', change: both(ept, { eptp: EPTP & ~6n | 1n }), good: both(ept, { eptp: EPTP & ~6n }) },
  { name: 'the EPTP breaks a rule: the page-walk length of an EPTP is 4, or 5 where the processor has 5-level EPT', change: both(ept, { eptp: EPTP & ~0x38n }), good: both(ept, { eptp: EPTP & ~0x38n | 4n << 3n }) },
  { name: 'the EPTP breaks a rule: bits 11:7 of an EPTP are reserved', change: both(ept, { eptp: EPTP | 1n << 7n }), good: both(ept, { eptp: EPTP | 1n << 6n }) },
  { name: 'the EPTP breaks a rule: bits of an EPTP at and above MAXPHYADDR are reserved', change: both(ept, { eptp: EPTP | BEYOND }), good: { eptp: EPTP | BEYOND } },
  {
    name: 'the EPTP breaks a rule: an EPTP enables accessed and dirty flags only where the processor has them for EPT',
    change: both(ept, { eptp: EPTP | 1n << 6n }), good: ept, settings: { features: { eptAccessedDirty: 'off' } },
  },
  { name: 'PML without EPT', change: secondary(SECONDARY.enablePml), good: eptWith(SECONDARY.enablePml) },
  { name: 'the PML address is no page\'s', change: both(eptWith(SECONDARY.enablePml), { pml_address: 8 }) },
  { name: 'unrestricted guest without EPT', change: secondary(SECONDARY.unrestrictedGuest), good: unrestricted },
  { name: 'mode-based execute control without EPT', change: secondary(SECONDARY.modeBasedExecute), good: eptWith(SECONDARY.modeBasedExecute) },
  { name: 'a bit of the VM-function controls that must be 0 is 1', change: both(eptWith(SECONDARY.enableVmFunctions), { vm_function_controls: 2 }), good: { vm_function_controls: 2 } },
  { name: 'EPTP switching without EPT', change: both(secondary(SECONDARY.enableVmFunctions), { vm_function_controls: VM_FUNCTION.eptpSwitching }), good: secondary(SECONDARY.enableVmFunctions) },
  { name: 'the EPTP-list address is no page\'s', change: both(eptWith(SECONDARY.enableVmFunctions), { vm_function_controls: VM_FUNCTION.eptpSwitching, eptp_list_address: 0x10 }) },
  { name: 'the virtualization-exception information address is no page\'s', change: both(eptWith(SECONDARY.eptViolationVe), { virtualization_exception_information_address: BEYOND }) },
  { name: 'a bit of the VM-exit controls that must be 1 is 0', change: minus('exit_controls', 1 << 0) },
  { name: 'a bit of the VM-exit controls that must be 0 is 1', change: plus('exit_controls', 1 << 31), good: plus('exit_controls', EXIT.acknowledgeInterrupt) },
  { name: 'the VM-exit MSR-store address is none', change: { exit_msr_store_count: 1, exit_msr_store_address: 8 }, good: { exit_msr_store_address: 8 } },
  { name: 'the VM-exit MSR-load address is none', change: { exit_msr_load_count: 1, exit_msr_load_address: BEYOND } },
  { name: 'a bit of the VM-entry controls that must be 1 is 0', change: minus('entry_controls', 1 << 0) },
  { name: 'a bit of the VM-entry controls that must be 0 is 1', change: plus('entry_controls', 1 << 30) },
  { name: 'the injected event has a reserved type', change: event(1 << 8, 3), good: { entry_interruption_info: 1 << 8 } },
  { name: 'the injected event is an NMI with a vector other than 2', change: event(INTERRUPTION_TYPE.nmi, 3), good: event(INTERRUPTION_TYPE.nmi, 2) },
  { name: 'the injected event is a hardware exception with a vector above 31', change: event(INTERRUPTION_TYPE.hardwareException, 32), good: event(INTERRUPTION_TYPE.hardwareException, 6) },
  { name: 'the injected event has an error code that does not belong to it, or lacks its own', change: event(INTERRUPTION_TYPE.hardwareException, 14), good: event(INTERRUPTION_TYPE.hardwareException, 14, INTERRUPTION.errorCodeValid) },
  { name: 'the injected event has an error code that does not belong to it, or lacks its own', change: event(INTERRUPTION_TYPE.hardwareException, 6, INTERRUPTION.errorCodeValid) },
  { name: 'a reserved bit of the interruption information is 1', change: event(INTERRUPTION_TYPE.nmi, 2, 1 << 12) },
  { name: 'the error code to be injected has a bit above 15', change: both(event(INTERRUPTION_TYPE.hardwareException, 13, INTERRUPTION.errorCodeValid), { entry_exception_error_code: 0x1_0000 }), good: both(event(INTERRUPTION_TYPE.hardwareException, 13, INTERRUPTION.errorCodeValid), { entry_exception_error_code: 0xffff }) },
  { name: 'the injected software event has an instruction length outside 0 to 15', change: both(event(INTERRUPTION_TYPE.softwareInterrupt, 0x80), { entry_instruction_length: 16 }), good: both(event(INTERRUPTION_TYPE.softwareInterrupt, 0x80), { entry_instruction_length: 15 }) },
  { name: 'the VM-entry MSR-load address is none', change: { entry_msr_load_count: 1, entry_msr_load_address: 1 } },
];

const host: readonly Case[] = [
  { name: 'host CR0 has a bit that VMX operation does not support', change: minus('host_cr0', CR0.NE) },
  { name: 'host CR4 has a bit that VMX operation does not support', change: minus('host_cr4', CR4.VMXE) },
  { name: 'host CR3 has a bit beyond the physical-address width', change: { host_cr3: BEYOND }, good: { host_cr3: BEYOND - 1n } },
  { name: 'host IA32_SYSENTER_ESP or IA32_SYSENTER_EIP is not canonical', change: { host_sysenter_eip: NOT_CANONICAL } },
  { name: 'host IA32_EFER has a reserved bit', change: plus('host_ia32_efer', 1 << 1), good: both(plus('host_ia32_efer', 1 << 1), minus('exit_controls', EXIT.loadEfer)) },
  { name: 'LMA or LME of host IA32_EFER is not as the host address-space size', change: minus('host_ia32_efer', EFER.LME) },
  { name: 'host IA32_PKRS has a bit above 31', change: both(plus('exit_controls', EXIT.loadPkrs), { host_ia32_pkrs: 1n << 32n }), good: { host_ia32_pkrs: 1n << 32n } },
  { name: 'a host selector has an RPL or the TI flag', change: { host_gs_selector: 0x1b }, good: { host_gs_selector: 0x18 } },
  { name: 'the host CS selector is 0', change: { host_cs_selector: 0 } },
  { name: 'the host TR selector is 0', change: { host_tr_selector: 0 } },
  { name: 'a host base address is not canonical', change: { host_idtr_base: NOT_CANONICAL }, good: { host_idtr_base: 0xffff_8000_0000_0000n } },
  { name: 'host CR4.PAE is 0 for a 64-bit host', change: minus('host_cr4', CR4.PAE) },
  { name: 'host RIP is not canonical', change: { host_rip: NOT_CANONICAL } },
];

const guest: readonly Case[] = [
  { name: 'guest CR0 has a bit that VMX operation does not support', change: minus('guest_cr0', CR0.NE) },
  { name: 'guest CR0 has a bit that VMX operation does not support', change: both(legacy, minus('guest_cr0', CR0.PG)), good: both(legacy, unrestricted, minus('guest_cr0', CR0.PG | CR0.PE)) },
  { name: 'guest CR0.PG without PE', change: both(unrestricted, minus('guest_cr0', CR0.PE)) },
  { name: 'guest CR4 has a bit that VMX operation does not support', change: minus('guest_cr4', CR4.VMXE) },
  { name: 'guest CR4 has a bit that VMX operation does not support', change: plus('guest_cr4', 1 << 30) },
  { name: 'an IA-32e mode guest without CR0.PG', change: both(unrestricted, minus('guest_cr0', CR0.PG)) },
  { name: 'an IA-32e mode guest without CR4.PAE', change: minus('guest_cr4', CR4.PAE) },
  { name: 'guest CR4.PCIDE outside IA-32e mode', change: both(legacy, (m) => ({ guest_cr4: m.field('guest_cr4') & ~BigInt(CR4.PAE) | BigInt(CR4.PCIDE) })), good: plus('guest_cr4', CR4.PCIDE) },
  { name: 'guest CR3 has a bit beyond the physical-address width', change: { guest_cr3: BEYOND } },
  { name: 'guest IA32_SYSENTER_ESP or IA32_SYSENTER_EIP is not canonical', change: { guest_sysenter_esp: NOT_CANONICAL } },
  { name: 'guest IA32_EFER has a reserved bit', change: plus('guest_ia32_efer', EFER.SVME), good: both(plus('guest_ia32_efer', EFER.SVME), minus('entry_controls', ENTRY.loadEfer)) },
  { name: 'guest IA32_EFER.LMA is not as the IA-32e mode guest control', change: minus('guest_ia32_efer', EFER.LMA) },
  { name: 'guest IA32_EFER.LMA is not LME while paging', change: minus('guest_ia32_efer', EFER.LME) },
  { name: 'guest IA32_PKRS has a bit above 31', change: { guest_ia32_pkrs: 1n << 32n }, good: both({ guest_ia32_pkrs: 1n << 32n }, minus('entry_controls', ENTRY.loadPkrs)) },
  { name: 'the TI flag of guest TR is 1', change: { guest_tr_selector: 0x44 } },
  { name: 'the TI flag of guest LDTR is 1', change: both({ guest_ldtr_selector: 4, guest_ldtr_access_rights: 0x82 }), good: { guest_ldtr_selector: 4 } },
  { name: 'the RPL of guest SS is not that of CS', change: { guest_cs_selector: 0x13 }, good: both(unrestricted, { guest_cs_selector: 0x13 }) },
  { name: 'a base in virtual-8086 mode is not the selector times 16', change: both(virtual8086, { guest_ds_base: 0x1010 }), good: virtual8086 },
  { name: 'a guest base is not canonical', change: { guest_fs_base: NOT_CANONICAL }, good: { guest_fs_base: 0xffff_8000_0000_0000n } },
  { name: 'a guest base has a bit above 31', change: { guest_ss_base: 1n << 32n }, good: both({ guest_ss_base: 1n << 32n }, rights('ss', 1 << 16)) },
  { name: 'a limit in virtual-8086 mode is not 64 KBytes', change: both(virtual8086, { guest_gs_limit: 0xfffff }) },
  { name: 'access rights in virtual-8086 mode are not F3H', change: both(virtual8086, { guest_cs_access_rights: 0x93 }) },
  { name: 'guest CS is not an accessed code segment', change: rights('cs', 0, 1), good: both(unrestricted, rights('cs', 3, 0xf | 1 << 13)) },
  { name: 'guest SS is not an accessed writable data segment', change: rights('ss', 0, 2), good: rights('ss', 4) },
  { name: 'a guest data segment is not accessed and readable', change: rights('fs', 9, 0xf), good: rights('fs', 0xb, 0xf) },
  { name: 'the S flag of a guest segment is 0', change: rights('es', 0, 1 << 4), good: rights('es', 1 << 16, 1 << 4) },
  { name: 'the DPL of guest CS does not go with its type and with SS', change: rights('cs', 3 << 5), good: both(rights('cs', 4 | 3 << 5), both({ guest_ss_selector: 0x1b, guest_cs_selector: 0x13 }, rights('ss', 3 << 5))) },
  { name: 'the DPL of guest SS is not its RPL', change: both({ guest_ss_selector: 0x1b, guest_cs_selector: 0x13 }) },
  { name: 'the DPL of guest SS is not 0 in real-address mode', change: both(legacy, unrestricted, minus('guest_cr0', CR0.PG | CR0.PE), both(rights('ss', 3 << 5), (m) => ({ guest_cs_access_rights: m.field('guest_cs_access_rights') & ~0x2000n | 0x4060n }))) },
  { name: 'the DPL of a guest data segment is below its RPL', change: { guest_ds_selector: 0x1b }, good: both({ guest_ds_selector: 0x1b }, rights('ds', 3 << 5)) },
  { name: 'a guest segment is not present', change: rights('ds', 0, 1 << 7), good: rights('ds', 1 << 16, 1 << 7) },
  { name: 'reserved access rights of a guest segment are 1', change: rights('gs', 1 << 8) },
  { name: 'guest CS is both a 64-bit and a 32-bit segment', change: rights('cs', 1 << 14) },
  { name: 'the limit of a guest segment does not go with its G flag', change: { guest_cs_limit: 0xf000 }, good: both({ guest_cs_limit: 0xf000 }, rights('cs', 0, 1 << 15)) },
  { name: 'guest TR is no busy TSS', change: rights('tr', 9, 0xf), good: both(legacy, rights('tr', 3, 0xf)) },
  { name: 'the S flag of guest TR is 1', change: rights('tr', 1 << 4) },
  { name: 'guest TR is not present', change: rights('tr', 0, 1 << 7) },
  { name: 'reserved access rights of guest TR are 1', change: rights('tr', 1 << 11) },
  { name: 'the limit of guest TR does not go with its G flag', change: rights('tr', 1 << 15) },
  { name: 'guest TR is unusable', change: rights('tr', 1 << 16) },
  { name: 'guest LDTR is no LDT', change: { guest_ldtr_access_rights: 0x83 }, good: { guest_ldtr_access_rights: 0x82 } },
  { name: 'the S flag of guest LDTR is 1', change: { guest_ldtr_access_rights: 0x92 } },
  { name: 'guest LDTR is not present', change: { guest_ldtr_access_rights: 0x02 } },
  { name: 'reserved access rights of guest LDTR are 1', change: { guest_ldtr_access_rights: 0x182 } },
  { name: 'the limit of guest LDTR does not go with its G flag', change: { guest_ldtr_access_rights: 0x8082 } },
  { name: 'a guest descriptor-table base is not canonical', change: { guest_gdtr_base: NOT_CANONICAL } },
  { name: 'a guest descriptor-table limit is above 64 KBytes', change: { guest_idtr_limit: 0x1_0000 }, good: { guest_idtr_limit: 0xffff } },
  { name: 'guest RIP has a bit above 31 outside 64-bit mode', change: both(legacy, { guest_rip: 1n << 32n }), good: { guest_rip: 1n << 32n } },
  { name: 'bits of guest RIP above the linear-address width differ', change: { guest_rip: NOT_CANONICAL }, good: { guest_rip: 1n << 56n } },
  { name: 'a reserved bit of guest RFLAGS is not what it must be', change: { guest_rflags: 0 } },
  { name: 'a reserved bit of guest RFLAGS is not what it must be', change: { guest_rflags: RFLAGS.fixed | 1 << 15 } },
  { name: 'guest RFLAGS.VM in IA-32e mode or without CR0.PE', change: both(virtual8086, plus('entry_controls', ENTRY.ia32eModeGuest), (m) => ({ guest_ia32_efer: m.field('guest_ia32_efer'), guest_cr4: m.field('guest_cr4') })) },
  { name: 'an external interrupt is injected with RFLAGS.IF 0', change: event(INTERRUPTION_TYPE.externalInterrupt, 0x30), good: both(event(INTERRUPTION_TYPE.externalInterrupt, 0x30), { guest_rflags: RFLAGS.fixed | RFLAGS.IF }) },
  { name: 'the activity state is none that there is', change: { guest_activity_state: 4 }, good: { guest_activity_state: 3 } },
  { name: 'the activity state is HLT with a CPL other than 0', change: both({ guest_activity_state: 1, guest_ss_selector: 0x1b, guest_cs_selector: 0x13 }, rights('ss', 3 << 5), rights('cs', 3 << 5)), good: { guest_activity_state: 1 } },
  { name: 'the activity state is not active while STI or MOV SS blocks', change: { guest_activity_state: 1, guest_interruptibility: 1, guest_rflags: RFLAGS.fixed | RFLAGS.IF } },
  { name: 'the injected event cannot come in the activity state', change: both(event(INTERRUPTION_TYPE.hardwareException, 6), { guest_activity_state: 1 }), good: both(event(INTERRUPTION_TYPE.hardwareException, 1), { guest_activity_state: 1 }) },
  { name: 'the injected event cannot come in the activity state', change: both(event(INTERRUPTION_TYPE.nmi, 2), { guest_activity_state: 3 }), good: both(event(INTERRUPTION_TYPE.nmi, 2), { guest_activity_state: 2 }) },
  { name: 'a reserved bit of the interruptibility state is 1', change: { guest_interruptibility: 1 << 5 } },
  { name: 'both STI and MOV SS block', change: { guest_interruptibility: 3, guest_rflags: RFLAGS.fixed | RFLAGS.IF } },
  { name: 'STI blocks with RFLAGS.IF 0', change: { guest_interruptibility: 1 }, good: { guest_interruptibility: 1, guest_rflags: RFLAGS.fixed | RFLAGS.IF } },
  { name: 'an external interrupt is injected while STI or MOV SS blocks', change: both(event(INTERRUPTION_TYPE.externalInterrupt, 0x30), { guest_interruptibility: 2, guest_rflags: RFLAGS.fixed | RFLAGS.IF }) },
  { name: 'SMI blocking outside system-management mode', change: { guest_interruptibility: 1 << 2 } },
  { name: 'an NMI is injected while NMIs are blocked', change: both(event(INTERRUPTION_TYPE.nmi, 2), plus('pin_controls', PIN.virtualNmis | PIN.nmiExiting), { guest_interruptibility: 1 << 3 }), good: both(event(INTERRUPTION_TYPE.nmi, 2), { guest_interruptibility: 1 << 3 }) },
  { name: 'a reserved pending debug exception', change: { guest_pending_debug_exceptions: 1 << 4 } },
  { name: 'an NMI is injected while MOV SS blocks', change: both(event(INTERRUPTION_TYPE.nmi, 2), { guest_interruptibility: 2 }) },
  { name: 'an NMI is injected while STI blocks', change: both(event(INTERRUPTION_TYPE.nmi, 2), { guest_interruptibility: 1, guest_rflags: RFLAGS.fixed | RFLAGS.IF }) },
  { name: 'the VMCS link pointer is neither a page\'s address nor FFFFFFFF_FFFFFFFFH', change: { vmcs_link_pointer: 0x5008 } },
  { name: 'the VMCS link pointer points to no VMCS of this processor', change: { vmcs_link_pointer: page } },
  { name: 'a guest PDPTE has a reserved bit', change: both(pae, (m) => { m.put(m.field('guest_cr3') + 8n, 0x7003n); return {}; }), good: both(pae, (m) => { m.put(m.field('guest_cr3') + 8n, 0x7002n); return {}; }) },
  { name: 'a guest PDPTE has a reserved bit', change: both(pae, ept, { guest_pdpte2: 3 }), good: both(pae, ept, { guest_pdpte2: 1 }) },
];

/** VMLAUNCH of a good VMCS with this change. */
function launched(change: Change, settings: Partial<ProcessorSettings> = {}): { readonly machine: TestMachine; readonly status: number } {
  const machine = machineWithVmcs({ settings });
  machine.vmcs(valuesOf(change, machine));
  return { machine, status: machine.processor.launch() };
}

/** A processor that has been told to inject an event may be in its handler, or at it. */
const isEntered = (status: number): boolean => status === STATUS.done || status === STATUS.exception;

/** SDM Vol. 3, "VM-Entry Failures During or After Loading Guest State": four rules have a qualification of their own. */
function qualificationOf(rule: string): bigint {
  if (rule.includes('PDPTE')) return 2n;
  if (rule === 'an NMI is injected while STI blocks') return 3n;
  return rule.includes('link pointer') ? 4n : 0n;
}

describe('a VM entry', () => {
  it('takes a VMCS as hypervisors here fill it in', () => {
    const { machine, status } = launched({});
    assert.equal(machine.processor.stopReason, '');
    assert.equal(status, STATUS.done);
  });

  for (const [section, cases, what] of [
    ['controls', controls, 'error 7'], ['host state', host, 'error 8'], ['guest state', guest, 'exit reason 33'],
  ] as const) {
    for (const { name, change, good, settings } of cases) {
      it(`refuses ${section}: ${name}`, () => {
        const { machine, status } = launched(change, settings);
        assert.equal(status, STATUS.stopped);
        assert.ok(machine.processor.stopReason.includes(`${what}, `), machine.processor.stopReason);
        assert.ok(machine.processor.stopReason.includes(`: ${name} (SDM`), machine.processor.stopReason);
        if (section === 'guest state') assert.equal(machine.field('exit_qualification'), qualificationOf(name));
        if (good === undefined) return;
        const taken = launched(good, settings);
        assert.ok(isEntered(taken.status), `but not without it: ${taken.machine.processor.stopReason}`);
      });
    }
  }

  it('has each of its rules broken above, but for those that no processor here can break', () => {
    const tested = new Set([...controls, ...host, ...guest].map(({ name }) => name));
    const rest = [...controlChecks, ...hostChecks, ...guestChecks].map(({ name }) => name).filter((name) => !tested.has(name));
    assert.deepEqual(rest, [
      // No secondary or VM-function control must be 1.
      'a bit of the secondary processor-based VM-execution controls that must be 1 is 0',
      // Root operation is in IA-32e mode: a host that is not 64-bit is refused by LMA before, or by its size first. Below, by themselves:
      'the host SS selector is 0 for a host that is not 64-bit',
      'the host address-space size is not that of VMX root operation, which is in IA-32e mode',
      'an IA-32e mode guest with a host that is not 64-bit',
      'host CR4.PCIDE is 1 for a host that is not 64-bit',
      'host RIP has a bit above 31 for a host that is not 64-bit',
    ]);
  });

  it('holds a host that is not 64-bit to rules of its own, whatever other rules it breaks', () => {
    const size = 'the host address-space size is not that of VMX root operation, which is in IA-32e mode';
    const ia32e = 'an IA-32e mode guest with a host that is not 64-bit';
    const host32: Change = minus('exit_controls', EXIT.hostAddressSpaceSize | EXIT.loadEfer);
    const expected: readonly (readonly [change: Change, broken: readonly string[]])[] = [
      [{}, []],
      [host32, [size, ia32e]],
      [both(host32, legacy), [size]],
      [both(host32, { host_ss_selector: 0 }), ['the host SS selector is 0 for a host that is not 64-bit', size, ia32e]],
      [{ host_ss_selector: 0 }, []],
      [both(host32, plus('host_cr4', CR4.PCIDE)), [size, ia32e, 'host CR4.PCIDE is 1 for a host that is not 64-bit']],
      [plus('host_cr4', CR4.PCIDE), []],
      [both(host32, { host_rip: 1n << 32n }), [size, ia32e, 'host RIP has a bit above 31 for a host that is not 64-bit']],
      [{ host_rip: 1n << 32n }, []],
    ];
    for (const [change, broken] of expected) {
      const machine = machineWithVmcs();
      machine.vmcs({ host_ss_selector: 0x18, ...valuesOf(change, machine) });
      const { vmcs, features } = machine.processor;
      // No rule about the host asks of PDPTEs.
      const pdptes = { isIllegal: () => false, namesIllegal: () => false };
      const context: EntryContext = { vmcs, features, memory: machine.memory, maxphyaddr: 46, pdptes };
      assert.deepEqual(hostChecks.filter((rule) => rule.broken(context)).map(({ name }) => name), broken);
    }
  });

  it('that fails for controls or host state leaves its error number, for guest state reason, bit 31 and qualification', () => {
    for (const [change, error] of [[{ cr3_target_count: 9 }, 7n], [{ host_cr3: BEYOND }, 8n]] as const) {
      const { machine } = launched(change);
      assert.equal(machine.field('vm_instruction_error'), error);
      assert.equal(machine.processor.registers[2 * REGISTER.nonRoot], 0, 'still in root operation');
    }
    for (const [change, qualification] of [
      [{ guest_rflags: 0 }, 0n], [both(pae, ept, { guest_pdpte1: 3 }), 2n],
      [both(event(INTERRUPTION_TYPE.nmi, 2), { guest_interruptibility: 1, guest_rflags: RFLAGS.fixed | RFLAGS.IF }), 3n],
      [both(event(INTERRUPTION_TYPE.nmi, 2), { guest_interruptibility: 2 }), 0n], [{ vmcs_link_pointer: 1 }, 4n],
    ] as const) {
      const { machine } = launched(change);
      assert.deepEqual([machine.field('exit_reason'), machine.field('exit_qualification')], [0x8000_0021n, qualification]);
      assert.equal(machine.processor.registers[2 * REGISTER.nonRoot], 0);
    }
  });

  it('is VMLAUNCH with a clear VMCS and VMRESUME with a launched one', () => {
    const { machine } = launched({});
    assert.equal(machine.processor.launch(), STATUS.stopped);
    assert.match(machine.processor.stopReason, /error 4, VMLAUNCH with non-clear VMCS/);
    const cleared = machineWithVmcs();
    cleared.processor.vmcsInstructions.clear();
    assert.equal(cleared.processor.launch(), STATUS.stopped);
    assert.match(cleared.processor.stopReason, /no current VMCS/);
    cleared.processor.vmcsInstructions.makeCurrent();
    assert.equal(cleared.processor.launch(), STATUS.done);
  });

  it('is checked again at each VMRESUME: what a handler breaks stops the machine with the rule', () => {
    const { machine } = launched({});
    machine.onExit = () => {
      machine.vmcs({ guest_rflags: 0 });
      return RESUME.completed;
    };
    assert.equal(machine.processor.cpuid(), STATUS.stopped);
    assert.match(machine.processor.stopReason, /exit reason 33.*reserved bit of guest RFLAGS/);
  });

  it('leaves CD, NW and ET of CR0 as they are, and without its control IA32_EFER but for LMA and LME', () => {
    const machine = machineWithVmcs();
    machine.vmcs(both(plus('guest_cr0', CR0.CD), { guest_ia32_efer: 0 }, minus('entry_controls', ENTRY.loadEfer))(machine));
    assert.equal(machine.processor.launch(), STATUS.done);
    assert.equal(machine.register('cr0') & BigInt(CR0.CD), 0n);
    assert.equal(machine.register('efer'), BigInt(EFER.LMA | EFER.LME | EFER.NXE), 'NXE is root\'s');
  });
});
