import type { Checkpoint, Registry } from '../hardware/state/registry';

/** Steps between checkpoints: re-execution of one interval stays around a millisecond. */
export const INTERVAL = 8192;
/** Checkpoints kept; past that, every other one of the older half goes. */
const KEPT = 128;

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

  constructor(private readonly registry: Registry) {}

  /** Takes a checkpoint of the machine as it stands at `step`, unless the newest is near enough. */
  consider(step: number): void {
    const newest = this.kept[this.kept.length - 1];
    if (newest !== undefined && step - newest.step < INTERVAL) return;
    this.kept.push({ step, checkpoint: this.registry.checkpoint() });
    if (this.kept.length > KEPT) this.thin();
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
