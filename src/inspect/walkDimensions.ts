import type { Machine } from '../engine/machine/machine';
import { type CompiledFormat, compileFormat } from '../hardware/paging/compiledFormat';
import { decodeEntry } from '../hardware/paging/decodeEntry';
import { field, SPACE } from '../hardware/events/eventTable';
import { LONG4 } from '../hardware/paging/formats/long4';
import { LONG5 } from '../hardware/paging/formats/long5';
import { UNPAGED } from '../hardware/paging/formats/unpaged';
import { WALK } from '../hardware/paging/walkOutcome';
import { finalHit, knownLevel, type MadeReference, type RecordedWalk } from './recordedWalk';
import { nestedFormat } from './tableSet';

/** The formats of both dimensions of a walk. */
export interface WalkDimensions {
  readonly own: CompiledFormat;
  /** Undefined: the walk's own addresses are host-physical. */
  readonly nested: CompiledFormat | undefined;
  /** Space of the walk's own table addresses. */
  readonly tableSpace: 'gpa' | 'hpa';
}

/**
 * What a walk's tables are like. Its own events say it wherever they can, because the registers may
 * have changed since; before the first of them the registers are those the walk began with.
 */
export function dimensionsOf(machine: Machine, cpu: number, walk: RecordedWalk): WalkDimensions {
  const { inspection } = machine.processors[cpu]!;
  const isShadow = walk.start[field.space.at] === SPACE.shadow;
  const own = walk.made.find((made) => made.nestedLevel === 0);
  const isUnpaged = walk.done?.[field.what.at] === WALK.mapped && own === undefined;
  // Where a cache knew the upper entries, no event tells how many there are.
  const known = knownLevel(walk);
  const levels = isUnpaged ? 0 : known > 0 ? Math.max(known, inspection.compiled.levels)
    : own?.guestLevel ?? walk.firstServed ?? inspection.compiled.levels;
  const isThroughNested = walk.nestedStart !== undefined || finalHit(walk) !== undefined || walk.done === undefined && own === undefined && inspection.nested !== undefined;
  return {
    own: inspection.compiled.levels === levels ? inspection.compiled : formatWith(levels, machine.configuration.maxphyaddr),
    nested: isThroughNested ? nestedFormat(machine, machine.vmOf(cpu)) : undefined,
    tableSpace: isShadow ? 'hpa' : 'gpa',
  };
}

/** The entry that a reference read, decoded by its dimension's format. */
export function decodeRead({ own, nested, tableSpace }: WalkDimensions, made: MadeReference): ReturnType<typeof decodeEntry> {
  const isOwn = made.nestedLevel === 0 || nested === undefined;
  const lo = made.read[field.value.at]!;
  const hi = made.read[field.value.at + 1]!;
  return isOwn ? decodeEntry(own, made.guestLevel, lo, hi, tableSpace) : decodeEntry(nested, made.nestedLevel, lo, hi, 'hpa');
}

function formatWith(levels: number, maxphyaddr: number): CompiledFormat {
  const format = levels === LONG5.levels ? LONG5 : levels === LONG4.levels ? LONG4 : UNPAGED;
  return compileFormat(format, { maxphyaddr, noExecute: 'on', executeOnly: 'on' });
}
