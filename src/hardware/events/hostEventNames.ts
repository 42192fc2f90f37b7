/**
 * Host actions by the number that `host_action` carries in `what`: the names that a scenario calls them by, in the order of
 * the language's table (a test holds the two equal).
 */
export const hostActionNames = [
  'swap_out', 'swap_in', 'merge', 'merge_all', 'migrate_frame', 'split', 'collapse', 'balloon', 'invalidate',
  'add_slot', 'move_slot', 'remove_slot', 'log_dirty', 'get_dirty_log', 'set_epte',
] as const;

/** The two ends of an invalidation: what lies between them must not be mapped anew. */
export const NOTIFIER = { rangeStart: 0, rangeEnd: 1 } as const;
export const notifierNames = ['invalidate_range_start', 'invalidate_range_end'] as const;
