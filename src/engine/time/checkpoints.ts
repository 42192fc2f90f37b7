import type { Checkpoint, Registry } from '../../hardware/state/registry';

/** Steps between checkpoints where steps are taken one by one: executing them again stays around a millisecond. */
export const INTERVAL = 8192;
/** The same where many are taken at once, which is faster by as much. */
const STRAIGHT_INTERVAL = 131_072;
/** Where writes are scattered, so that an interval saves more than this, intervals are longer: a place that is written often is saved once in each. */
const MANY_BYTES = 256 << 10;
const SCATTERED_INTERVAL = 4 * STRAIGHT_INTERVAL;
/** Lines of listings between checkpoints: a hypervisor that works at nearly every step would have a second executed again. */
export const MOST_LINES = 16_384;
/** Steps that are soon looked at one by one: nearer than that no checkpoint is wanted. */
export const NEAR = 2048;
/** Checkpoints kept; past that, or past so many bytes, every other one of the older half goes. */
const KEPT = 96;
export const BYTES_KEPT = 192 << 20;
/** However much they hold, so many stay. */
export const FEWEST_KEPT = 8;

/** What of a registry its history is kept with. */
type History = Pick<Registry, 'checkpoint' | 'restore' | 'forget' | 'historyBytes' | 'newestBytes'>;

/** A checkpoint, and the step that was to come when it was taken. */
export interface Kept {
  readonly step: number;
  readonly checkpoint: Checkpoint;
}

/**
 * The checkpoints of a run, by step. The one at the start is never dropped; the older the rest, the
 * sparser.
 */
export class Checkpoints {
  private kept: Kept[] = [];
  private longest = STRAIGHT_INTERVAL;
  /** Lines that had run at the newest checkpoint. */
  private lines = 0;

  /** `linesRun`: see `Machine`. */
  constructor(private readonly registry: History, private readonly linesRun: () => number) {}

  /** Takes a checkpoint of the machine as it stands at `step`, unless the newest is near enough, in steps and in what a hypervisor has done since. */
  consider(step: number, interval = INTERVAL): void {
    const lines = this.linesRun();
    if (step < this.nextAt(interval) && lines - this.lines < MOST_LINES) return;
    this.lines = lines;
    if (interval >= STRAIGHT_INTERVAL) this.longest = this.registry.newestBytes > MANY_BYTES ? SCATTERED_INTERVAL : STRAIGHT_INTERVAL;
    this.kept.push({ step, checkpoint: this.registry.checkpoint() });
    if (this.kept.length > KEPT) this.thin();
    while (this.kept.length > FEWEST_KEPT && this.registry.historyBytes > BYTES_KEPT) this.thin();
  }

  /** The step from which on another checkpoint is due. */
  nextAt(interval: number): number {
    const newest = this.kept[this.kept.length - 1];
    return newest === undefined ? -Infinity : newest.step + interval;
  }

  /**
   * How far apart checkpoints are to be on the way to step `until`: the nearer it is, the nearer they are, so that what comes before it
   * is soon executed again, and few are taken for it.
   */
  intervalOnTheWay(until: number): number {
    const newest = this.kept[this.kept.length - 1];
    const half = newest === undefined ? 0 : Math.ceil((until - newest.step) / 2);
    return Math.max(NEAR, Math.min(this.longest, half));
  }

  /** Step of the newest checkpoint at or before `step`. */
  before(step: number): number {
    return this.kept[this.indexBefore(step)]!.step;
  }

  /** The checkpoints that history has by now, oldest first, each with its step. */
  get stretches(): readonly Kept[] {
    return this.kept;
  }

  /**
   * Puts the machine back to the newest checkpoint at or before `step`; later ones are void and
   * forgotten. Gives that checkpoint's step.
   */
  restore(step: number): number {
    const index = this.indexBefore(step);
    const { checkpoint, step: at } = this.kept[index]!;
    this.kept.length = index + 1;
    this.registry.restore(checkpoint);
    this.lines = this.linesRun();
    return at;
  }

  private indexBefore(step: number): number {
    let index = this.kept.length - 1;
    while (index > 0 && this.kept[index]!.step > step) index--;
    return index;
  }

  private thin(): void {
    const half = this.kept.length >> 1;
    const older = this.kept.slice(0, half);
    const dropped = older.filter((_, i) => i % 2 === 1);
    for (const { checkpoint } of dropped) this.registry.forget(checkpoint);
    this.kept = [...older.filter((_, i) => i % 2 === 0), ...this.kept.slice(half)];
  }
}
