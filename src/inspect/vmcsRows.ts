import { exitReasonOf } from '../hardware/vmx/exitReasons';
import { EPTP, VMCS, vmcsFields, type VmcsField, type VmcsFieldName } from '../hardware/vmx/vmcs';
import { fieldGroup, type VmcsFieldGroup } from '../hardware/vmx/vmcsEncoding';
import { type ControlVector, controlVectors } from '../hardware/vmx/vmxControls';
import { pairToBigInt } from '../engine/arithmetic';
import { halvesText, hex } from './addressText';
import { exceptionBitmapText, registerBitsText } from './controlBlockTexts';
import { eventInformationText } from './eventInformation';
import { named, type Row, type Rows } from './rows';

const BASIC_REASON = 0xffff;
const PAGE_MASK = 0xfff;

/** Groups in the order in which one looks at them. SDM Vol. 3, "Organization of VMCS Data". */
const groups: readonly { readonly group: VmcsFieldGroup; readonly name: string; readonly about: string }[] = [
  { group: 'exit information', name: 'VM-exit information fields', about: 'what the last VM exit has written' },
  { group: 'guest state', name: 'guest-state area', about: 'saved at VM exits, loaded at VM entries' },
  { group: 'control', name: 'control fields', about: 'VM-execution, VM-exit and VM-entry controls' },
  { group: 'host state', name: 'host-state area', about: 'loaded at VM exits' },
];

const controls = new Map<string, ControlVector>(Object.values(controlVectors).map((vector: ControlVector) => [vector.field, vector]));

/** What a field's number is followed by, for a person. */
const texts: Partial<Record<VmcsFieldName, (lo: number) => string>> = {
  exit_reason: (lo) => ` ${exitReasonOf(lo & BASIC_REASON)?.name ?? ''}`,
  eptp: (lo) => lo === 0 ? '' : ` page-walk length ${((lo >>> EPTP.walkLengthShift) & EPTP.walkLengthMask) + 1}${(lo & EPTP.accessedDirty) === 0 ? '' : ', accessed and dirty flags'}`,
  exception_bitmap: exceptionBitmapText,
  exit_interruption_info: event,
  idt_vectoring_info: event,
  entry_interruption_info: event,
  guest_cr0: (lo) => registerBitsText('cr0', lo),
  guest_cr4: (lo) => registerBitsText('cr4', lo),
  guest_ia32_efer: (lo) => registerBitsText('efer', lo),
  guest_rflags: (lo) => registerBitsText('rflags', lo),
  cr0_guest_host_mask: (lo) => registerBitsText('cr0', lo),
  cr0_read_shadow: (lo) => registerBitsText('cr0', lo),
  cr4_guest_host_mask: (lo) => registerBitsText('cr4', lo),
  cr4_read_shadow: (lo) => registerBitsText('cr4', lo),
  host_cr0: (lo) => registerBitsText('cr0', lo),
  host_cr4: (lo) => registerBitsText('cr4', lo),
  host_ia32_efer: (lo) => registerBitsText('efer', lo),
};

/** Fields that hold an address, by its space: for those that are root pointers bits 11:0 are something else. */
const addresses: Partial<Record<VmcsFieldName, 'gva' | 'gpa' | 'physical'>> = {
  guest_physical_address: 'gpa', guest_linear_address: 'gva', eptp: 'physical', guest_rip: 'gva', guest_rsp: 'gva', msr_bitmap: 'physical', pml_address: 'physical',
};

/**
 * All fields of a VMCS in groups, each by its name in the table of fields. `words`: a VMCS as a processor has it; `physical`: which
 * addresses are physical to the hypervisor that has made it, which may be a guest.
 */
export function vmcsRows(words: Int32Array, physical: 'hpa' | 'gpa' = 'hpa'): Rows {
  return named(() => groups.map(({ group, name, about }) => ({ name, value: about, below: named(() => fieldsOf(words, group, physical)) })));
}

function fieldsOf(words: Int32Array, group: VmcsFieldGroup, physical: 'hpa' | 'gpa'): readonly Row[] {
  const fields: readonly (VmcsField & { readonly name: VmcsFieldName })[] = vmcsFields;
  return fields.filter(({ encoding }) => fieldGroup(encoding) === group)
    .sort((a, b) => a.encoding - b.encoding)
    .map(({ name }) => fieldRow(name, words[VMCS[name]]!, words[VMCS[name] + 1]!, physical));
}

function fieldRow(name: VmcsFieldName, lo: number, hi: number, physical: 'hpa' | 'gpa'): Row {
  const vector = controls.get(name);
  if (vector !== undefined) return { name, ...controlsOf(vector, lo) };
  const space = addresses[name];
  const isRoot = name === 'eptp';
  const number = space === undefined ? hex(pairToBigInt(lo, hi)) : halvesText(space === 'physical' ? physical : space, isRoot ? lo & ~PAGE_MASK : lo, hi);
  return { name, value: `${number}${texts[name]?.(lo) ?? ''}` };
}

/** A vector of controls: those that are 1 by name, and below it each that the processor has. */
function controlsOf({ bits, mustBeOne }: ControlVector, lo: number): Omit<Row, 'name'> {
  const on = bits.filter(({ mask }) => (lo & mask) !== 0).map(({ name }) => name);
  return {
    value: [`0x${(lo >>> 0).toString(16)}`, on.join(', ')].join(' ').trim(),
    below: named(() => bits.map(({ name, mask }) => ({
      name, value: `${(lo & mask) === 0 ? 0 : 1}  bit ${31 - Math.clz32(mask)}${(mustBeOne & mask) === 0 ? '' : ', must be 1'}`,
    }))),
  };
}

function event(information: number): string {
  return ` ${eventInformationText(information)}`;
}
