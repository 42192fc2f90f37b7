import { COUNTER, COUNTERS } from '../../hardware/state/counters';
import { COUNTER_SCOPE } from '../../language/program';
import { estimatedCycles, type CostModel } from '../costs/costModel';
import type { Questions } from '../questions/questions';
import type { RunningVm } from '../machine/runningVm';

/** One VM's part of a run. */
export interface VmReport {
  /** Empty when its parts stand at the top of the file. */
  readonly name: string;
  readonly technique: string;
  /** Summed over its CPUs, table pages as they stand. */
  readonly counters: Float64Array;
  readonly estimatedCycles: number;
}

/** How a VM stands. */
export function vmReport(questions: Questions, { name, technique, processors }: RunningVm, costs: CostModel): VmReport {
  const counters = summed(processors);
  for (const kind of ['guest', 'shadow', 'ept', 'host'] as const) {
    const counter = COUNTER[`table_pages.${kind}`];
    counters[counter] = questions.counter(processors[0]!.cpu, counter, COUNTER_SCOPE.now);
  }
  return { name, technique: technique.name, counters, estimatedCycles: estimatedCycles(costs, counters) };
}

/** Counters of all together. */
export function summed(parts: readonly { readonly counters: Float64Array }[]): Float64Array {
  const counters = new Float64Array(COUNTERS);
  for (const part of parts) part.counters.forEach((value, i) => { counters[i]! += value; });
  return counters;
}
