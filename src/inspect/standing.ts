import type { EventView } from '../engine/debuggee';
import { KIND, KIND_AT } from '../hardware/events/eventTable';
import { eventLine } from '../hardware/events/eventText';
import type { WalkPicture, WalkResponse } from '../protocol/requests';
import { fieldText } from './addressText';
import type { StoppedMachine } from './stoppedMachine';
import { errorCodeText } from './walkOutcomeText';
import { field } from '../hardware/events/eventTable';

/** What the debugger stands at, as a sentence: the event it stopped at, or how the last access ended. */
export function standingText(target: StoppedMachine, records: readonly Int32Array[], shown: Pick<WalkResponse, 'walks' | 'lit'>): string {
  const events = target.moment().event === 0 ? [] : target.eventsOfStep();
  const event = events[events.length - 1];
  if (event === undefined) return endText(records);
  const isInWalk = event.actor === 'walker' && (event.kind === 'table_read' || event.kind === 'ad_update');
  if (isInWalk && shown.lit !== undefined) return referenceText(shown.walks[shown.lit.walk], shown.lit.number, event);
  switch (event.kind) {
    case 'access': return sentence(`Next: ${event.text}`);
    case 'tlb_hit': return sentence(`The TLB answers, ${event.text}`);
    case 'listing_call':
    case 'listing_line':
    case 'listing_return': return listingText(target, event);
    case 'expectation_failed': return sentence(`expect ${target.machine.program.expectations[Number(event.fields['index'])]?.text ?? ''} fails`);
    case 'table_read':
    case 'ad_update':
    case 'walk':
    case 'walk_done': return sentence(`${walkers[event.actor] ?? ''}${event.text}`);
    default: return sentence(event.text);
  }
}

/** Whose walk it is when it is not the processor's: the same function, in software. */
const walkers: Readonly<Record<string, string>> = { vmm: 'The hypervisor walks: ', host: 'The host walks: ' };

function referenceText(picture: WalkPicture | undefined, number: number, event: EventView): string {
  const total = picture?.references.length ?? 0;
  return sentence(`Walk reference ${number} of ${total}: ${event.text}`);
}

function listingText({ machine }: StoppedMachine, event: EventView): string {
  const listing = machine.listing(Number(event.fields['listing']));
  if (listing === undefined) return sentence(event.text);
  const procedure = listing.procedures[Number(event.fields['index'])]?.name ?? '';
  if (event.kind === 'listing_call') return `${listing.name}: ${procedure} is entered.`;
  if (event.kind === 'listing_return') return `${listing.name}: ${procedure} returns.`;
  const line = Number(event.fields['line']);
  return `${listing.name}, line ${line}: ${listing.lines[line - 1]?.text.trim() ?? ''}`;
}

/** How an access ended: completed, a fault that the guest's handler gets, or the hypervisor's giving up. */
function endText(records: readonly Int32Array[]): string {
  const last = records[records.length - 1];
  if (last === undefined) return 'The access has left no events.';
  switch (last[KIND_AT]) {
    case KIND.access_done: return `The access is over: ${eventLine(last)}.`;
    case KIND.exception_delivered:
      return `The access faulted at ${fieldText('gva', last, 'gva')}: vector ${last[field.vector.at]!}, ${errorCodeText(last[field.code.at]!)}, goes to the guest's handler.`;
    default: return `The access has ended: ${eventLine(last)}.`;
  }
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase();
  return `${first}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
