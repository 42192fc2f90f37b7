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

/** What to do about a `from` where `to` is wanted: `; write gpa_of(a)`. `written` is the value's text. */
export function misfitAdvice(from: ValueType, to: ValueType, written: string): string {
  if (!isAddress(from) || !isAddress(to)) return '';
  const question = conversion(from, to, written);
  return question === undefined ? `; no question leads from ${from} to ${to}` : `; write ${question}`;
}

/** `no argument`, `one argument`, `3 arguments`. */
export function counted(number: number, noun: string): string {
  return number === 0 ? `no ${noun}` : number === 1 ? `one ${noun}` : `${number} ${noun}s`;
}

/** `map(process p, gva address, gpa f, rights)`. */
export function signatureOf(name: string, parameters: readonly { readonly name: string; readonly type: ValueType }[]): string {
  return `${name}(${parameters.map((each) => (each.type === 'number' ? each.name : `${each.type} ${each.name}`)).join(', ')})`;
}
