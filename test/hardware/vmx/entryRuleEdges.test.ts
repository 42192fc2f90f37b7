import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import type { ProcessorSettings } from '../../../src/hardware/processor/rootMode';
import { controlChecks } from '../../../src/hardware/vmx/entryChecks/controlChecks';
import type { EntryContext } from '../../../src/hardware/vmx/entryChecks/entryCheck';
import { guestChecks } from '../../../src/hardware/vmx/entryChecks/guestChecks';
import { hostChecks } from '../../../src/hardware/vmx/entryChecks/hostChecks';
import { ENTRY, EXIT, INTERRUPTION, INTERRUPTION_TYPE, PRIMARY, SECONDARY, VMCS_REVISION } from '../../../src/hardware/vmx/vmcs';
import { machineWithVmcs } from './goodVmcs';
import {
  both, type Change, ept, event, eptWith, legacy, minus, pae, plus, rights, secondary, unrestricted, valuesOf, virtual8086,
} from './vmcsChanges';

/** How far a rule reaches: what a change of a good VMCS breaks, by the words of the rules; nothing where the rule does not apply. */
interface Edge {
  readonly of: string;
  readonly change: Change;
  readonly broken: readonly string[];
  readonly settings?: Partial<ProcessorSettings>;
}

const { externalInterrupt, nmi, hardwareException, softwareInterrupt } = INTERRUPTION_TYPE;
const LINK_PAGE = 0x5000;
const HLT = 1;
const SHUTDOWN = 2;
const IF = RFLAGS.fixed | RFLAGS.IF;
const TYPE = 0xf;
const DPL3 = 3 << 5;
const LONG = 1 << 13;
const BIG = 1 << 14;
const UNUSABLE = 1 << 16;
const la57Off: Partial<ProcessorSettings> = { features: { la57: 'off' } };
/** Unrestricted, outside IA-32e mode; CS as IA-32e mode has it unless it is told otherwise. */
const freely = (...changes: readonly Change[]): Change => both(
  unrestricted, minus('entry_controls', ENTRY.ia32eModeGuest), minus('guest_ia32_efer', EFER.LMA | EFER.LME), minus('guest_cr4', CR4.PAE), rights('cs', BIG, LONG),
  ...changes,
);
const inRealMode = (...changes: readonly Change[]): Change => freely(minus('guest_cr0', CR0.PG | CR0.PE), ...changes);
const inactive = (state: number, type: number, vector: number): Change => both(event(type, vector), { guest_activity_state: state, guest_rflags: IF });

const ERROR_CODE = 'the injected event has an error code that does not belong to it, or lacks its own';
const CANNOT_COME = 'the injected event cannot come in the activity state';
const RIP = 'bits of guest RIP above the linear-address width differ';
const LINK = 'the VMCS link pointer is neither a page\'s address nor FFFFFFFF_FFFFFFFFH';
const NO_VMCS = 'the VMCS link pointer points to no VMCS of this processor';
const PDPTE = 'a guest PDPTE has a reserved bit';
const BASE = 'a guest base is not canonical';
const CS_TYPE = 'guest CS is not an accessed code segment';
const CS_DPL = 'the DPL of guest CS does not go with its type and with SS';
const SS_DPL_REAL = 'the DPL of guest SS is not 0 in real-address mode';
const DATA_DPL = 'the DPL of a guest data segment is below its RPL';
const TSS = 'guest TR is no busy TSS';
const LIMIT = 'the limit of a guest segment does not go with its G flag';

/** SDM Vol. 3, "Checks on VMX Controls". */
const controls: readonly Edge[] = [
  { of: 'I/O bitmaps in pages', change: both(plus('primary_controls', PRIMARY.useIoBitmaps), { io_bitmap_a: 0x5000, io_bitmap_b: 0x6000 }), broken: [] },
  { of: 'an I/O bitmap A beside a page', change: both(plus('primary_controls', PRIMARY.useIoBitmaps), { io_bitmap_a: 0x5800 }), broken: ['an I/O-bitmap address is no page\'s'] },
  { of: 'an EPTP list that no VM function uses', change: { eptp_list_address: 0x10 }, broken: [] },
  { of: 'information of virtualization exceptions that there are not', change: { virtualization_exception_information_address: 0x10 }, broken: [] },
  ...(['exit_msr_store', 'exit_msr_load', 'entry_msr_load'] as const).map((area): Edge => (
    { of: `MSRs of ${area} at a multiple of 16`, change: { [`${area}_count`]: 1, [`${area}_address`]: 0x5010 }, broken: [] }
  )),
  { of: 'a page fault without error code in an unrestricted guest in protected mode', change: both(unrestricted, event(hardwareException, 14)), broken: [ERROR_CODE] },
  { of: 'a general-protection exception without error code in real mode', change: inRealMode(event(hardwareException, 13)), broken: [] },
  { of: 'a general-protection exception with error code in real mode', change: inRealMode(event(hardwareException, 13, INTERRUPTION.errorCodeValid)), broken: [ERROR_CODE] },
  { of: 'an external interrupt with a vector whose exception has an error code', change: both(event(externalInterrupt, 14), { guest_rflags: IF }), broken: [] },
  { of: 'an error code above 15 bits that is not injected', change: both(event(nmi, 2), { entry_exception_error_code: 0x1_0000 }), broken: [] },
  { of: 'an error code above 15 bits without an event', change: { entry_interruption_info: INTERRUPTION.errorCodeValid, entry_exception_error_code: 0x1_0000 }, broken: [] },
  { of: 'a long instruction before an NMI', change: both(event(nmi, 2), { entry_instruction_length: 16 }), broken: [] },
  { of: 'a long instruction without an event', change: { entry_interruption_info: softwareInterrupt, entry_instruction_length: 16 }, broken: [] },
];

/** SDM Vol. 3, "Checks on Host Control Registers, MSRs, and SSP". */
const host: readonly Edge[] = [
  { of: 'the upper half of host CR0', change: (m) => ({ host_cr0: m.field('host_cr0') | 1n << 32n }), broken: ['host CR0 has a bit that VMX operation does not support'] },
  { of: 'the upper half of host CR4', change: (m) => ({ host_cr4: m.field('host_cr4') | 1n << 63n }), broken: ['host CR4 has a bit that VMX operation does not support'] },
  { of: 'the upper half of host IA32_EFER', change: (m) => ({ host_ia32_efer: m.field('host_ia32_efer') | 1n << 32n }), broken: ['host IA32_EFER has a reserved bit'] },
  { of: 'a host IA32_PKRS that is loaded', change: both(plus('exit_controls', EXIT.loadPkrs), { host_ia32_pkrs: 0xffff_ffffn }), broken: [] },
  ...[46n, 47n, 62n, 63n].map((bit): Edge => ({ of: `bit ${bit} of host CR3`, change: { host_cr3: 1n << bit }, broken: ['host CR3 has a bit beyond the physical-address width'] })),
];

/** SDM Vol. 3, "Checks on Guest Control Registers, Debug Registers, and MSRs". */
const registers: readonly Edge[] = [
  { of: 'the upper half of guest CR0', change: (m) => ({ guest_cr0: m.field('guest_cr0') | 1n << 32n }), broken: ['guest CR0 has a bit that VMX operation does not support'] },
  { of: 'the upper half of guest CR4', change: (m) => ({ guest_cr4: m.field('guest_cr4') | 1n << 63n }), broken: ['guest CR4 has a bit that VMX operation does not support'] },
  { of: 'the upper half of guest IA32_EFER', change: (m) => ({ guest_ia32_efer: m.field('guest_ia32_efer') | 1n << 40n }), broken: ['guest IA32_EFER has a reserved bit'] },
  { of: 'LME that is not LMA while paging, in an IA32_EFER that is not loaded', change: both(minus('entry_controls', ENTRY.loadEfer), minus('guest_ia32_efer', EFER.LME)), broken: [] },
  { of: 'LME before paging', change: freely(minus('guest_cr0', CR0.PG), minus('guest_ia32_efer', EFER.LMA)), broken: [] },
];

/** SDM Vol. 3, "Checks on Guest Segment Registers", "Checks on Guest Descriptor-Table Registers". */
const segmentEdges: readonly Edge[] = [
  { of: 'a CS that is called unusable', change: rights('cs', UNUSABLE, 1 << 7), broken: ['a guest segment is not present'] },
  { of: 'a limit of 1 MByte in bytes', change: both({ guest_ds_limit: 0x10_0000 }, rights('ds', 0, 1 << 15)), broken: [LIMIT] },
  { of: 'a limit of 1 MByte less one in bytes', change: both({ guest_ds_limit: 0xf_fffe }, rights('ds', 0, 1 << 15)), broken: [] },
  { of: 'read/write data as CS', change: rights('cs', 3, TYPE), broken: [CS_TYPE] },
  { of: 'expand-down data as CS', change: rights('cs', 7, TYPE), broken: [CS_TYPE] },
  { of: 'read-only data as CS of an unrestricted guest', change: freely(rights('cs', BIG | 1, TYPE | LONG)), broken: [CS_TYPE] },
  { of: 'data as CS with a DPL', change: freely(rights('cs', BIG | DPL3 | 3, TYPE | LONG)), broken: [CS_DPL] },
  { of: 'data as CS, whatever the DPL of SS', change: freely(rights('cs', BIG | 3, TYPE | LONG), rights('ss', DPL3)), broken: [SS_DPL_REAL] },
  { of: 'conforming code below SS', change: both({ guest_ss_selector: 0x1b, guest_cs_selector: 0x13 }, rights('cs', 0xd, TYPE), rights('ss', DPL3)), broken: [] },
  { of: 'conforming code above SS', change: rights('cs', 0xd | DPL3, TYPE), broken: [CS_DPL] },
  { of: 'nonconforming code below SS', change: both({ guest_ss_selector: 0x1b, guest_cs_selector: 0x13 }, rights('ss', DPL3)), broken: [CS_DPL] },
  { of: 'data that has not been accessed', change: rights('fs', 2, TYPE), broken: ['a guest data segment is not accessed and readable'] },
  { of: 'an RPL above the DPL in an unrestricted guest', change: both(unrestricted, { guest_ds_selector: 0x1b }), broken: [] },
  { of: 'an RPL above the DPL of readable code', change: both({ guest_ds_selector: 0x1b }, rights('ds', 0xb, TYPE)), broken: [DATA_DPL] },
  { of: 'an RPL above the DPL of conforming code', change: both({ guest_ds_selector: 0x1b }, rights('ds', 0xf, TYPE)), broken: [] },
  { of: 'the upper half of a base in virtual-8086 mode', change: both(virtual8086, { guest_ds_base: 1n << 32n | 0x1000n }), broken: ['a base in virtual-8086 mode is not the selector times 16'] },
  { of: 'the base of an LDTR in use', change: { guest_ldtr_access_rights: 0x82, guest_ldtr_base: 1n << 60n }, broken: [BASE] },
  { of: 'the base of an unusable LDTR', change: { guest_ldtr_base: 1n << 60n }, broken: [] },
  { of: 'bit 47 of a base with 5-level paging', change: { guest_fs_base: 1n << 47n }, broken: [] },
  { of: 'bit 47 of a base without 5-level paging', change: { guest_fs_base: 1n << 47n }, broken: [BASE], settings: la57Off },
  { of: 'bit 56 of a base with 5-level paging', change: { guest_fs_base: 1n << 56n }, broken: [BASE] },
  { of: 'L and D of CS outside IA-32e mode', change: both(legacy, rights('cs', LONG | BIG)), broken: [] },
  { of: '32-bit code in IA-32e mode', change: rights('cs', BIG, LONG), broken: [] },
  { of: 'an available TSS outside IA-32e mode', change: both(legacy, rights('tr', 9, TYPE)), broken: [TSS] },
  { of: 'a busy 16-bit TSS in IA-32e mode', change: rights('tr', 3, TYPE), broken: [TSS] },
  { of: 'the limit of the GDT', change: { guest_gdtr_limit: 0x1_0000 }, broken: ['a guest descriptor-table limit is above 64 KBytes'] },
];

/** SDM Vol. 3, "Checks on Guest RIP, RFLAGS, and SSP", "Checks on Guest Non-Register State". */
const state: readonly Edge[] = [
  { of: 'RIP above 31 bits in compatibility mode', change: both(rights('cs', BIG, LONG), { guest_rip: 1n << 32n }), broken: ['guest RIP has a bit above 31 outside 64-bit mode'] },
  { of: 'RIP above 31 bits with L of CS outside IA-32e mode', change: both(legacy, rights('cs', LONG), { guest_rip: 1n << 32n }), broken: ['guest RIP has a bit above 31 outside 64-bit mode'] },
  { of: 'bit 50 of RIP with 5-level paging', change: { guest_rip: 1n << 50n }, broken: [] },
  { of: 'bit 50 of RIP without 5-level paging', change: { guest_rip: 1n << 50n }, broken: [RIP], settings: la57Off },
  { of: 'a RIP of ones above the width', change: { guest_rip: 0xfe00_0000_0000_0000n }, broken: [] },
  { of: 'a RIP of ones above the width but one', change: { guest_rip: 0xfc00_0000_0000_0000n }, broken: [RIP] },
  { of: 'the upper half of RFLAGS', change: { guest_rflags: 1n << 32n | BigInt(RFLAGS.fixed) }, broken: ['a reserved bit of guest RFLAGS is not what it must be'] },
  { of: 'the upper half of pending debug exceptions', change: { guest_pending_debug_exceptions: 1n << 32n }, broken: ['a reserved pending debug exception'] },
  { of: 'an external interrupt while halted', change: inactive(HLT, externalInterrupt, 0x30), broken: [] },
  { of: 'an NMI while halted', change: inactive(HLT, nmi, 2), broken: [] },
  { of: 'a debug exception while halted', change: inactive(HLT, hardwareException, 1), broken: [] },
  { of: 'a machine check while halted', change: inactive(HLT, hardwareException, 18), broken: [] },
  { of: 'an invalid opcode while halted', change: inactive(HLT, hardwareException, 6), broken: [CANNOT_COME] },
  { of: 'INT 1 while halted', change: inactive(HLT, softwareInterrupt, 1), broken: [CANNOT_COME] },
  { of: 'an NMI in shutdown', change: inactive(SHUTDOWN, nmi, 2), broken: [] },
  { of: 'a machine check in shutdown', change: inactive(SHUTDOWN, hardwareException, 18), broken: [] },
  { of: 'a debug exception in shutdown', change: inactive(SHUTDOWN, hardwareException, 1), broken: [CANNOT_COME] },
  { of: 'an external interrupt with the vector of a machine check in shutdown', change: inactive(SHUTDOWN, externalInterrupt, 18), broken: [CANNOT_COME] },
  { of: 'a link pointer with ones in the upper half', change: { vmcs_link_pointer: 0xffff_ffff_0000_5000n }, broken: [LINK, NO_VMCS] },
  { of: 'a link pointer of zeros below ones', change: { vmcs_link_pointer: 0xffff_ffff_0000_0000n }, broken: [LINK, NO_VMCS] },
  { of: 'a link pointer with ones in the lower half', change: { vmcs_link_pointer: 0xffff_ffffn }, broken: [LINK, NO_VMCS] },
  {
    of: 'a link pointer to a VMCS', broken: [], change: (machine) => {
      machine.put(BigInt(LINK_PAGE), BigInt(VMCS_REVISION));
      return { vmcs_link_pointer: LINK_PAGE };
    },
  },
];

/** SDM Vol. 3, "Checks on Guest Page-Directory-Pointer-Table Entries": the PDPTEs are illegal ones, and count for PAE paging alone. */
const pdptes: readonly Edge[] = [
  { of: 'PDPTEs in memory with PAE paging', change: pae, broken: [PDPTE] },
  { of: 'PDPTEs in the VMCS with PAE paging', change: both(pae, ept), broken: [PDPTE] },
  { of: 'PDPTEs in IA-32e mode', change: {}, broken: [] },
  { of: 'PDPTEs with 32-bit paging', change: legacy, broken: [] },
  { of: 'PDPTEs before paging', change: freely(minus('guest_cr0', CR0.PG), plus('guest_cr4', CR4.PAE)), broken: [] },
];

function brokenBy({ change, settings = {} }: Edge, arePdptesIllegal: () => boolean): string[] {
  const machine = machineWithVmcs({ settings });
  machine.vmcs(valuesOf(change, machine));
  const { vmcs, features } = machine.processor;
  const context: EntryContext = {
    vmcs, features, memory: machine.memory, maxphyaddr: 46, pdptes: { isIllegal: arePdptesIllegal, namesIllegal: arePdptesIllegal },
  };
  return [...controlChecks, ...hostChecks, ...guestChecks].filter((rule) => rule.broken(context)).map(({ name }) => name);
}

describe('the rules of a VM entry reach as far as the manual says', () => {
  for (const [what, edges, arePdptesIllegal] of [
    ['controls', controls, () => false], ['host state', host, () => false], ['guest registers', registers, () => false],
    ['guest segments', segmentEdges, () => false], ['other guest state', state, () => false], ['PDPTEs', pdptes, () => true],
  ] as const) {
    it(`in ${what}`, () => {
      for (const edge of edges) assert.deepEqual(brokenBy(edge, arePdptesIllegal), edge.broken, edge.of);
    });
  }

  it('whether secondary controls are in force or not', () => {
    const inForce = eptWith(SECONDARY.enablePml);
    assert.deepEqual(brokenBy({ of: '', change: both(inForce, { pml_address: 8 }), broken: [] }, () => false), ['the PML address is no page\'s']);
    const without = both(secondary(SECONDARY.enablePml), { pml_address: 8 }, minus('primary_controls', PRIMARY.secondaryControls));
    assert.deepEqual(brokenBy({ of: '', change: without, broken: [] }, () => false), []);
  });
});
