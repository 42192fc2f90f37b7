import { counted } from '../../adapter/counted';
import { countersJson } from '../../engine/run/countersJson';
import type { Reporter, ScenarioResult } from './reporter';
import type { RunReport } from '../../engine/run/run';

/** One line a scenario, and one for all when there are several. */
export class SummaryReporter implements Reporter {
  readonly prints = 'out';
  readonly failures = 'said';
  private readonly counts = new Map<ScenarioResult['status'], number>();

  constructor(private readonly write: (text: string) => void) {}

  scenario({ file, status, report }: ScenarioResult): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
    if (report !== undefined) this.write(`${summary(file, report)}\n`);
  }

  end(): void {
    const all = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
    if (all < 2) return;
    const parts = (['ok', 'failed', 'unusable', 'interrupted'] as const).flatMap((status) => {
      const count = this.counts.get(status) ?? 0;
      return count === 0 ? [] : [`${count} ${words[status]}`];
    });
    this.write(`${all} scenarios: ${parts.join(', ')}\n`);
  }
}

const words = { ok: 'ok', failed: 'failed', unusable: 'could not be run', interrupted: 'interrupted' } as const;

function summary(file: string, { technique, outcome, isOver, counters }: RunReport): string {
  const { passed, failed } = outcome;
  const { accesses, vm_exits: exits, faults } = countersJson(counters);
  // A run that died has judged no more than these.
  const until = outcome.message === undefined ? '' : ' until it died';
  const judged = failed === 0 ? `${counted(passed, 'expectation')} held${until}` : `${failed} of ${counted(passed + failed, 'expectation')} failed${until}`;
  const verdict = !isOver ? 'interrupted' : outcome.ok ? 'ok' : 'FAILED';
  const counts = [
    counted(accesses, 'access', 'accesses'), counted(exits['total'] ?? 0, 'VM exit'),
    counted(faults.guest, 'guest fault'), counted(faults.hidden, 'hidden fault'),
  ];
  return `${file} under ${technique}: ${verdict}, ${judged}; ${counts.join(', ')}`;
}
