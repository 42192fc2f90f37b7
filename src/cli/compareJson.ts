import type { Comparison, TechniqueResult } from '../engine/run/compare';
import { estimateJson } from '../engine/costs/costModel';
import { shareWithoutExit } from '../engine/run/compareRows';
import { countersJson, vmsJson } from '../engine/run/countersJson';

/** `compare --json`: without a sweep `techniques`, with one `points`, each with its `value` and `techniques`. */
export function compareJson(scenario: string, { points, unfit, isOver }: Comparison, global: string | undefined): object {
  return {
    scenario,
    ...(global === undefined
      ? { techniques: points.flatMap(({ results }) => results.map(techniqueJson)) }
      : {
          sweep: global,
          points: points.map(({ value, results }) => ({ value: `0x${(value ?? 0n).toString(16)}`, techniques: results.map(techniqueJson) })),
        }),
    unfit,
    ...(isOver ? {} : { interrupted: true }),
  };
}

function techniqueJson(result: TechniqueResult): object {
  const { mmu, outcome: { ok, passed, failed, message }, isOver, counters, costs, estimatedCycles, vms } = result;
  return {
    mmu,
    ok,
    ...(isOver ? {} : { interrupted: true }),
    ...(message === undefined ? {} : { message }),
    expectations: { passed, failed },
    accesses_without_exit: shareWithoutExit(result),
    counters: { ...countersJson(counters), estimated_cycles: estimatedCycles },
    estimate: estimateJson(costs, counters),
    ...vmsJson(vms),
  };
}
