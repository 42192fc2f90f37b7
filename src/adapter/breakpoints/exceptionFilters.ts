import { KIND, field } from '../../hardware/events/eventTable';

/**
 * The exception filters. Their ids are a public interface: clients store a person's choice by id.
 * A stop is at the event, before the line that handles it runs.
 */
export interface ExceptionFilter {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly isDefault: boolean;
  readonly kinds: readonly number[];
  /** Judged on a raw record of one of `kinds`. */
  readonly matches: (record: Int32Array) => boolean;
}

/** SDM Vol. 3, "Exceptions and Interrupts": vector 14 is the page fault. */
const PAGE_FAULT = 14;

const always = (): boolean => true;

export const exceptionFilters: readonly ExceptionFilter[] = [
  {
    id: 'vm-exit',
    label: 'VM exit',
    description: 'Any transition from the guest to the hypervisor.',
    isDefault: false,
    kinds: [KIND.vm_exit],
    matches: always,
  },
  {
    id: 'cr3-write',
    label: 'CR3 write',
    description: 'The guest loads a page-table root, whether that exits or not.',
    isDefault: false,
    // The processor tells of the write before it asks whether it exits: one stop for each write.
    kinds: [KIND.cr_write],
    matches: (record) => record[field.index.at] === 3,
  },
  {
    id: 'ept-violation',
    label: 'EPT violation',
    description: 'A guest-physical address that EPT does not map, or not with the right that the access needs.',
    isDefault: false,
    kinds: [KIND.ept_violation],
    matches: always,
  },
  {
    id: 'page-table-write',
    label: 'Page-table write',
    description: 'A guest store to a paging-structure entry, trapped by the hypervisor or not.',
    isDefault: false,
    kinds: [KIND.page_table_write, KIND.page_table_write_trapped],
    matches: always,
  },
  {
    id: 'guest-page-fault',
    label: 'Guest page fault',
    description: 'A page fault is delivered to the guest.',
    isDefault: false,
    kinds: [KIND.exception_delivered],
    matches: (record) => record[field.vector.at] === PAGE_FAULT,
  },
  {
    id: 'hidden-fault',
    label: 'Hidden fault',
    description: "A page fault that is the hypervisor's own business: the guest's tables allow the access.",
    isDefault: false,
    kinds: [KIND.hidden_fault],
    matches: always,
  },
  {
    id: 'expectation',
    label: 'Failed expectation',
    description: 'An expect that does not hold.',
    isDefault: true,
    kinds: [KIND.expectation_failed],
    matches: always,
  },
];

export function exceptionFilter(id: string): ExceptionFilter | undefined {
  return exceptionFilters.find((filter) => filter.id === id);
}
