import { median } from './cpuTime';
import type { Missing, Times } from './measurement';

/** Iterations of a phase, as the kernel was assembled with. */
export interface Iterations {
  readonly hits: number;
  readonly misses: number;
}

/** A marker of the kernel, and the CPU time at which it came, in nanoseconds. */
export interface Stamp {
  readonly mark: string;
  readonly at: number;
}

/** ns per iteration and per access out of the stamps A B C D of each round. */
export function phaseTimes(stamps: readonly Stamp[], iterations: Iterations): Times | Missing {
  const empty: number[] = [];
  const hit: number[] = [];
  const miss: number[] = [];
  for (let i = 0; i + 3 < stamps.length; i += 4) {
    const [a, b, c, d] = stamps.slice(i, i + 4);
    if ([a!, b!, c!, d!].map(({ mark }) => mark).join('') !== 'ABCD') return { missing: "the kernel's markers are out of order" };
    empty.push((b!.at - a!.at) / iterations.hits);
    hit.push((c!.at - b!.at) / iterations.hits);
    miss.push((d!.at - c!.at) / iterations.misses);
  }
  if (empty.length === 0) return { missing: 'the kernel never got to its loops' };
  return { iteration: median(hit), hit: median(hit) - median(empty), miss: median(miss) - median(empty) };
}
