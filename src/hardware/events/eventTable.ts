import { accessNames, operationNames } from '../paging/accessKinds';
import { busAccessNames } from '../memory/busAccess';
import { flushCauseNames } from './flushCauses';
import { hostActionNames, notifierNames } from './hostEventNames';
import { ipiNames } from '../apic/deliveryMode';
import { systemAccessNames } from '../delivery/systemAccessKinds';
import { slotChangeNames } from './slotEventNames';
import { walkOutcomeNames } from '../paging/walkOutcome';

/**
 * Everything that can happen, declared once: trace lines, exception filters, function breakpoints,
 * conditions, `hold … before KIND`, the walk panel and the counters' test all read this table.
 *
 * An event is a record of 32-bit words. The first words say what and who; then come the fields,
 * at places shared by all kinds (`field`), so that a condition on `event.gpa` needs no knowledge of
 * the kind. A field that a kind does not list is zero.
 */

/** Who did it. */
export const actors = ['guest', 'walker', 'vmm', 'host', 'device'] as const;
export type Actor = (typeof actors)[number];
export const ACTOR = { guest: 0, walker: 1, vmm: 2, host: 3, device: 4 } as const;

/** How a field's words are printed: an address names its space. */
export type FieldPrint = 'gva' | 'gpa' | 'hva' | 'hpa' | 'hex' | 'count';

/** Word offset, number of words (2 is a 64-bit value, low half first) and printing of each field. */
export const field = {
  reason: { at: 3, words: 1, print: 'count' },
  qualification: { at: 4, words: 2, print: 'hex' },
  gva: { at: 6, words: 2, print: 'gva' },
  gpa: { at: 8, words: 2, print: 'gpa' },
  hva: { at: 10, words: 2, print: 'hva' },
  hpa: { at: 12, words: 2, print: 'hpa' },
  /**
   * Address of the entry or operand concerned, in the space that `space` names; of an exit the address that it is about:
   * guest-physical where nested tables refuse, else linear.
   */
  address: { at: 14, words: 2, print: 'hex' },
  value: { at: 16, words: 2, print: 'hex' },
  /** What `value` replaces. */
  old: { at: 18, words: 2, print: 'hex' },
  level: { at: 20, words: 1, print: 'count' },
  vector: { at: 21, words: 1, print: 'count' },
  code: { at: 22, words: 1, print: 'hex' },
  size: { at: 23, words: 1, print: 'count' },
  /** Which set of tables: an index into `tableSpaces`. */
  space: { at: 24, words: 1, print: 'count' },
  /** Guest level a nested reference serves: 0 for the final guest-physical address. */
  guestLevel: { at: 25, words: 1, print: 'count' },
  /** Index within the paging structure, or of the listing procedure. */
  index: { at: 26, words: 1, print: 'count' },
  /** Line number in the listing, from 1. */
  line: { at: 27, words: 1, print: 'count' },
  /** Depth of nested listing procedures, from 0. */
  depth: { at: 28, words: 1, print: 'count' },
  /** Access kind, outcome or operation: an index into the table that the kind's row names. */
  what: { at: 29, words: 1, print: 'count' },
  /** Which listing: index into the engine's catalog of listings. */
  listing: { at: 30, words: 1, print: 'count' },
} as const satisfies Record<string, { at: number; words: 1 | 2; print: FieldPrint }>;
export type Field = keyof typeof field;

/** Words of one record: the fields above, then `VALUES` pairs for a listing line's named values. */
export const KIND_AT = 0;
export const ACTOR_AT = 1;
export const CPU_AT = 2;
/** Bit per named value: 1 once it has been set. */
export const VALUES_SET_AT = 31;
export const VALUES_AT = 32;
export const MAX_VALUES = 12;
export const RECORD_WORDS = VALUES_AT + 2 * MAX_VALUES;

/** The sets of tables an entry can belong to. */
export const tableSpaces = ['guest', 'shadow', 'ept', 'npt', 'host'] as const;
export type TableSpace = (typeof tableSpaces)[number];
export const SPACE = { guest: 0, shadow: 1, ept: 2, npt: 3, host: 4 } as const;

export interface EventKind {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Names that `what` is an index into; without them it prints as a number. */
  readonly what?: readonly string[];
  /** What happened, for a person: `{field}` is replaced by the field as printed. */
  readonly text: string;
}

/** One row per kind; a row's index is its number, so rows are only ever appended. */
export const eventKinds = [
  // Guest and processor.
  { name: 'access', fields: ['gva', 'value', 'size', 'what', 'code'], what: operationNames, text: '{what} of {size} at {gva}' },
  { name: 'access_done', fields: ['gva', 'hpa', 'value', 'old', 'size', 'what'], what: operationNames, text: '{what} at {gva} completes at {hpa}' },
  { name: 'tlb_hit', fields: ['gva', 'gpa', 'hpa', 'index'], text: 'TLB line {index} maps {gva} to {hpa}' },
  { name: 'tlb_miss', fields: ['gva'], text: 'no TLB line maps {gva}' },
  { name: 'tlb_fill', fields: ['gva', 'gpa', 'hpa', 'index', 'level'], text: 'TLB line {index} now maps {gva} to {hpa}' },
  { name: 'tlb_flush', fields: ['gva', 'what'], what: flushCauseNames, text: 'TLB invalidation by {what}' },
  { name: 'walk', fields: ['gva', 'gpa', 'space', 'address', 'what', 'guestLevel'], what: accessNames, text: 'walk of the {space} tables from {address}' },
  { name: 'table_read', fields: ['space', 'level', 'index', 'address', 'hpa', 'value', 'gva', 'gpa', 'guestLevel'], text: '{level} at {hpa} is {value}' },
  { name: 'ad_update', fields: ['space', 'level', 'address', 'hpa', 'value', 'old', 'gva', 'gpa'], text: '{level} at {hpa}: accessed or dirty flag set, {old} becomes {value}' },
  { name: 'walk_done', fields: ['space', 'what', 'level', 'gva', 'gpa', 'hpa', 'code'], what: walkOutcomeNames, text: 'walk of the {space} tables ends: {what}' },
  { name: 'page_fault', fields: ['gva', 'vector', 'code', 'level'], text: 'page fault at {gva} with error code {code}' },
  { name: 'exception_delivered', fields: ['gva', 'vector', 'code'], text: 'vector {vector} delivered to the guest, error code {code}' },
  { name: 'iret', fields: ['gva', 'vector', 'code'], text: 'the handler returns; the access runs again' },
  { name: 'access_refused', fields: ['gva', 'code'], text: 'the guest kernel refuses the access to {gva}' },
  { name: 'cr_write', fields: ['index', 'value'], text: 'MOV of {value} to CR{index}' },
  { name: 'register_write', fields: ['index', 'value', 'old'], text: 'register {index}: {old} becomes {value}' },
  { name: 'invlpg', fields: ['gva'], text: 'INVLPG {gva}' },
  { name: 'bus_error', fields: ['hpa', 'what'], what: busAccessNames, text: 'no memory answers the {what} at {hpa}' },
  { name: 'page_table_write', fields: ['gva', 'gpa', 'hpa', 'address', 'value', 'old', 'level', 'size', 'space'], text: 'guest writes the {level} at {gpa}: {old} becomes {value}' },
  { name: 'triple_fault', fields: ['gva', 'vector', 'code'], text: 'triple fault: the guest has no handler for vector {vector}' },
  // VMX transitions.
  { name: 'vm_exit', fields: ['reason', 'qualification', 'gva', 'gpa', 'address', 'vector', 'code'], text: 'VM exit: {reason}' },
  { name: 'vm_entry', fields: ['value', 'address'], text: 'VM entry with CR3 {value}' },
  { name: 'ept_violation', fields: ['reason', 'qualification', 'gva', 'gpa', 'address'], text: 'EPT violation at {gpa}, qualification {qualification}' },
  { name: 'ept_misconfiguration', fields: ['reason', 'gpa', 'address'], text: 'EPT misconfiguration at {gpa}' },
  // Hypervisor and host: written by their layers, declared here as data.
  { name: 'listing_call', fields: ['listing', 'index', 'depth'], text: 'the listing procedure is entered' },
  { name: 'listing_line', fields: ['listing', 'index', 'line', 'depth'], text: 'line {line}' },
  { name: 'listing_return', fields: ['listing', 'index', 'depth'], text: 'the listing procedure returns' },
  { name: 'entry_written', fields: ['space', 'level', 'index', 'hpa', 'value', 'old'], text: '{level} of the {space} tables at {hpa}: {old} becomes {value}' },
  { name: 'hidden_fault', fields: ['gva', 'gpa', 'code'], text: 'hidden fault at {gva}: the guest maps it, the hypervisor did not yet' },
  { name: 'true_fault', fields: ['gva', 'code'], text: 'true fault at {gva}: the guest does not map it so' },
  { name: 'spurious_fault', fields: ['gva', 'code'], text: 'spurious fault at {gva}: the tables allow it by now' },
  { name: 'page_table_write_trapped', fields: ['gva', 'gpa', 'value', 'old', 'size'], text: 'trapped write to the page table at {gpa}' },
  { name: 'memslot_lookup', fields: ['gpa', 'hva', 'index'], text: '{gpa} lies in slot {index}, at {hva}' },
  { name: 'shadow_page_created', fields: ['gpa', 'hpa', 'level', 'value', 'index'], text: 'shadow page {index} at {hpa} for {gpa}, level {level}' },
  { name: 'shadow_page_zapped', fields: ['gpa', 'hpa', 'level', 'value', 'index'], text: 'shadow page {index} of {gpa} zapped' },
  { name: 'shadow_page_unsynced', fields: ['gpa', 'hpa', 'level', 'value', 'index'], text: 'shadow page {index} of {gpa} may leave step with its table' },
  { name: 'shadow_page_synced', fields: ['gpa', 'hpa', 'level', 'value', 'index'], text: 'shadow page {index} of {gpa} is brought back into step' },
  { name: 'host_fault', fields: ['hva', 'code'], text: 'host page fault at {hva}' },
  { name: 'frame_allocated', fields: ['hpa', 'what'], text: 'host frame {hpa} allocated' },
  { name: 'statement', fields: ['index'], text: 'statement {index}' },
  { name: 'expectation_failed', fields: ['index'], text: 'expectation {index} fails' },
  { name: 'page_modification_logged', fields: ['gpa', 'hpa', 'index'], text: 'the page at {gpa} is logged as modified, in entry {index} of the page-modification log' },
  { name: 'virtualization_exception', fields: ['qualification', 'gva', 'gpa', 'hpa', 'index'], text: 'EPT violation at {gpa} becomes a virtualization exception, told at {hpa}' },
  { name: 'eptp_switch', fields: ['index', 'value', 'old'], text: 'VMFUNC: EPTP {old} becomes {value}, entry {index} of the EPTP list' },
  // Caches beside the TLB.
  { name: 'structure_cache_hit', fields: ['space', 'level', 'index', 'address', 'gva', 'gpa', 'guestLevel'], text: 'the cache of paging structures has the {level} in line {index}: the next table is at {address}' },
  { name: 'structure_cache_fill', fields: ['space', 'level', 'index', 'address', 'gva', 'gpa', 'guestLevel'], text: 'the cache of paging structures takes the {level} into line {index}: the next table is at {address}' },
  { name: 'nested_tlb_hit', fields: ['space', 'index', 'gva', 'gpa', 'hpa', 'guestLevel'], text: 'nested TLB line {index} maps {gpa} to {hpa}' },
  { name: 'nested_tlb_fill', fields: ['space', 'index', 'gva', 'gpa', 'hpa', 'guestLevel'], text: 'nested TLB line {index} now maps {gpa} to {hpa}' },
  { name: 'tlb_l2_hit', fields: ['gva', 'gpa', 'hpa', 'index'], text: 'L2 TLB line {index} maps {gva} to {hpa}, and is copied to L1' },
  // Delivery of events through the IDT.
  { name: 'implicit_access', fields: ['gva', 'hpa', 'value', 'size', 'what'], what: systemAccessNames, text: 'implicit access: {what}, {size} at {gva}' },
  { name: 'interrupt_delivered', fields: ['vector'], text: 'interrupt {vector} delivered to the guest' },
  { name: 'ipi', fields: ['index', 'vector', 'what'], what: ipiNames, text: 'IPI to CPU {index}: {what}, vector {vector}' },
  { name: 'system_instruction', fields: ['what', 'index', 'value'], what: operationNames, text: 'the guest executes {what} of {index}' },
  // A hypervisor in a guest. KVM's tracepoints kvm_nested_vmenter and kvm_nested_vmexit_inject.
  { name: 'nested_vm_entry', fields: ['gpa', 'value', 'address'], text: 'the guest hypervisor enters its guest by the VMCS at {gpa}, with EPTP {address}' },
  { name: 'nested_vm_exit', fields: ['reason', 'qualification', 'gva', 'gpa', 'address', 'vector', 'code'], text: 'VM exit to the guest hypervisor: {reason}' },
  // What the host's memory manager does, by itself or because the scenario says so.
  { name: 'host_action', fields: ['gpa', 'hva', 'what'], what: hostActionNames, text: 'the host acts: {what}' },
  { name: 'host_action_void', fields: ['gpa', 'what'], what: hostActionNames, text: '{what} does nothing: no host lies below a guest that has the machine to itself' },
  { name: 'mmu_notifier', fields: ['hva', 'size', 'what'], what: notifierNames, text: 'MMU notifier: {what}, {size} at {hva}' },
  { name: 'frame_freed', fields: ['hpa', 'what'], text: 'host frame {hpa} freed' },
  { name: 'page_copied', fields: ['hpa', 'address', 'size'], text: 'the page at {address} is copied to {hpa}' },
  { name: 'swap_written', fields: ['hva', 'hpa', 'index'], text: 'the page at {hpa} is written to page {index} of the swap device' },
  { name: 'swap_read', fields: ['hva', 'hpa', 'index'], text: 'page {index} of the swap device is read into {hpa}' },
  // Memory slots and their dirty pages.
  { name: 'memslot_changed', fields: ['gpa', 'hva', 'size', 'index', 'value', 'what'], what: slotChangeNames, text: 'slot {index}: {what}; the set of slots is generation {value}' },
  { name: 'page_marked_dirty', fields: ['gpa', 'index'], text: 'the page at {gpa} is marked dirty in the log of slot {index}' },
  { name: 'mmio_entry_made', fields: ['gpa', 'hpa', 'space', 'value'], text: 'the entry at {hpa} says that {gpa} is MMIO, by generation {value}' },
  { name: 'mmu_lock', fields: ['gpa', 'hpa'], text: 'the hypervisor knows that {gpa} is at {hpa}, and takes mmu_lock; what the host has changed since is told by mmu_invalidate_seq' },
  // With `backing direct`, in place of `memslot_lookup`.
  { name: 'direct_slot_lookup', fields: ['gpa', 'hpa', 'index'], text: '{gpa} lies in slot {index}, at {hpa}' },
  // Under shadow-vtlb, in place of `shadow_page_created` and `shadow_page_zapped`.
  { name: 'vtlb_table_created', fields: ['gva', 'hpa', 'level', 'index'], text: 'the virtual TLB has table {index} at {hpa} for what begins at {gva}, level {level}' },
  { name: 'vtlb_table_zapped', fields: ['gva', 'hpa', 'level', 'index'], text: 'table {index} of the virtual TLB, for what begins at {gva}, zapped' },
  // A hit by a line that the tables in force do not give any more: nobody has invalidated it.
  { name: 'stale_tlb_hit', fields: ['gva', 'gpa', 'hpa', 'address', 'index', 'what'], what: walkOutcomeNames, text: 'stale: TLB line {index} has {gva} at {hpa}; a walk by now ends: {what}' },
] as const satisfies readonly EventKind[];

export type EventName = (typeof eventKinds)[number]['name'];

/** Number of each kind, by name. */
export const KIND = Object.fromEntries(eventKinds.map((kind, number) => [kind.name, number])) as Record<EventName, number>;
