import { CR0, CR0_KNOWN, EFER, RFLAGS } from '../processor/controlRegisters';
import { REGISTER } from '../processor/registers';
import {
  DESCRIPTOR_TABLE, SEGMENT_FIELD, SEGMENT_RIGHTS, SEGMENT_TYPE, SEGMENT_WORDS, type SegmentRegisters, segmentNames, TABLE_FIELD,
  tableAt,
} from '../segments/segmentRegisters';
import { ENTRY, EXIT, SS_DPL_SHIFT, VMCS } from './vmcs';
import { usesEpt } from './vmxTransitions';

/** Pairs of words of the register block that VM exits save and VM entries load as they are. */
const plain: readonly (readonly [register: number, field: number])[] = [
  [REGISTER.cr3, VMCS.guest_cr3], [REGISTER.cr4, VMCS.guest_cr4], [REGISTER.rflags, VMCS.guest_rflags], [REGISTER.rsp, VMCS.guest_rsp],
  [REGISTER.rip, VMCS.guest_rip], [REGISTER.activity, VMCS.guest_activity_state], [REGISTER.interruptibility, VMCS.guest_interruptibility],
];

/** Part of the guest state while EPT is on: else PDPTEs come from the table that CR3 names. */
const pdptes: readonly (readonly [register: number, field: number])[] = [
  [REGISTER.pdpte0, VMCS.guest_pdpte0], [REGISTER.pdpte1, VMCS.guest_pdpte1],
  [REGISTER.pdpte2, VMCS.guest_pdpte2], [REGISTER.pdpte3, VMCS.guest_pdpte3],
];

/** Words of the segment registers beside the fields of the VMCS: one word, or a pair. */
interface SegmentWord {
  readonly word: number;
  /** A `VMCS`. */
  readonly field: number;
  readonly words: 1 | 2;
}

const segmentWords: readonly SegmentWord[] = [
  ...segmentNames.flatMap((name, segment): SegmentWord[] => {
    const at = segment * SEGMENT_WORDS;
    return [
      { word: at + SEGMENT_FIELD.selector, field: VMCS[`guest_${name}_selector`], words: 1 },
      { word: at + SEGMENT_FIELD.rights, field: VMCS[`guest_${name}_access_rights`], words: 1 },
      { word: at + SEGMENT_FIELD.limit, field: VMCS[`guest_${name}_limit`], words: 1 },
      { word: at + SEGMENT_FIELD.base, field: VMCS[`guest_${name}_base`], words: 2 },
    ];
  }),
  ...(['gdtr', 'idtr'] as const).flatMap((name): SegmentWord[] => [
    { word: tableAt(DESCRIPTOR_TABLE[name]) + TABLE_FIELD.base, field: VMCS[`guest_${name}_base`], words: 2 },
    { word: tableAt(DESCRIPTOR_TABLE[name]) + TABLE_FIELD.limit, field: VMCS[`guest_${name}_limit`], words: 1 },
  ]),
];

const RPL = 3;
/**
 * Bits of CR0 that VM entries and VM exits leave as they are. SDM Vol. 3, "Loading Guest Control Registers, Debug Registers,
 * and MSRs": ET, CD, NW and the reserved ones.
 */
const CR0_KEPT = CR0.ET | CR0.CD | CR0.NW | ~CR0_KNOWN;

/** The registers of a processor that are guest state. */
export interface GuestProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly vmcs: Int32Array;
}

/** SDM Vol. 3, "Saving Guest State". */
export function saveGuestState({ registers, segments, vmcs }: GuestProcessor): void {
  vmcs[VMCS.guest_cr0] = registers[2 * REGISTER.cr0]!;
  copyOut(registers, vmcs, plain);
  if (usesEpt(vmcs)) copyOut(registers, vmcs, pdptes);
  const efer = registers[2 * REGISTER.efer]!;
  if ((vmcs[VMCS.exit_controls]! & EXIT.saveEfer) !== 0) vmcs[VMCS.guest_ia32_efer] = efer;
  setBits(vmcs, VMCS.entry_controls, ENTRY.ia32eModeGuest, efer & EFER.LMA);
  vmcs[VMCS.guest_ia32_pkrs] = registers[2 * REGISTER.pkrs]!;
  saveSegments({ registers, segments, vmcs });
}

/** The segment registers alone, with the CPL where a VMCS has it. */
export function saveSegments({ registers, segments, vmcs }: GuestProcessor): void {
  for (const { word, field, words } of segmentWords) {
    vmcs[field] = segments.words[word]!;
    vmcs[field + 1] = words === 2 ? segments.words[word + 1]! : 0;
  }
  setPrivilege(vmcs, registers[2 * REGISTER.cpl]!);
}

/** SDM Vol. 3, "Loading Guest State"; PDPTEs, without EPT, are the caller's to load from memory. */
export function loadGuestState({ registers, segments, vmcs }: GuestProcessor): void {
  registers[2 * REGISTER.cr0] = (vmcs[VMCS.guest_cr0]! & ~CR0_KEPT) | (registers[2 * REGISTER.cr0]! & CR0_KEPT);
  copyIn(registers, vmcs, plain);
  if (usesEpt(vmcs)) copyIn(registers, vmcs, pdptes);
  registers[2 * REGISTER.efer] = guestEfer(registers, vmcs);
  if ((vmcs[VMCS.entry_controls]! & ENTRY.loadPkrs) !== 0) registers[2 * REGISTER.pkrs] = vmcs[VMCS.guest_ia32_pkrs]!;
  for (const { word, field, words } of segmentWords) {
    segments.words[word] = vmcs[field]!;
    if (words === 2) segments.words[word + 1] = vmcs[field + 1]!;
  }
  registers[2 * REGISTER.cpl] = (vmcs[VMCS.guest_ss_access_rights]! >>> SS_DPL_SHIFT) & RPL;
}

/** Without the control to load it, LMA and, while paging, LME follow the IA-32e mode guest control. */
function guestEfer(registers: Int32Array, vmcs: Int32Array): number {
  const controls = vmcs[VMCS.entry_controls]!;
  if ((controls & ENTRY.loadEfer) !== 0) return vmcs[VMCS.guest_ia32_efer]!;
  const now = registers[2 * REGISTER.efer]!;
  const flags = (vmcs[VMCS.guest_cr0]! & CR0.PG) === 0 ? EFER.LMA : EFER.LMA | EFER.LME;
  return (controls & ENTRY.ia32eModeGuest) !== 0 ? now | flags : now & ~flags;
}

/**
 * The CPL is the DPL of SS. A scenario's `user` block changes the CPL and loads no segment: CS and SS are saved as the loads
 * that go with a change of CPL would have left them, but for a conforming CS.
 */
function setPrivilege(vmcs: Int32Array, cpl: number): void {
  setBits(vmcs, VMCS.guest_ss_access_rights, SEGMENT_RIGHTS.dplMask << SEGMENT_RIGHTS.dplShift, cpl << SEGMENT_RIGHTS.dplShift, 'value');
  // In real-address and virtual-8086 mode all of a selector is an address.
  if ((vmcs[VMCS.guest_cr0]! & CR0.PE) === 0 || (vmcs[VMCS.guest_rflags]! & RFLAGS.VM) !== 0) return;
  setBits(vmcs, VMCS.guest_ss_selector, RPL, cpl, 'value');
  const rights = vmcs[VMCS.guest_cs_access_rights]!;
  const isPlainCode = (rights & SEGMENT_TYPE.code) !== 0 && (rights & SEGMENT_TYPE.conforming) === 0;
  if (!isPlainCode) return;
  setBits(vmcs, VMCS.guest_cs_access_rights, SEGMENT_RIGHTS.dplMask << SEGMENT_RIGHTS.dplShift, cpl << SEGMENT_RIGHTS.dplShift, 'value');
  setBits(vmcs, VMCS.guest_cs_selector, RPL, cpl, 'value');
}

/** Gives the bits of `mask` the value, or all of them 1 when a flag is set. */
function setBits(words: Int32Array, at: number, mask: number, value: number, how: 'flag' | 'value' = 'flag'): void {
  const bits = how === 'value' ? value : value === 0 ? 0 : mask;
  words[at] = (words[at]! & ~mask) | bits;
}

function copyOut(registers: Int32Array, vmcs: Int32Array, rows: readonly (readonly [register: number, field: number])[]): void {
  for (const [register, field] of rows) {
    vmcs[field] = registers[2 * register]!;
    vmcs[field + 1] = registers[2 * register + 1]!;
  }
}

function copyIn(registers: Int32Array, vmcs: Int32Array, rows: readonly (readonly [register: number, field: number])[]): void {
  for (const [register, field] of rows) {
    registers[2 * register] = vmcs[field]!;
    registers[2 * register + 1] = vmcs[field + 1]!;
  }
}

/**
 * What a loader that fills in only the guest's control registers leaves out: the rest of the guest state as the processor has
 * it, and the controls by which EFER is switched. The CPL is the DPL of SS as it stands in the VMCS.
 */
export function completeVmcs(processor: GuestProcessor): void {
  const { registers, vmcs } = processor;
  const cpl = (vmcs[VMCS.guest_ss_access_rights]! >>> SS_DPL_SHIFT) & RPL;
  saveSegments(processor);
  setPrivilege(vmcs, cpl);
  copyOut(registers, vmcs, plain.slice(plain.findIndex(([register]) => register === REGISTER.rsp)));
  const isLong = (vmcs[VMCS.guest_ia32_efer]! & EFER.LMA) !== 0;
  vmcs[VMCS.entry_controls]! |= ENTRY.loadEfer | (isLong ? ENTRY.ia32eModeGuest : 0);
  vmcs[VMCS.exit_controls]! |= EXIT.saveEfer | EXIT.loadEfer;
  vmcs[VMCS.guest_ia32_pkrs] = registers[2 * REGISTER.pkrs]!;
}
