import type { StatementBreakpoint } from '../debuggee';

export type Hit = StatementBreakpoint['hit'];

/** More than one moment of a step can hit a breakpoint: a step and an ordinal make one number. */
const HITS_IN_STEP = 65_536;

/**
 * How often breakpoints have been hit by a moment, since history began. A hit is its moment, so the count at a moment is the same
 * whichever way time has run to it, and whether the breakpoint was there when it passed: what has not been gone over yet
 * (`through`) is gone over before the count is asked for.
 */
export class HitCounts {
  /** Moments of the hits of each breakpoint that counts, ascending. */
  private moments = new Map<number, number[]>();
  /** Of each breakpoint that counts: its hits in steps before this one are all known. */
  private known = new Map<number, number>();
  /** Hits of each breakpoint in the step that is passed through. */
  private readonly ordinals = new Map<number, number>();

  /** Counts are of these from here on; those that were there before stay as they are. */
  keepOnly(ids: ReadonlySet<number>, begin: number): void {
    this.known = new Map([...ids].map((id) => [id, this.known.get(id) ?? begin]));
    this.moments = new Map([...this.moments].filter(([id]) => ids.has(id)));
  }

  isCounted(id: number): boolean {
    return this.known.has(id);
  }

  /** Step before which all hits of all that count are known. */
  get through(): number {
    let least = Infinity;
    for (const step of this.known.values()) least = Math.min(least, step);
    return least;
  }

  /** All hits from step `from` to before step `to` have been noted. */
  wentOver(from: number, to: number): void {
    for (const [id, step] of this.known) if (step >= from && step < to) this.known.set(id, to);
  }

  /** What happens from the start of `step` on is no longer what it was. */
  forgetFrom(step: number): void {
    for (const [id, known] of this.known) if (known > step) this.known.set(id, step);
    for (const moments of this.moments.values()) moments.length = placeOf(moments, step * HITS_IN_STEP);
  }

  /** A pass through a step begins: hits in it are numbered from 1. */
  beginStep(): void {
    if (this.ordinals.size > 0) this.ordinals.clear();
  }

  /** How many hits of a breakpoint are known. */
  size(id: number): number {
    return this.moments.get(id)?.length ?? 0;
  }

  /** Takes note of a hit in `step`; comes back with its number, from 1. `isAtStart`: of the statement that the step begins. */
  note(id: number, step: number, where: 'at its start' | 'inside'): number {
    const moment = this.momentOf(id, step, where);
    const moments = this.moments.get(id) ?? [];
    const at = placeOf(moments, moment);
    if (moments[at] !== moment) moments.splice(at, 0, moment);
    this.moments.set(id, moments);
    return at + 1;
  }

  private momentOf(id: number, step: number, where: 'at its start' | 'inside'): number {
    if (where === 'at its start') return step * HITS_IN_STEP;
    const ordinal = (this.ordinals.get(id) ?? 0) + 1;
    this.ordinals.set(id, ordinal);
    return step * HITS_IN_STEP + ordinal;
  }
}

/** Whether the hit of that number is one to stop at. */
export function meets(hit: Hit, count: number): boolean {
  if (hit === undefined) return true;
  switch (hit.operator) {
    case '==': return count === hit.count;
    case '>=': return count >= hit.count;
    case '%': return count % hit.count === 0;
  }
}

/** Index of the first of `moments` that is not before `moment`. */
function placeOf(moments: readonly number[], moment: number): number {
  let low = 0;
  let high = moments.length;
  if (high > 0 && moments[high - 1]! < moment) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle]! < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
