import { ACTOR, ACTOR_AT, KIND, KIND_AT, SPACE, field } from '../hardware/events/eventTable';
import { eventValue } from '../hardware/events/eventText';

/** A reference that was made, by the event of its read and, if a flag was set in the entry, of that. */
export interface MadeReference {
  /** Level of the guest (or only) entry that is read or served; 0: the final guest-physical address. */
  readonly guestLevel: number;
  /** Level of the nested entry; 0: the guest's (or only) entry itself. */
  readonly nestedLevel: number;
  readonly read: Int32Array;
  updated: Int32Array | undefined;
}

/** One walk by the processor, put together from its events. */
export interface RecordedWalk {
  readonly start: Int32Array;
  readonly made: MadeReference[];
  /** The reference of the event that came last. */
  last: MadeReference | undefined;
  /** Beginning and end of the nested walk that came last, if tables are walked through others. */
  nestedStart: Int32Array | undefined;
  nestedDone: Int32Array | undefined;
  /** Level of the first guest entry that a nested walk served; undefined without one. */
  firstServed: number | undefined;
  /** Hits in paging-structure caches and the nested TLB, in order: what they know is not read. */
  readonly hits: Int32Array[];
  /** The end; undefined while the walk is under way. */
  done: Int32Array | undefined;
}

/** The highest guest level that a paging-structure cache knew; 0: none. */
export function knownLevel({ hits }: RecordedWalk): number {
  return hits.find((hit) => !isNested(hit))?.[field.level.at] ?? 0;
}

/** The nested TLB's answer for the final guest-physical address. */
export function finalHit({ hits }: RecordedWalk): Int32Array | undefined {
  return hits.find((hit) => hit[KIND_AT] === KIND.nested_tlb_hit && hit[field.guestLevel.at] === 0);
}

/** Has a cache made a reference needless? Levels as in `MadeReference`. */
export function isSpared(walk: RecordedWalk, guestLevel: number, nestedLevel: number): boolean {
  return walk.hits.some((hit) => {
    const level = hit[field.level.at]!;
    // A guest's entry that is known is known with the host-physical address of the table below.
    if (!isNested(hit)) return guestLevel >= level || guestLevel === level - 1 && nestedLevel > 0;
    if (guestLevel !== hit[field.guestLevel.at] || nestedLevel === 0) return false;
    return hit[KIND_AT] === KIND.nested_tlb_hit || nestedLevel >= level;
  });
}

export interface RecordedAccess {
  readonly walks: readonly RecordedWalk[];
  /** The TLB's answer that made a walk needless, and the page fault that its rights raised, if they did. */
  readonly tlbHit: Int32Array | undefined;
  readonly tlbFault: Int32Array | undefined;
}

/** True for tables that translate the addresses of others. */
function isNested(record: Int32Array): boolean {
  const space = record[field.space.at];
  return space === SPACE.ept || space === SPACE.npt;
}

/**
 * The processor's walks among the events of an access, in order. Walks by the hypervisor and the
 * host, which handle exits with the same function, are theirs and not the access's.
 */
export function recordedAccess(records: readonly Int32Array[]): RecordedAccess {
  const walks: RecordedWalk[] = [];
  let tlbHit: Int32Array | undefined;
  let tlbFault: Int32Array | undefined;
  for (const record of records) {
    switch (record[KIND_AT]) {
      case KIND.tlb_hit:
        tlbHit = record;
        tlbFault = undefined;
        break;
      case KIND.page_fault:
        if (tlbHit !== undefined && record[field.level.at] === 0) tlbFault = record;
        break;
      case KIND.walk:
      case KIND.table_read:
      case KIND.ad_update:
      case KIND.walk_done:
      case KIND.structure_cache_hit:
      case KIND.nested_tlb_hit:
        if (record[ACTOR_AT] !== ACTOR.walker) break;
        if (record[KIND_AT] === KIND.walk && !isNested(record)) {
          walks.push(begin(record));
          // A line that lacks the dirty flag, or whose EPT right is gone, is walked again: it was no answer.
          if (tlbHit !== undefined && eventValue(tlbHit, 'gva') === eventValue(record, 'gva')) tlbHit = undefined;
          break;
        }
        follow(walks[walks.length - 1], record);
        break;
      default: break;
    }
  }
  return { walks, tlbHit, tlbFault };
}

function begin(start: Int32Array): RecordedWalk {
  return {
    start, made: [], last: undefined, nestedStart: undefined, nestedDone: undefined, firstServed: undefined, hits: [],
    done: undefined,
  };
}

function follow(walk: RecordedWalk | undefined, record: Int32Array): void {
  if (walk === undefined || walk.done !== undefined) return;
  const level = record[field.level.at]!;
  const served = record[field.guestLevel.at]!;
  const guestLevel = isNested(record) ? served : level;
  const nestedLevel = isNested(record) ? level : 0;
  switch (record[KIND_AT]) {
    case KIND.walk:
      walk.nestedStart = record;
      walk.firstServed ??= served;
      break;
    case KIND.table_read:
      walk.last = { guestLevel, nestedLevel, read: record, updated: undefined };
      walk.made.push(walk.last);
      break;
    case KIND.ad_update: {
      const made = walk.made.find((each) => each.guestLevel === guestLevel && each.nestedLevel === nestedLevel);
      if (made === undefined) throw new Error('invariant: a flag is set in an entry that the walk has not read');
      made.updated = record;
      walk.last = made;
      break;
    }
    case KIND.structure_cache_hit:
    case KIND.nested_tlb_hit:
      walk.hits.push(record);
      break;
    case KIND.walk_done:
      if (isNested(record)) walk.nestedDone = record;
      else walk.done = record;
      break;
    default: break;
  }
}
