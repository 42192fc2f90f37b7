import type { Registry } from '../../hardware/state/registry';
import type { Program } from '../../language/program';

/** Seed of `random(n)` where the schedule has none. */
const DEFAULT_SEED = 1;

/**
 * The scenario's own source of chance: a sequence of 32-bit numbers that its seed decides (Marsaglia's xorshift, period
 * 2^32 - 1). Its place in the sequence is in the registry, so that time goes back over it.
 */
export class Randomness {
  private readonly state: Int32Array;

  /** `stream`: sources of one seed with different numbers give different sequences. */
  constructor(registry: Registry, name: string, seed: number | undefined, stream = 0) {
    this.state = registry.block(name, 1);
    // Seeds that lie near to each other must not begin alike; and 0 is the one state that xorshift never leaves.
    this.state[0] = Math.imul((seed ?? DEFAULT_SEED) + 0x9e3779b9 ^ Math.imul(stream, 0xc2b2ae35), 0x85ebca6b) || DEFAULT_SEED;
  }

  /** The next number, as an int32. */
  next(): number {
    let x = this.state[0]!;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state[0] = x;
    return x;
  }

  /** The next number below `bound`, a count of a few. */
  below(bound: number): number {
    return (this.next() >>> 8) % bound;
  }
}

/** By actor: what `random` draws from, one source a VM, so that what one draws does not depend on what another runs. */
export function chancesOf(registry: Registry, { schedule, vms, actors }: Program): readonly Randomness[] {
  const seed = schedule.kind === 'random' ? schedule.seed : undefined;
  const sources = vms.map((_, vm) => new Randomness(registry, `chance ${vm}`, seed, vm));
  return actors.map(({ vm }) => sources[Math.max(0, vm)]!);
}
