import { type EventBus, RECORDED, setPair } from './eventBus';
import { field, KIND } from './eventTable';
import type { TranslationSpace } from '../paging/translationSpace';
import { WALK } from '../paging/walkOutcome';

// The table by name is looked up once, not at each reference.
const TABLE_READ = KIND.table_read;

/*
 * The events of a walk. Each asks the bus first, so that a walk nobody watches pays a mask test. In all of them
 * `gva` is the linear address of the access, `guestLevel` the level of the guest entry that a nested walk serves
 * (0: the final address), and `gpa` the address that the nested tables translate.
 */
function begin(space: TranslationSpace, bus: EventBus, kind: number): Int32Array {
  const record = bus.begin(kind, space.actor, space.cpu);
  setPair(record, field.gva.at, space.servedLo, space.servedHi);
  record[field.space.at] = space.tableSpace;
  if (space.isNested !== 0) {
    setPair(record, field.gpa.at, space.result.addressLo, space.result.addressHi);
    record[field.guestLevel.at] = space.servedLevel;
  } else {
    setPair(record, field.gpa.at, 0, 0);
    record[field.guestLevel.at] = 0;
  }
  return record;
}

export function reportWalk(space: TranslationSpace, lo: number, hi: number, access: number): void {
  const { bus } = space;
  if (bus.on[KIND.walk] === 0) return;
  const record = begin(space, bus, KIND.walk);
  if (space.isNested !== 0) setPair(record, field.gpa.at, lo, hi);
  setPair(record, field.address.at, space.rootLo, space.rootHi);
  record[field.what.at] = access;
  bus.commit();
}

export function reportTableRead(space: TranslationSpace, level: number, index: number): void {
  const { bus, result } = space;
  const told = bus.on[TABLE_READ]!;
  if (told === 0) return;
  if ((told & RECORDED) !== 0) bus.ring!.add(space, level, index);
  if (told === RECORDED) return;
  const record = begin(space, bus, TABLE_READ);
  record[field.level.at] = level;
  record[field.index.at] = index;
  setPair(record, field.address.at, result.entryAddressLo[level]!, result.entryAddressHi[level]!);
  setPair(record, field.hpa.at, result.entryHpaLo[level]!, result.entryHpaHi[level]!);
  setPair(record, field.value.at, result.entryLo[level]!, result.entryHi[level]!);
  bus.commit();
}

/** `old` and `value`: low halves; flags never lie in the high one. */
export function reportFlagUpdate(space: TranslationSpace, level: number, old: number, value: number): void {
  const { bus, result } = space;
  if (bus.on[KIND.ad_update] === 0) return;
  const record = begin(space, bus, KIND.ad_update);
  record[field.level.at] = level;
  setPair(record, field.address.at, result.entryAddressLo[level]!, result.entryAddressHi[level]!);
  setPair(record, field.hpa.at, result.entryHpaLo[level]!, result.entryHpaHi[level]!);
  setPair(record, field.value.at, value, result.entryHi[level]!);
  setPair(record, field.old.at, old, result.entryHi[level]!);
  bus.commit();
}

export function reportWalkDone(space: TranslationSpace): void {
  const { bus, result } = space;
  if (bus.on[KIND.walk_done] === 0) return;
  const record = begin(space, bus, KIND.walk_done);
  record[field.what.at] = result.outcome;
  record[field.level.at] = result.level;
  if (result.outcome !== WALK.pageFault) setPair(record, field.gpa.at, result.gpaLo, result.gpaHi);
  if (result.outcome === WALK.mapped) {
    if (space.isNested !== 0) setPair(record, field.gpa.at, result.addressLo, result.addressHi);
    setPair(record, field.hpa.at, result.hpaLo, result.hpaHi);
  }
  record[field.code.at] = result.outcome === WALK.eptViolation ? result.qualification : result.errorCode;
  bus.commit();
}

/** A hit in a paging-structure cache, or a line made in one; `level`: of the entry that it stands for. */
export function reportStructureCache(space: TranslationSpace, kind: number, level: number, line: number, tableLo: number, tableHi: number): void {
  const { bus } = space;
  if (bus.on[kind] === 0) return;
  const record = begin(space, bus, kind);
  record[field.level.at] = level;
  record[field.index.at] = line;
  setPair(record, field.address.at, tableLo, tableHi);
  bus.commit();
}

/** A hit in the nested TLB, or a line made in it: `space.result` has the translation. */
export function reportNestedTlb(space: TranslationSpace, kind: number, line: number): void {
  const { bus, result } = space;
  if (bus.on[kind] === 0) return;
  const record = begin(space, bus, kind);
  record[field.index.at] = line;
  setPair(record, field.hpa.at, result.hpaLo, result.hpaHi);
  bus.commit();
}
