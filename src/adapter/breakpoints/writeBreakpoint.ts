import { CPU_AT, KIND, KIND_AT, SPACE, field } from '../../hardware/events/eventTable';

/** "Break on write to this entry": `write:gpa:0x3008`, optionally with a length in bytes: `write:gpa:0x3000:4096`. */
export interface WriteBreakpoint {
  readonly space: 'gpa' | 'hpa';
  /** Below 2^52, as every physical address is: exact as a number. */
  readonly address: number;
  readonly length: number;
  /** Whose guest-physical address it is, where there are several VMs: `write:alice.gpa:0x3008`. */
  readonly vm?: string;
}

const FORM = /^write:(?:(\w+)\.)?(gva|gpa|hva|hpa):(0x[0-9a-f]{1,16}|\d{1,20})(?::(0x[0-9a-f]{1,16}|\d{1,20}))?$/i;
const DECIMAL = /^\d+$/;
const ENTRY_BYTES = 8;
const PHYSICAL_ADDRESSES_END = 2 ** 52;

export function parseWriteBreakpoint(name: string): WriteBreakpoint | { readonly error: string } {
  const match = FORM.exec(name);
  if (match === null) {
    return { error: `"${name}" names no entry: write it as write:gpa:0x3008 or write:hpa:0x3008, as the table views do.` };
  }
  const [, vm] = match;
  const space = match[2]?.toLowerCase();
  if (space !== 'gpa' && space !== 'hpa') {
    return { error: `"${name}": a page-table entry is watched by its physical address, write:gpa:0x… or write:hpa:0x….` };
  }
  // What views and registers show is hex: `100000` is far more likely 0x100000 than 0x186a0.
  if (DECIMAL.test(match[3] ?? '')) {
    return { error: `"${name}" has its address without 0x: write write:${space}:0x${match[3] ?? ''}, as addresses are shown.` };
  }
  const address = Number(match[3]);
  const length = match[4] === undefined ? ENTRY_BYTES : Number(match[4]);
  if (length === 0 || address + length > PHYSICAL_ADDRESSES_END) {
    return { error: `"${name}" watches nothing: a physical address has 52 bits, and the length is 1 byte or more.` };
  }
  return { space, address, length, ...(vm === undefined ? {} : { vm }) };
}

/**
 * Guest stores to tables, and accessed and dirty flags that a walker sets: the processor, or the hypervisor that walks
 * for it. By host-physical address also the entries that hypervisor and host write.
 */
export function writeBreakpointKinds(breakpoint: WriteBreakpoint): readonly number[] {
  return breakpoint.space === 'gpa'
    ? [KIND.page_table_write, KIND.page_table_write_trapped, KIND.ad_update]
    : [KIND.page_table_write, KIND.entry_written, KIND.ad_update];
}

/** `isMeant`: whether tables of the guest on the CPU that an event carries are meant; left out: all are. */
export function writeBreakpointMatches(breakpoint: WriteBreakpoint, isMeant?: (cpu: number) => boolean): (record: Int32Array) => boolean {
  const isGuests = breakpoint.space === 'gpa';
  const end = breakpoint.address + breakpoint.length;
  return (record) => {
    const isFlagUpdate = record[KIND_AT] === KIND.ad_update;
    // Of the tables that lie in guest-physical memory a walk's `address` is that of the entry; `gpa` is what it translates.
    if (isGuests && isFlagUpdate && record[field.space.at] !== SPACE.guest) return false;
    if (isGuests && isMeant?.(record[CPU_AT]!) === false) return false;
    const at = !isGuests ? field.hpa.at : isFlagUpdate ? field.address.at : field.gpa.at;
    const size = record[field.size.at]! || ENTRY_BYTES;
    const from = record[at + 1]! * 2 ** 32 + (record[at]! >>> 0);
    return from < end && breakpoint.address < from + size;
  };
}
