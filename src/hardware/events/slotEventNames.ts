/** What happens to a memory slot, by the number that `memslot_changed` carries in `what`: KVM's kvm_mr_change. */
export const SLOT_CHANGE = { created: 0, moved: 1, deleted: 2, loggingOn: 3, loggingOff: 4 } as const;
export const slotChangeNames = ['created', 'moved', 'deleted', 'logging on', 'logging off'] as const;
