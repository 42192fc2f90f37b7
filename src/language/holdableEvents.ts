import { eventKinds, type EventName } from '../hardware/events/eventTable';

/** Kinds of events that happen in the hypervisor and the host, and in judging: an access stops before none of them. */
const NEVER_HELD: ReadonlySet<EventName> = new Set<EventName>([
  'listing_call', 'listing_line', 'listing_return', 'entry_written', 'hidden_fault', 'true_fault', 'spurious_fault', 'page_table_write_trapped',
  'memslot_lookup', 'direct_slot_lookup', 'memslot_changed', 'page_marked_dirty', 'mmio_entry_made', 'shadow_page_created', 'shadow_page_zapped',
  'shadow_page_unsynced', 'shadow_page_synced', 'vtlb_table_created', 'vtlb_table_zapped', 'nested_vm_entry', 'nested_vm_exit', 'host_fault',
  'frame_allocated', 'frame_freed', 'host_action', 'host_action_void', 'mmu_notifier', 'page_copied', 'swap_written', 'swap_read', 'expectation_failed',
]);

/** Kinds that `hold NAME before EVENT` may name: the processor's, and the taking of mmu_lock, the one place of root mode that holds. */
export const holdableEvents: readonly (typeof eventKinds)[number][] = eventKinds.filter(({ name }) => !NEVER_HELD.has(name));
