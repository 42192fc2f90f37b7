import { CR4 } from '../../processor/controlRegisters';
import { eferReserved, vmxUnsupportedBits } from '../../processor/controlRegisterChecks';
import { EFER } from '../../processor/controlRegisters';
import { EXIT, type VmcsFieldName } from '../vmcs';
import {
  checksOf, type EntryCheck, type EntryContext, has, highOf, isBeyondPhysical, isCanonicalField, isHost64, isIa32eGuest, lowOf,
} from './entryCheck';

const RPL_AND_TI = 7;
const selectors: readonly VmcsFieldName[] = [
  'host_cs_selector', 'host_ss_selector', 'host_ds_selector', 'host_es_selector', 'host_fs_selector', 'host_gs_selector', 'host_tr_selector',
];
const bases: readonly VmcsFieldName[] = ['host_fs_base', 'host_gs_base', 'host_gdtr_base', 'host_idtr_base', 'host_tr_base'];

const loadsEfer = (c: EntryContext): boolean => has(c, 'exit_controls', EXIT.loadEfer);
const flagIs64 = (c: EntryContext, flag: number): boolean => has(c, 'host_ia32_efer', flag) === isHost64(c);

/** SDM Vol. 3, "Checks on Host Control Registers, MSRs, and SSP" and the sections after it: VM-instruction error 8. */
export const hostChecks: readonly EntryCheck[] = [
  ...checksOf('Checks on Host Control Registers, MSRs, and SSP', [
    ['host CR0 has a bit that VMX operation does not support', (c) => (
      highOf(c, 'host_cr0') !== 0 || vmxUnsupportedBits('cr0', lowOf(c, 'host_cr0'), 'restricted', c.features) !== 0
    )],
    ['host CR4 has a bit that VMX operation does not support', (c) => (
      highOf(c, 'host_cr4') !== 0 || vmxUnsupportedBits('cr4', lowOf(c, 'host_cr4'), 'restricted', c.features) !== 0
    )],
    ['host CR3 has a bit beyond the physical-address width', (c) => isBeyondPhysical(c, 'host_cr3')],
    ['host IA32_SYSENTER_ESP or IA32_SYSENTER_EIP is not canonical', (c) => (
      !isCanonicalField(c, 'host_sysenter_esp') || !isCanonicalField(c, 'host_sysenter_eip')
    )],
    ['host IA32_EFER has a reserved bit', (c) => (
      loadsEfer(c) && (highOf(c, 'host_ia32_efer') !== 0 || eferReserved(lowOf(c, 'host_ia32_efer')) !== 0)
    )],
    ['LMA or LME of host IA32_EFER is not as the host address-space size', (c) => (
      loadsEfer(c) && !(flagIs64(c, EFER.LMA) && flagIs64(c, EFER.LME))
    )],
    ['host IA32_PKRS has a bit above 31', (c) => has(c, 'exit_controls', EXIT.loadPkrs) && highOf(c, 'host_ia32_pkrs') !== 0],
  ]),
  ...checksOf('Checks on Host Segment and Descriptor-Table Registers', [
    ['a host selector has an RPL or the TI flag', (c) => selectors.some((name) => has(c, name, RPL_AND_TI))],
    ['the host CS selector is 0', (c) => (lowOf(c, 'host_cs_selector') & 0xffff) === 0],
    ['the host TR selector is 0', (c) => (lowOf(c, 'host_tr_selector') & 0xffff) === 0],
    ['the host SS selector is 0 for a host that is not 64-bit', (c) => !isHost64(c) && (lowOf(c, 'host_ss_selector') & 0xffff) === 0],
    ['a host base address is not canonical', (c) => bases.some((name) => !isCanonicalField(c, name))],
  ]),
  ...checksOf('Checks Related to Address-Space Size', [
    ['the host address-space size is not that of VMX root operation, which is in IA-32e mode', (c) => !isHost64(c)],
    ['an IA-32e mode guest with a host that is not 64-bit', (c) => !isHost64(c) && isIa32eGuest(c)],
    ['host CR4.PAE is 0 for a 64-bit host', (c) => isHost64(c) && !has(c, 'host_cr4', CR4.PAE)],
    ['host RIP is not canonical', (c) => isHost64(c) && !isCanonicalField(c, 'host_rip')],
    ['host CR4.PCIDE is 1 for a host that is not 64-bit', (c) => !isHost64(c) && has(c, 'host_cr4', CR4.PCIDE)],
    ['host RIP has a bit above 31 for a host that is not 64-bit', (c) => !isHost64(c) && highOf(c, 'host_rip') !== 0],
  ]),
];
