import { CR4 } from '../../processor/controlRegisters';
import { eferReserved, vmxUnsupportedBits } from '../../processor/controlRegisterChecks';
import { EFER } from '../../processor/controlRegisters';
import { EXIT, VMCS } from '../vmcs';
import {
  checksOf, type EntryCheck, type EntryContext, has, highOf, isBeyondPhysical, isCanonicalField, isHost64, isIa32eGuest, lowOf,
} from './entryCheck';

const RPL_AND_TI = 7;
const selectors = [
  VMCS.host_cs_selector, VMCS.host_ss_selector, VMCS.host_ds_selector, VMCS.host_es_selector, VMCS.host_fs_selector,
  VMCS.host_gs_selector, VMCS.host_tr_selector,
];
const bases = [VMCS.host_fs_base, VMCS.host_gs_base, VMCS.host_gdtr_base, VMCS.host_idtr_base, VMCS.host_tr_base];

const loadsEfer = (c: EntryContext): boolean => has(c, VMCS.exit_controls, EXIT.loadEfer);
const flagIs64 = (c: EntryContext, flag: number): boolean => has(c, VMCS.host_ia32_efer, flag) === isHost64(c);

/** SDM Vol. 3, "Checks on Host Control Registers, MSRs, and SSP" and the sections after it: VM-instruction error 8. */
export const hostChecks: readonly EntryCheck[] = [
  ...checksOf('Checks on Host Control Registers, MSRs, and SSP', [
    ['host CR0 has a bit that VMX operation does not support', (c) => (
      highOf(c, VMCS.host_cr0) !== 0 || vmxUnsupportedBits('cr0', lowOf(c, VMCS.host_cr0), 'restricted', c.features) !== 0
    )],
    ['host CR4 has a bit that VMX operation does not support', (c) => (
      highOf(c, VMCS.host_cr4) !== 0 || vmxUnsupportedBits('cr4', lowOf(c, VMCS.host_cr4), 'restricted', c.features) !== 0
    )],
    ['host CR3 has a bit beyond the physical-address width', (c) => isBeyondPhysical(c, VMCS.host_cr3)],
    ['host IA32_SYSENTER_ESP or IA32_SYSENTER_EIP is not canonical', (c) => (
      !isCanonicalField(c, VMCS.host_sysenter_esp) || !isCanonicalField(c, VMCS.host_sysenter_eip)
    )],
    ['host IA32_EFER has a reserved bit', (c) => (
      loadsEfer(c) && (highOf(c, VMCS.host_ia32_efer) !== 0 || eferReserved(lowOf(c, VMCS.host_ia32_efer)) !== 0)
    )],
    ['LMA or LME of host IA32_EFER is not as the host address-space size', (c) => (
      loadsEfer(c) && !(flagIs64(c, EFER.LMA) && flagIs64(c, EFER.LME))
    )],
    ['host IA32_PKRS has a bit above 31', (c) => has(c, VMCS.exit_controls, EXIT.loadPkrs) && highOf(c, VMCS.host_ia32_pkrs) !== 0],
  ]),
  ...checksOf('Checks on Host Segment and Descriptor-Table Registers', [
    ['a host selector has an RPL or the TI flag', (c) => selectors.some((field) => has(c, field, RPL_AND_TI))],
    ['the host CS selector is 0', (c) => (lowOf(c, VMCS.host_cs_selector) & 0xffff) === 0],
    ['the host TR selector is 0', (c) => (lowOf(c, VMCS.host_tr_selector) & 0xffff) === 0],
    ['the host SS selector is 0 for a host that is not 64-bit', (c) => !isHost64(c) && (lowOf(c, VMCS.host_ss_selector) & 0xffff) === 0],
    ['a host base address is not canonical', (c) => bases.some((field) => !isCanonicalField(c, field))],
  ]),
  ...checksOf('Checks Related to Address-Space Size', [
    ['the host address-space size is not that of VMX root operation, which is in IA-32e mode', (c) => !isHost64(c)],
    ['an IA-32e mode guest with a host that is not 64-bit', (c) => !isHost64(c) && isIa32eGuest(c)],
    ['host CR4.PAE is 0 for a 64-bit host', (c) => isHost64(c) && !has(c, VMCS.host_cr4, CR4.PAE)],
    ['host RIP is not canonical', (c) => isHost64(c) && !isCanonicalField(c, VMCS.host_rip)],
    ['host CR4.PCIDE is 1 for a host that is not 64-bit', (c) => !isHost64(c) && has(c, VMCS.host_cr4, CR4.PCIDE)],
    ['host RIP has a bit above 31 for a host that is not 64-bit', (c) => !isHost64(c) && highOf(c, VMCS.host_rip) !== 0],
  ]),
];
