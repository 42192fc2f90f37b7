import { ACTOR, ACTOR_AT, KIND, KIND_AT, SPACE, VALUES_AT, VALUES_SET_AT, field } from '../../hardware/events/eventTable';
import { operationNames } from '../../hardware/paging/accessKinds';
import { tablesTitle } from '../../hardware/events/eventText';
import type { Program } from '../../language/program';
import type { Listing, ValueKind } from '../../hypervisor/listing';
import { pairToBigInt } from '../arithmetic';
import type { Frame, NamedValue } from '../debuggee';
import { exitName, listingSubject } from './listingSubject';

/** A frame that lives within one step, from the event that opened it; `record` is its latest. */
export type StepFrame =
  | { readonly kind: 'access'; readonly opened: number; readonly record: Int32Array }
  | { readonly kind: 'walk'; readonly opened: number; readonly start: Int32Array; record: Int32Array }
  | {
      readonly kind: 'listing';
      readonly opened: number;
      readonly start: Int32Array;
      record: Int32Array;
      /** The VM exit that it is the first to deal with. */
      readonly exit: Int32Array | undefined;
    };

/**
 * The frames that a step has open after these events, outermost first: an access, inside it the
 * walk, the hypervisor's procedures from the VM exit to the VM entry, and inside those the host's
 * and their own walks. They are told from the event stream alone.
 */
export function foldFrames(records: readonly Int32Array[]): readonly StepFrame[] {
  const open: StepFrame[] = [];
  let exit: Int32Array | undefined;
  const closeTo = (kind: StepFrame['kind']): void => {
    for (let i = open.length - 1; i >= 0; i--) {
      if (open[i]!.kind !== kind) continue;
      open.length = i;
      return;
    }
  };
  records.forEach((record, i) => {
    const event = i + 1;
    const top = open[open.length - 1];
    switch (record[KIND_AT]) {
      case KIND.access: open.push({ kind: 'access', opened: event, record }); break;
      case KIND.access_done: closeTo('access'); break;
      case KIND.walk: open.push({ kind: 'walk', opened: event, start: record, record }); break;
      case KIND.table_read:
      case KIND.ad_update: if (top?.kind === 'walk') top.record = record; break;
      case KIND.walk_done: closeTo('walk'); break;
      case KIND.vm_exit: exit = record; break;
      case KIND.vm_entry: exit = undefined; break;
      case KIND.listing_call:
        open.push({ kind: 'listing', opened: event, start: record, record, exit });
        exit = undefined;
        break;
      case KIND.listing_line: if (top?.kind === 'listing') top.record = record; break;
      case KIND.listing_return: closeTo('listing'); break;
      case KIND.exception_delivered: closeTo('access'); break;
      default: break;
    }
  });
  return open;
}

/** How many walks are open after these events. */
export function openWalks(records: readonly Int32Array[]): number {
  return foldFrames(records).filter((frame) => frame.kind === 'walk').length;
}

/** What the names in a frame come from. */
export interface FrameNames {
  readonly program: Program;
  readonly statement: number;
  readonly levelName: (space: number, level: number) => string;
  readonly listing: (number: number) => Listing | undefined;
}

/** A step's frame as the debugger shows it. `cpu` makes its key. */
export function describeFrame(frame: StepFrame, cpu: number, names: FrameNames): Frame {
  const key = `cpu${cpu}/${frame.kind}/${frame.opened}`;
  switch (frame.kind) {
    case 'access':
      return { kind: 'access', key, opened: frame.opened, text: accessText(frame.record), statement: names.statement };
    case 'walk':
      return { kind: 'walk', key, opened: frame.opened, text: walkText(frame.start, frame.record, names), statement: names.statement };
    case 'listing': {
      const { record } = frame;
      const listing = names.listing(record[field.listing.at]!);
      const procedure = listing?.procedures[record[field.index.at]!];
      return {
        kind: 'listing',
        key,
        opened: frame.opened,
        actor: record[ACTOR_AT] === ACTOR.host ? 'host' : 'vmm',
        listing: listing?.name ?? '',
        procedure: procedure?.name ?? '',
        reason: frame.exit === undefined ? '' : exitName(frame.exit),
        about: procedure === undefined ? '' : listingSubject(procedure, frame.start, frame.exit),
        line: record[field.line.at]!,
        values: namedValues(record, procedure?.values ?? []),
      };
    }
  }
}

/** `user store [0x601000]` */
export function accessText(record: Int32Array): string {
  const address = pairToBigInt(record[field.gva.at]!, record[field.gva.at + 1]!);
  const by = record[field.code.at]! & 4 ? 'user ' : '';
  return `${by}${operationNames[record[field.what.at]!]} [0x${address.toString(16)}]`;
}

/** `walk: PDPTE`, `walk: EPT PDE for PTE`: short, as a client draws it beside file and line. */
function walkText(start: Int32Array, record: Int32Array, names: FrameNames): string {
  const space = start[field.space.at]!;
  const isRead = record[KIND_AT] !== KIND.walk;
  const entry = isRead ? names.levelName(space, record[field.level.at]!) : `${tablesTitle(space)} tables`;
  if (space !== SPACE.ept && space !== SPACE.npt) return `walk: ${entry}`;
  const served = start[field.guestLevel.at]!;
  return `walk: ${entry}${served === 0 ? ', final GPA' : ` for ${names.levelName(SPACE.guest, served)}`}`;
}

/** The values that the procedure has set by now. */
function namedValues(record: Int32Array, values: readonly { readonly name: string; readonly kind: ValueKind }[]): NamedValue[] {
  return values.flatMap(({ name, kind }, i) => (record[VALUES_SET_AT]! & (1 << i) ? [{
    name,
    type: kind,
    value: pairToBigInt(record[VALUES_AT + 2 * i]!, record[VALUES_AT + 2 * i + 1]!),
  }] : []));
}
