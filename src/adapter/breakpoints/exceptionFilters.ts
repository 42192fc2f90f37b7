import { ACTOR, ACTOR_AT, KIND, KIND_AT, field, type EventName } from '../../hardware/events/eventTable';
import { FLUSH } from '../../hardware/events/flushCauses';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import type { EventBreakpoint } from '../../engine/debuggee';

/** When a breakpoint on an event stops: before it is handled, or once its handling is over. Ids are a public interface. */
export type ExceptionMode = 'before' | 'after';

/** What of the events a filter stops at. */
interface Wanted {
  readonly kinds: readonly number[];
  /** Judged on a raw record of one of `kinds`. */
  readonly matches: (record: Int32Array) => boolean;
  /** Only what one CPU does to another: the record's CPU is not the one that acts. */
  readonly isOfAnotherCpu?: true;
}

/** The exception filters. Their ids are a public interface: clients store a person's choice by id. */
export interface ExceptionFilter extends Wanted {
  readonly id: string;
  readonly label: string;
  /** The label where it has to be short, if it is not. */
  readonly brief?: string;
  readonly description: string;
  readonly isDefault: boolean;
  /** A condition that makes sense there. */
  readonly example: string;
  /** With what the handling is over. */
  readonly after:
    /** The next event of these kinds on that CPU, or the end of the step where none comes. */
    | { readonly kind: 'until'; readonly until: readonly number[]; readonly text: string }
    /** Events of their own: what is handled takes many steps. */
    | ({ readonly kind: 'events'; readonly text: string } & Wanted)
    /** Nothing handles it. */
    | { readonly kind: 'never' };
  /** Techniques under which it never happens. */
  readonly neverUnder: readonly string[];
}

/** SDM Vol. 3, "Exceptions and Interrupts": vector 14 is the page fault. */
const PAGE_FAULT = 14;

const UNTIL_ENTRY = { kind: 'until', until: [KIND.vm_entry], text: 'at the VM entry that goes back to the guest' } as const;
const UNTIL_STEP_ENDS = { kind: 'until', until: [], text: 'behind the instruction' } as const;
const UNTIL_ACCESS_ENDS = { kind: 'until', until: [KIND.vm_entry, KIND.access_done], text: 'at the VM entry that goes back to the guest, or where the store is done' } as const;
const SHADOW_WITH_GUEST_TABLES = ['native', 'interpret', 'npt', 'shadow-vtlb'];
const NOT_UNSYNC = ['native', 'interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'ept', 'npt', 'nested'];
const NOT_EPT = ['native', 'interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync', 'npt'];

/** Every event of these kinds. */
function every(...names: readonly EventName[]): Wanted {
  return { kinds: names.map((name) => KIND[name]), matches: () => true };
}

/** Invalidating operations of these causes. */
function flushedBy(...causes: readonly number[]): Wanted {
  return { kinds: [KIND.tlb_flush], matches: (record) => causes.includes(record[field.what.at]!) };
}

function row(id: string, label: string, description: string, wanted: Wanted, more: Pick<ExceptionFilter, 'example' | 'after'> & Partial<ExceptionFilter>): ExceptionFilter {
  return { id, label, description, isDefault: false, neverUnder: [], ...wanted, ...more };
}

/** In the order in which a client lists them: what one stops at most often stands first. */
export const exceptionFilters: readonly ExceptionFilter[] = [
  row('vm-exit', 'VM exit', 'Any transition from the guest to the hypervisor.', every('vm_exit'), {
    example: 'event.reason == ept_violation and event.qualification & 2 != 0', after: UNTIL_ENTRY, neverUnder: ['native'],
  }),
  // The processor tells of the write before it asks whether it exits: one stop for each write.
  row('cr3-write', 'CR3 write', 'The guest loads a page-table root, whether that exits or not.', {
    kinds: [KIND.cr_write], matches: (record) => record[field.index.at] === 3,
  }, { example: 'event.value == 0x101000', after: UNTIL_STEP_ENDS }),
  row('ept-violation', 'EPT violation', 'A guest-physical address that EPT does not map, or not with the right that the access needs.', every('ept_violation'), {
    example: 'event.gpa >= gpa:0x3000', after: UNTIL_ENTRY, neverUnder: NOT_EPT,
  }),
  row('page-table-write', 'Page-table write', 'A guest store to a paging-structure entry, trapped by the hypervisor or not.', every('page_table_write', 'page_table_write_trapped'), {
    example: 'event.gpa == gpa:0x3008', after: UNTIL_ACCESS_ENDS,
  }),
  row('guest-page-fault', 'Guest page fault', 'A page fault is delivered to the guest.', {
    kinds: [KIND.exception_delivered], matches: (record) => record[field.vector.at] === PAGE_FAULT,
  }, {
    example: 'event.code & 2 != 0',
    after: {
      kind: 'events', kinds: [KIND.iret, KIND.access_refused], text: "where the guest's handler returns, or refuses the access",
      matches: (record) => record[field.vector.at] === PAGE_FAULT || record[KIND_AT] === KIND.access_refused,
    },
  }),
  row('hidden-fault', 'Hidden fault', "A page fault that is the hypervisor's own business: the guest's tables allow the access.", every('hidden_fault'), {
    example: 'event.gva == gva:0x600000', after: UNTIL_ENTRY, neverUnder: ['native', 'interpret', 'npt'],
  }),
  row('expectation', 'Failed expectation', 'An expect that does not hold.', every('expectation_failed'), {
    brief: 'Expect failed', example: 'total.faults.hidden > 3', isDefault: true, after: UNTIL_STEP_ENDS,
  }),
  row('ept-misconfiguration', 'EPT misconfiguration', 'An EPT entry that no processor can read: write without read, a reserved bit, an illegal memory type; or one that says MMIO.', every('ept_misconfiguration'), {
    brief: 'EPT misconfig.', example: 'event.gpa >= gpa:0xfee00000', after: UNTIL_ENTRY, neverUnder: NOT_EPT,
  }),
  row('npf', 'Nested page fault', 'A guest-physical address that the nested page tables do not map, or not so: #VMEXIT(NPF).', {
    kinds: [KIND.vm_exit], matches: (record) => record[field.reason.at] === EXIT_REASON.npf,
  }, {
    brief: 'Nested fault', example: 'event.gpa >= gpa:0x3000', after: UNTIL_ENTRY,
    neverUnder: ['native', 'interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync', 'ept', 'nested'],
  }),
  row('page-table-write-trapped', 'Trapped page-table write', 'A guest store to a write-protected paging structure, which the hypervisor emulates.', every('page_table_write_trapped'), {
    brief: 'Trapped write', example: 'event.value & 1 == 0', after: UNTIL_ACCESS_ENDS, neverUnder: SHADOW_WITH_GUEST_TABLES,
  }),
  row('spurious-fault', 'Spurious fault', "A page fault that is nobody's any more: by the time the hypervisor looks, its tables allow the access.", every('spurious_fault'), {
    example: 'event.gva == gva:0x600000', after: UNTIL_ENTRY, neverUnder: ['native', 'interpret', 'npt'],
  }),
  row('shadow-page-created', 'Shadow page created', "The hypervisor makes a shadow page for a guest's paging structure, or a table of its virtual TLB.", every('shadow_page_created', 'vtlb_table_created'), {
    brief: 'Shadow created', example: 'event.level == 1', after: UNTIL_ENTRY, neverUnder: ['native', 'interpret', 'npt'],
  }),
  row('shadow-page-zapped', 'Shadow page zapped', 'A shadow page, or a table of the virtual TLB, is taken out of use.', every('shadow_page_zapped', 'vtlb_table_zapped'), {
    brief: 'Shadow zapped', example: 'event.level == 1', after: UNTIL_ENTRY, neverUnder: ['native', 'interpret', 'npt'],
  }),
  row('shadow-page-unsynced', 'Shadow page unsynchronized', "The guest may write a paging structure without an exit from here on: its shadow page leaves step.", every('shadow_page_unsynced'), {
    brief: 'Unsynchronized', example: 'event.gpa == gpa:0x3000', after: UNTIL_ENTRY, neverUnder: NOT_UNSYNC,
  }),
  row('shadow-page-synced', 'Shadow page synchronized', "A shadow page that had left step is made to say again what the guest's table says.", every('shadow_page_synced'), {
    brief: 'Synchronized', example: 'event.gpa == gpa:0x3000', after: UNTIL_ENTRY, neverUnder: NOT_UNSYNC,
  }),
  row('memslot-change', 'Memory slot change', 'A memory slot is added, moved or removed, or its dirty log is switched.', every('memslot_changed'), {
    brief: 'Memslot change', example: 'event.gpa == gpa:0x1000000', after: UNTIL_STEP_ENDS, neverUnder: ['native'],
  }),
  row('host-reclaim', 'Host reclaim', 'The host takes the frame of a guest page: the page is written to its swap device.', every('swap_written'), {
    example: 'event.hva >= hva:0x7f0000600000', after: UNTIL_STEP_ENDS, neverUnder: ['native'],
  }),
  row('invlpg', 'INVLPG', 'The guest executes INVLPG, whether that exits or not.', every('invlpg'), { example: 'event.gva == gva:0x600000', after: UNTIL_STEP_ENDS }),
  row('invpcid', 'INVPCID', 'An INVPCID of the guest, or of a hypervisor that has no VPIDs, invalidates.', flushedBy(FLUSH.invpcid), { example: 'event.gva != 0', after: UNTIL_STEP_ENDS }),
  row('invept', 'INVEPT', 'The hypervisor invalidates what was cached under an EPT pointer, or under all.', flushedBy(FLUSH.invept), {
    example: 'total.exits.ept_violation > 3', after: UNTIL_STEP_ENDS, neverUnder: NOT_EPT,
  }),
  row('invvpid', 'INVVPID', 'The hypervisor invalidates what was cached under a VPID: an address, all of it, or all.', flushedBy(FLUSH.invvpid, FLUSH.invvpidAddress), {
    example: 'event.gva == gva:0x600000', after: UNTIL_STEP_ENDS, neverUnder: ['native', 'interpret', 'deprivileged', 'npt'],
  }),
  row('tlb-flush', 'TLB invalidation', 'Any operation that invalidates cached translations, by whomever: also a MOV to CR3, and transitions without VPID.', every('tlb_flush'), {
    example: 'event.gva == 0', after: UNTIL_STEP_ENDS,
  }),
  row('remote-flush', 'Remote TLB flush', "The hypervisor invalidates in another CPU's TLB than the one that it runs on: kvm_flush_remote_tlbs.", {
    kinds: [KIND.tlb_flush], matches: (record) => record[ACTOR_AT] === ACTOR.vmm, isOfAnotherCpu: true,
  }, { example: 'event.gva == 0', after: UNTIL_STEP_ENDS, neverUnder: ['native'] }),
  row('stale-tlb-hit', 'Stale TLB hit', 'A TLB line is used that a walk of the tables in force would not give any more: nobody has invalidated it.', every('stale_tlb_hit'), {
    example: 'event.gva == gva:0x600000', after: { kind: 'until', until: [KIND.access_done], text: 'where the access is done' }, neverUnder: ['interpret'],
  }),
  row('triple-fault', 'Triple fault', 'The guest has no handler for its fault, nor for the double fault: it cannot go on.', every('triple_fault'), {
    example: 'event.vector == 14', after: { kind: 'never' },
  }),
];

/** What a filter stops at in a mode; undefined where nothing handles its events, so that there is no after. */
export function wantedBy(filter: ExceptionFilter, mode: ExceptionMode): (Wanted & Pick<EventBreakpoint, 'until'>) | undefined {
  const { kinds, matches, isOfAnotherCpu, after } = filter;
  const wanted = { kinds, matches, ...(isOfAnotherCpu === undefined ? {} : { isOfAnotherCpu }) };
  if (mode === 'before') return wanted;
  switch (after.kind) {
    case 'until': return { ...wanted, until: after.until };
    case 'events': return after;
    case 'never': return undefined;
  }
}

export function exceptionFilter(id: string): ExceptionFilter | undefined {
  return exceptionFilters.find((filter) => filter.id === id);
}
