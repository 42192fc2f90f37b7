import type { RunReport } from '../../engine/run/run';
import { estimateJson } from '../../engine/costs/costModel';
import { countersJson, vmsJson } from '../../engine/run/countersJson';
import type { Reporter, ScenarioResult } from './reporter';

/** One object a scenario, one a line; of a scenario that could not be run there is none. */
export class JsonReporter implements Reporter {
  readonly prints = 'error';
  readonly failures = 'said';

  constructor(private readonly write: (text: string) => void) {}

  scenario({ file, report }: ScenarioResult): void {
    if (report !== undefined) this.write(`${JSON.stringify(runJson(file, report))}\n`);
  }

  end(): void {
    // Nothing holds the objects together: each line stands alone.
  }
}

function runJson(file: string, { technique, outcome, isOver, counters, costs, estimatedCycles, vms }: RunReport): object {
  const { ok, passed, failed } = outcome;
  return {
    scenario: file,
    mmu: technique,
    ok,
    ...(isOver ? {} : { interrupted: true }),
    expectations: { passed, failed },
    counters: { ...countersJson(counters), estimated_cycles: estimatedCycles },
    estimate: estimateJson(costs, counters),
    ...vmsJson(vms),
  };
}
