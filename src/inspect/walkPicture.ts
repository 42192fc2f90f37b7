import { eventLine, eventValue } from '../hardware/events/eventText';
import { field } from '../hardware/events/eventTable';
import { ACCESS } from '../hardware/paging/accessKinds';
import { addressParts } from '../hardware/paging/addressParts';
import { WALK } from '../hardware/paging/walkOutcome';
import type { WalkArguments, WalkPicture, WalkResponse } from '../protocol/requests';
import { fieldText } from './addressText';
import { finalHit, recordedAccess, type RecordedAccess, type RecordedWalk } from './recordedWalk';
import { standingText } from './standing';
import type { StoppedMachine } from './stoppedMachine';
import { decodeRead, dimensionsOf, type WalkDimensions } from './walkDimensions';
import { walkOutcomeText } from './walkOutcomeText';
import { numberOf, walkReferences } from './walkReferences';

const PAGE_SHIFT = 12n;

/**
 * The walks of the access that ran last, or runs, as pictures: drawn from its events and never from
 * a second walk, so what is shown is what happened. Without an access, or with one by another CPU,
 * only the message. Touches nothing.
 */
export function walkPicture(target: StoppedMachine, args: WalkArguments): WalkResponse {
  const cpu = args.threadId - 1;
  const last = target.lastAccess();
  const [access] = last?.records ?? [];
  if (last === undefined || access === undefined) {
    return { walks: [], message: 'No access has run yet: step to the first load or store.' };
  }
  if (last.actor !== cpu) {
    return { walks: [], message: `The last access was made by ${nameOf(target, last.actor)}, not by ${nameOf(target, cpu)}: choose that thread.` };
  }
  const recorded = recordedAccess(last.records);
  const drawn = recorded.walks.map((walk) => draw(target, cpu, walk, access));
  const lit = litReference(recorded.walks, drawn);
  const shown = { walks: drawn.map(({ picture }) => picture), ...(lit === undefined ? {} : { lit }) };
  const tlb = tlbText(recorded);
  return {
    access: describeAccess(target, cpu, access, last.statement, drawn[drawn.length - 1]),
    ...(tlb === undefined ? {} : { tlb }),
    ...shown,
    message: standingText(target, last.records, shown),
  };
}

/** `CPU 1`, and of several VMs whose. */
function nameOf({ machine: { vms, program } }: StoppedMachine, cpu: number): string {
  return vms.length > 1 ? program.actors[cpu]!.name : `CPU ${cpu}`;
}

interface DrawnWalk {
  readonly walk: RecordedWalk;
  readonly dimensions: WalkDimensions;
  readonly picture: WalkPicture;
}

function draw({ machine }: StoppedMachine, cpu: number, walk: RecordedWalk, access: Int32Array): DrawnWalk {
  const dimensions = dimensionsOf(machine, cpu, walk);
  const { own, nested } = dimensions;
  const outcome = walkOutcomeText(walk, dimensions);
  const isMapped = walk.done !== undefined && walk.done[field.what.at] === WALK.mapped;
  const final = walk.nestedStart !== undefined && walk.nestedStart[field.guestLevel.at] === 0 ? walk.nestedStart : finalHit(walk);
  const picture = {
    title: titleOf(walk, dimensions, access),
    guestLevels: own.levels,
    nestedLevels: nested?.levels ?? 0,
    references: walkReferences(walk, dimensions),
    ...(outcome === undefined ? {} : { outcome }),
    ...(walk.done !== undefined && isMapped ? { mapsTo: fieldText('hpa', walk.done, 'hpa') } : {}),
    ...(final === undefined ? {} : { finalGpa: fieldText('gpa', final, 'gpa') }),
  };
  return { walk, dimensions, picture };
}

/** `guest tables through EPT`; the second page of an access that crosses one says which it is for. */
function titleOf(walk: RecordedWalk, { own, nested, tableSpace }: WalkDimensions, access: Int32Array): string {
  const tables = tableSpace === 'hpa' ? 'shadow tables' : own.levels === 0 ? 'no guest tables (paging is off)' : 'guest tables';
  const through = nested === undefined ? '' : ` through ${nested.format.name}`;
  const isSamePage = eventValue(walk.start, 'gva') >> PAGE_SHIFT === eventValue(access, 'gva') >> PAGE_SHIFT;
  return `${tables}${through}${isSamePage ? '' : ` for ${fieldText('gva', walk.start, 'gva')}`}`;
}

/** The reference that is being executed: that of the last event within a walk that has not ended. */
function litReference(walks: readonly RecordedWalk[], drawn: readonly DrawnWalk[]): WalkResponse['lit'] {
  const index = walks.length - 1;
  const walk = walks[index];
  const picture = drawn[index]?.picture;
  if (walk === undefined || picture === undefined || walk.done !== undefined || walk.last === undefined) return undefined;
  return { walk: index, number: numberOf(picture.references, walk.last) };
}

/** `TLB line 12 maps gva:0x600000 to hpa:0x9000`; a line whose rights refuse the access says so. */
function tlbText({ tlbHit, tlbFault }: RecordedAccess): string | undefined {
  if (tlbHit === undefined) return undefined;
  return tlbFault === undefined ? eventLine(tlbHit) : `${eventLine(tlbHit)}, and its rights refuse the access`;
}

function describeAccess(
  { machine }: StoppedMachine, cpu: number, access: Int32Array, statement: number, last: DrawnWalk | undefined,
): NonNullable<WalkResponse['access']> {
  const { program } = machine;
  const range = program.statements[statement]?.range;
  const file = program.files[range?.file ?? -1];
  if (range === undefined || file === undefined) throw new Error(`invariant: the access belongs to statement ${statement}, which does not exist`);
  const by = access[field.code.at]! & ACCESS.user ? 'user ' : '';
  const leaf = last?.walk.made.find((made) => made.nestedLevel === 0 && mapsPage(last.dimensions, made));
  const compiled = last?.dimensions.own ?? machine.processors[cpu]!.inspection.compiled;
  return {
    text: `${by}${eventLine(access)}`,
    address: fieldText('gva', access, 'gva'),
    parts: addressParts(compiled, eventValue(access, 'gva'), leaf?.guestLevel ?? 1),
    path: file.path,
    line: range.line + 1,
  };
}

function mapsPage(dimensions: WalkDimensions, made: RecordedWalk['made'][number]): boolean {
  const decoded = decodeRead(dimensions, made);
  return decoded.present && decoded.leaf;
}
