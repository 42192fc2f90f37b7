import type { ValueType } from '../program';

export type AddressSpace = 'gva' | 'gpa' | 'hva' | 'hpa';

const SPACE_NAMES: Readonly<Record<AddressSpace, string>> = {
  gva: 'a linear address (gva)',
  gpa: 'a guest-physical address (gpa)',
  hva: 'a host-virtual address (hva)',
  hpa: 'a host-physical address (hpa)',
};

export function isAddress(type: ValueType): type is AddressSpace {
  return type === 'gva' || type === 'gpa' || type === 'hva' || type === 'hpa';
}

/** True for what arithmetic can be done with: numbers, truth values and addresses. */
export function isNumeric(type: ValueType): boolean {
  return type === 'number' || type === 'truth' || isAddress(type);
}

/** `a linear address (gva)`, `a number`, for messages. */
export function described(type: ValueType): string {
  if (isAddress(type)) return SPACE_NAMES[type];
  if (type === 'none') return 'nothing';
  if (type === 'truth') return 'a truth value';
  return `a ${type}`;
}

/** How to come from one space to another, with `a` as the address; undefined where no question leads there. */
export function conversion(from: AddressSpace, to: AddressSpace, written: string): string | undefined {
  const linear = from === 'gva' ? written : from === 'gpa' ? `direct(${written})` : undefined;
  if (linear === undefined) return undefined;
  return to === 'gva' ? linear : `${to}_of(${linear})`;
}

/** True when a value of type `from` may stand where `to` is wanted. A number fits every space, a space only itself. */
export function fits(from: ValueType, to: ValueType): boolean {
  if (from === to) return true;
  if (!isNumeric(from) || !isNumeric(to)) return false;
  return !(isAddress(from) && isAddress(to));
}

/** One sentence why `from` does not fit, with the question that converts. `written` is the value's text. */
export function misfit(from: ValueType, to: ValueType, written: string): string {
  const what = `\`${written}\` is ${described(from)}, and ${described(to)} is wanted`;
  if (!isAddress(from) || !isAddress(to)) return `${what}.`;
  const question = conversion(from, to, written);
  return question === undefined ? `${what}; no question leads from ${from} to ${to}.` : `${what}; write ${question}.`;
}
