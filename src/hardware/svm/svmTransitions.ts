import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from '../processor/registers';
import {
  DESCRIPTOR_TABLE, SEGMENT, SEGMENT_FIELD, SEGMENT_RIGHTS, SEGMENT_WORDS, type SegmentRegisters, TABLE_FIELD, tableAt,
} from '../segments/segmentRegisters';
import { INTERRUPT_SHADOW, NESTED_CONTROL, VMCB, type VmcbFieldName } from './vmcb';

/** The registers of a processor that are guest state, and where they are saved. */
export interface SvmGuest {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly vmcb: Int32Array;
}

/** Guest state that #VMEXIT saves and VMRUN loads. APM Vol. 2, "VMRUN Instruction", "#VMEXIT". */
const control: readonly (readonly [number, VmcbFieldName])[] = [
  [REGISTER.cr0, 'guest_cr0'], [REGISTER.cr2, 'guest_cr2'], [REGISTER.cr3, 'guest_cr3'], [REGISTER.cr4, 'guest_cr4'],
  [REGISTER.efer, 'guest_efer'], [REGISTER.rflags, 'guest_rflags'], [REGISTER.cpl, 'guest_cpl'],
];

/** What a loader leaves as the processor has it. */
const program: readonly (readonly [number, VmcbFieldName])[] = [
  [REGISTER.rip, 'guest_rip'], [REGISTER.rsp, 'guest_rsp'], [REGISTER.rax, 'guest_rax'],
];

const segmentNames = ['es', 'cs', 'ss', 'ds'] as const;
const tableNames = ['gdtr', 'idtr'] as const;
const SHADOWED = INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs;
/** Type, S, DPL and P stand alike in rights and attributes; AVL, L, D/B and G four bits lower in attributes. */
const COMMON_ATTRIBUTES = 0xff;
const UPPER_ATTRIBUTES = 0xf00;
const UPPER_SHIFT = 4;

/** What #VMEXIT saves. EVENTINJ has lost its valid bit when VMRUN took the event. */
export function saveToVmcb(guest: SvmGuest): void {
  copyOut(guest.registers, guest.vmcb, control);
  saveProgram(guest);
}

/** The guest state that a loader leaves out: all but what decides its translation, as the processor has it. */
export function saveProgram({ registers, segments, vmcb }: SvmGuest): void {
  copyOut(registers, vmcb, program);
  vmcb[VMCB.interrupt_shadow] = (registers[2 * REGISTER.interruptibility]! & SHADOWED) === 0 ? 0 : INTERRUPT_SHADOW;
  for (const name of segmentNames) {
    const at = SEGMENT[name] * SEGMENT_WORDS;
    const rights = segments.words[at + SEGMENT_FIELD.rights]!;
    vmcb[VMCB[`guest_${name}_selector`]] = segments.words[at + SEGMENT_FIELD.selector]!;
    vmcb[VMCB[`guest_${name}_attributes`]] = (rights & COMMON_ATTRIBUTES) | ((rights >>> UPPER_SHIFT) & UPPER_ATTRIBUTES);
    vmcb[VMCB[`guest_${name}_limit`]] = segments.words[at + SEGMENT_FIELD.limit]!;
    copyPair(segments.words, at + SEGMENT_FIELD.base, vmcb, VMCB[`guest_${name}_base`]);
  }
  for (const name of tableNames) {
    const at = tableAt(DESCRIPTOR_TABLE[name]);
    vmcb[VMCB[`guest_${name}_limit`]] = segments.words[at + TABLE_FIELD.limit]!;
    copyPair(segments.words, at + TABLE_FIELD.base, vmcb, VMCB[`guest_${name}_base`]);
  }
}

/** A guest does not come back halted: no field tells of it. */
export function loadFromVmcb({ registers, segments, vmcb }: SvmGuest): void {
  for (const [register, name] of [...control, ...program]) copyPair(vmcb, VMCB[name], registers, 2 * register);
  const isShadowed = (vmcb[VMCB.interrupt_shadow]! & INTERRUPT_SHADOW) !== 0;
  const others = registers[2 * REGISTER.interruptibility]! & ~SHADOWED;
  registers[2 * REGISTER.interruptibility] = isShadowed ? others | INTERRUPTIBILITY.blockingBySti : others;
  registers[2 * REGISTER.activity] = ACTIVITY.active;
  for (const name of segmentNames) {
    const at = SEGMENT[name] * SEGMENT_WORDS;
    const attributes = vmcb[VMCB[`guest_${name}_attributes`]]!;
    const rights = (attributes & COMMON_ATTRIBUTES) | ((attributes & UPPER_ATTRIBUTES) << UPPER_SHIFT);
    segments.words[at + SEGMENT_FIELD.selector] = vmcb[VMCB[`guest_${name}_selector`]]!;
    segments.words[at + SEGMENT_FIELD.rights] = (rights & SEGMENT_RIGHTS.present) === 0 ? rights | SEGMENT_RIGHTS.unusable : rights;
    segments.words[at + SEGMENT_FIELD.limit] = vmcb[VMCB[`guest_${name}_limit`]]!;
    copyPair(vmcb, VMCB[`guest_${name}_base`], segments.words, at + SEGMENT_FIELD.base);
  }
  for (const name of tableNames) {
    const at = tableAt(DESCRIPTOR_TABLE[name]);
    segments.words[at + TABLE_FIELD.limit] = vmcb[VMCB[`guest_${name}_limit`]]!;
    copyPair(vmcb, VMCB[`guest_${name}_base`], segments.words, at + TABLE_FIELD.base);
  }
}

export function usesNestedPaging(vmcb: Int32Array): boolean {
  return (vmcb[VMCB.nested_control]! & NESTED_CONTROL.enable) !== 0;
}

/** Writes a pair of halves to a field. */
export function setField(vmcb: Int32Array, name: VmcbFieldName, lo: number, hi: number): void {
  vmcb[VMCB[name]] = lo;
  vmcb[VMCB[name] + 1] = hi;
}

function copyOut(registers: Int32Array, vmcb: Int32Array, rows: readonly (readonly [number, VmcbFieldName])[]): void {
  for (const [register, name] of rows) copyPair(registers, 2 * register, vmcb, VMCB[name]);
}

function copyPair(from: Int32Array, at: number, to: Int32Array, toAt: number): void {
  to[toAt] = from[at]!;
  to[toAt + 1] = from[at + 1]!;
}
