import type { DecodedEntry } from '../hardware/paging/decodeEntry';
import { pairToBigInt } from '../engine/arithmetic';
import { field } from '../hardware/events/eventTable';
import type { WalkReference } from '../protocol/requests';
import { fieldText, hex } from './addressText';
import { entryFields } from './entryText';
import { isSpared, type MadeReference, type RecordedWalk } from './recordedWalk';
import { decodeRead, type WalkDimensions } from './walkDimensions';

/**
 * The references of a walk in the order in which they are made: for each guest level the nested
 * walk that translates the table's address, then the guest's entry; last the nested walk of the final
 * address. 4 with one dimension of four levels, 24 with two (SDM Vol. 3, "EPT Translation
 * Mechanism"). An entry that maps a page leaves out the levels below it. What has not been read yet
 * is listed as long as the walk is under way, unless a cache has made it needless.
 */
export function walkReferences(walk: RecordedWalk, dimensions: WalkDimensions): readonly WalkReference[] {
  const references: WalkReference[] = [];
  const { own, nested } = dimensions;
  /** Lists a reference; true when its entry maps a page. */
  const list = (guestLevel: number, nestedLevel: number, name: string): boolean => {
    const made = walk.made.find((each) => each.guestLevel === guestLevel && each.nestedLevel === nestedLevel);
    if (made === undefined && (walk.done !== undefined || isSpared(walk, guestLevel, nestedLevel))) return false;
    const head = { number: references.length + 1, guestLevel, nestedLevel, name };
    if (made === undefined) {
      references.push(head);
      return false;
    }
    const decoded = decodeRead(dimensions, made);
    references.push({ ...head, read: readOf(made, decoded, nestedLevel === 0 ? dimensions.tableSpace : 'hpa') });
    return decoded.present && decoded.leaf;
  };
  const listNested = (guestLevel: number): void => {
    if (nested === undefined) return;
    for (let level = nested.levels; level > 0; level--) if (list(guestLevel, level, nested.format.levelNames[level] ?? '')) return;
  };
  for (let level = own.levels; level > 0; level--) {
    listNested(level);
    if (list(level, 0, own.format.levelNames[level] ?? '')) break;
  }
  listNested(0);
  return references;
}

/** Number of a reference among those listed, or 0. */
export function numberOf(references: readonly WalkReference[], made: MadeReference): number {
  return references.find((each) => each.guestLevel === made.guestLevel && each.nestedLevel === made.nestedLevel)?.number ?? 0;
}

function readOf({ read, updated }: MadeReference, decoded: DecodedEntry, space: 'gpa' | 'hpa'): NonNullable<WalkReference['read']> {
  const value = (record: Int32Array): string => hex(pairToBigInt(record[field.value.at]!, record[field.value.at + 1]!));
  return {
    address: fieldText(space, read, 'address'),
    hpa: fieldText('hpa', read, 'hpa'),
    value: value(read),
    fields: entryFields(decoded),
    ...(updated === undefined ? {} : { updated: value(updated) }),
  };
}
