import fc from 'fast-check';
import { raceFreePrograms, type RaceFreeProgram } from './raceFreeProgram';

const BATCH = 100;
const BATCHES_PER_SEED = 100_000;

/** Program `index` of a seed, and where fast-check finds it again. */
export interface NumberedProgram {
  readonly index: number;
  readonly draw: RaceFreeProgram;
  readonly batchSeed: number;
  readonly path: string;
}

/** Programs `first` to before `end` of a seed. Which program has which number depends on the seed alone, wherever a run begins and ends. */
export function* programsOf(seed: number, first: number, end: number): Iterable<NumberedProgram> {
  for (let batch = Math.floor(first / BATCH); batch * BATCH < end; batch++) {
    const batchSeed = seed * BATCHES_PER_SEED + batch;
    const draws = fc.sample(raceFreePrograms, { numRuns: Math.min(BATCH, end - batch * BATCH), seed: batchSeed });
    for (const [place, draw] of draws.entries()) {
      const index = batch * BATCH + place;
      if (index >= first) yield { index, draw, batchSeed, path: String(place) };
    }
  }
}
