import { VMCS, vmcsFields, type VmcsField } from './vmcs';

/** Width of a field, as its encoding has it. */
export type VmcsFieldWidth = '16 bits' | '64 bits' | '32 bits' | 'natural width';
export type VmcsFieldGroup = 'control' | 'exit information' | 'guest state' | 'host state';

const widths: readonly VmcsFieldWidth[] = ['16 bits', '64 bits', '32 bits', 'natural width'];
const groups: readonly VmcsFieldGroup[] = ['control', 'exit information', 'guest state', 'host state'];

/**
 * What an encoding says of its field. SDM Vol. 3, "Structure of VMCS Component Encoding":
 *
 *   0 access type (1: high half of a 64-bit field)   9:1 index   11:10 type   14:13 width
 */
const HIGH_ACCESS = 1;
const TYPE_SHIFT = 10;
const WIDTH_SHIFT = 13;
const RESERVED = ~0x6fff;

export function fieldWidth(encoding: number): VmcsFieldWidth {
  return widths[(encoding >>> WIDTH_SHIFT) & 3]!;
}

export function fieldGroup(encoding: number): VmcsFieldGroup {
  return groups[(encoding >>> TYPE_SHIFT) & 3]!;
}

/** VMWRITE refuses fields of exit information: no VMWRITE to them is supported here. */
export function isReadOnly(encoding: number): boolean {
  return fieldGroup(encoding) === 'exit information';
}

/** Which part of a field an encoding names: `at` is the word index of the field's low half. */
export interface VmcsComponent {
  readonly field: VmcsField;
  readonly at: number;
  readonly part: 'all' | 'high half';
}

const components = new Map<number, VmcsComponent>();
for (const field of vmcsFields) {
  components.set(field.encoding, { field, at: VMCS[field.name], part: 'all' });
  if (fieldWidth(field.encoding) === '64 bits') {
    components.set(field.encoding | HIGH_ACCESS, { field, at: VMCS[field.name], part: 'high half' });
  }
}

/** What (lo, hi), an encoding in a 64-bit register, names; undefined when no field has it. */
export function vmcsComponent(lo: number, hi: number): VmcsComponent | undefined {
  return hi !== 0 || (lo & RESERVED) !== 0 ? undefined : components.get(lo);
}
