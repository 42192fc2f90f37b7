import { strict as assert } from 'node:assert';
import { BYTES_KEPT, Checkpoints, FEWEST_KEPT, INTERVAL, MOST_LINES } from '../../src/engine/time/checkpoints';
import type { Checkpoint } from '../../src/hardware/state/registry';

/** A registry in which each stretch of a run saves so many bytes; of a stretch that joins the one before it so much is saved twice. */
class History {
  readonly saved: { readonly checkpoint: Checkpoint; bytes: number }[] = [];
  newestBytes = 0;

  constructor(private readonly bytesEach: number, private readonly shared: number) {}

  get historyBytes(): number {
    return this.saved.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  checkpoint(): Checkpoint {
    const checkpoint: Checkpoint = { number: this.saved.length + 1, blocks: [], numbers: [], reached: [] };
    this.saved.push({ checkpoint, bytes: this.bytesEach });
    return checkpoint;
  }

  restore(): void {
    assert.fail('nobody goes back here');
  }

  forget(checkpoint: Checkpoint): void {
    const at = this.saved.findIndex((each) => each.checkpoint === checkpoint);
    assert.ok(at > 0, 'the first one is never given up');
    this.saved[at - 1]!.bytes += this.saved[at]!.bytes * (1 - this.shared);
    this.saved.splice(at, 1);
  }
}

/** The same, in which one may go back. */
class Returning extends History {
  override restore(): void {
    this.saved.length = 0;
  }
}

/** A run of so many stretches, and what is kept of it. `most`: bytes that were held at any time. */
function kept(stretches: number, history: History): { readonly steps: readonly number[]; readonly most: number } {
  const checkpoints = new Checkpoints(history, () => 0);
  let most = 0;
  for (let step = 0; step < stretches * INTERVAL; step += INTERVAL) {
    checkpoints.consider(step);
    most = Math.max(most, history.historyBytes);
  }
  assert.deepEqual(checkpoints.stretches.map(({ checkpoint }) => checkpoint), history.saved.map(({ checkpoint }) => checkpoint), 'what is not kept is given back');
  return { steps: checkpoints.stretches.map(({ step }) => step), most };
}

const MIB = 1 << 20;

describe('the checkpoints of a run', () => {
  it('hold no more bytes than their budget where stretches write to the same places, the older the sparser', () => {
    const history = new History(16 * MIB, 1);
    const { steps, most } = kept(500, history);
    assert.ok(most <= BYTES_KEPT && most > BYTES_KEPT / 2, `${most / MIB} MiB`);
    assert.ok(steps.length >= FEWEST_KEPT);
    assert.deepEqual([steps[0], steps.at(-1)], [0, 499 * INTERVAL]);
    const gaps = steps.slice(1).map((step, i) => step - steps[i]!);
    assert.deepEqual(gaps, [...gaps].sort((a, b) => b - a));
    assert.ok(gaps[0]! > 100 * INTERVAL && gaps.at(-1)! <= 2 * INTERVAL, gaps.map((gap) => gap / INTERVAL).join());
  });

  it('are as many as there may be where they hold little, and never fewer than a few where nothing can be given back', () => {
    const many = kept(500, new History(MIB / 1024, 0)).steps.length;
    assert.ok(many > 48 && many <= 96, `${many}`);
    assert.equal(kept(500, new History(64 * MIB, 0)).steps.length, FEWEST_KEPT);
  });

  it('are nearer where a hypervisor works at nearly every step, and not because time went back', () => {
    let lines = 0;
    const checkpoints = new Checkpoints(new Returning(0, 0), () => lines);
    for (let step = 0; step < INTERVAL; step += 16) {
      checkpoints.consider(step);
      lines += 1024;
    }
    const steps = checkpoints.stretches.map(({ step }) => step);
    assert.deepEqual([steps.length, steps[1], steps[2]], [INTERVAL / 16 / (MOST_LINES / 1024), 16 * MOST_LINES / 1024, 2 * 16 * MOST_LINES / 1024]);
    lines += MOST_LINES;
    assert.equal(checkpoints.restore(300), 256);
    checkpoints.consider(256);
    checkpoints.consider(257);
    assert.deepEqual(checkpoints.stretches.map(({ step }) => step), [0, 256]);
  });
});
