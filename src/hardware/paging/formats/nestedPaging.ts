import type { PagingFormat } from '../pagingFormat';
import { LEGACY32 } from './legacy32';
import { LONG4 } from './long4';
import { LONG5 } from './long5';
import { PAE } from './pae';

/**
 * AMD's nested paging: the tables of an ordinary paging mode, the host's at VMRUN, translate guest-physical addresses,
 * and a refusal is a nested page fault. APM Vol. 2, "Nested Paging", "Nested versus Guest Page Faults, Fault Ordering".
 * A guest-physical address is not sign-extended: one with bits that the tables do not translate is not mapped.
 */
function nested(format: PagingFormat): PagingFormat {
  return {
    ...format,
    name: `nested ${format.name}`,
    levelNames: format.levelNames.map((name) => (name === '' ? '' : `nested ${name}`)),
    input: 'zero-extended',
    refusal: 'nested page fault',
    fields: format.fields.map((field) => (field.print === 'frame'
      ? { ...field, set: 'host-physical address', clear: 'host-physical address' } : field)),
  };
}

export const NPT_LEGACY32 = nested(LEGACY32);
export const NPT_PAE = nested(PAE);
export const NPT_LONG4 = nested(LONG4);
export const NPT_LONG5 = nested(LONG5);

const nestedFormats = new Map<PagingFormat, PagingFormat>([
  [LEGACY32, NPT_LEGACY32], [PAE, NPT_PAE], [LONG4, NPT_LONG4], [LONG5, NPT_LONG5],
]);

/** The nested format of a host that uses `format`; undefined for a host without paging, which VMRUN does not take. */
export function nestedFormatOf(format: PagingFormat): PagingFormat | undefined {
  return nestedFormats.get(format);
}
