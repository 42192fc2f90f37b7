import type { Paint } from '../../adapter/tones';
import type { ExpectationResult, Reporter, ScenarioResult } from './reporter';

/** For a person: each scenario with its expectations below it, then the failures in full. */
export class SpecReporter implements Reporter {
  readonly prints = 'kept';
  readonly failures = 'kept';
  private readonly told: { readonly title: string; readonly lines: readonly string[] }[] = [];
  private held = 0;
  private failed = 0;
  private skipped = 0;
  private unusable = 0;

  constructor(private readonly write: (text: string) => void, private readonly paint: Paint) {}

  scenario({ file, status, report, expectations, problems, printed }: ScenarioResult): void {
    const { paint } = this;
    const under = report === undefined ? '' : ` under ${report.technique}`;
    this.write(`\n${paint('heading', `${file}${under}`)}\n`);
    for (const line of printed) this.write(`    ${paint('quiet', `| ${line}`)}\n`);
    for (const expectation of expectations) this.write(`  ${this.expectation(file, expectation)}\n`);
    if (status === 'unusable') this.unusable++;
    const word = status === 'unusable' ? 'could not be run' : status === 'interrupted' ? 'interrupted' : 'the guest died';
    if (problems.length > 0 || status === 'interrupted') {
      this.write(`  ${paint('bad', '✗')} ${word}\n`);
      this.told.push({ title: `${file}${under}: ${word}`, lines: problems });
    }
  }

  end(): void {
    const { paint } = this;
    const sums = [paint('good', `${this.held} held`)];
    if (this.failed > 0) sums.push(paint('bad', `${this.failed} failed`));
    if (this.skipped > 0) sums.push(paint('quiet', `${this.skipped} not judged`));
    if (this.unusable > 0) sums.push(paint('bad', `${this.unusable} ${this.unusable === 1 ? 'scenario' : 'scenarios'} could not be run`));
    this.write(`\n${sums.join(', ')}\n`);
    this.told.forEach(({ title, lines }, index) => {
      this.write(`\n${index + 1}) ${title}\n`);
      for (const line of lines) this.write(`   ${paint('bad', line)}\n`);
    });
  }

  private expectation(file: string, { path, line, column, text, verdict, times, found }: ExpectationResult): string {
    const { paint } = this;
    const place = path === file ? `${line}` : `${path}:${line}`;
    const often = times > 1 ? paint('quiet', ` (${times} times)`) : '';
    switch (verdict) {
      case 'held':
        this.held++;
        return `${paint('good', '✓')} ${place}: ${text}${often}`;
      case 'failed':
        this.failed++;
        this.told.push({ title: `${path}:${line}:${column}`, lines: [found ?? text] });
        return `${paint('bad', `✗ ${place}: ${text}`)}${often}`;
      default:
        this.skipped++;
        return paint('quiet', `- ${place}: ${text} (${notJudged[verdict]})`);
    }
  }
}

/** Why an expectation has no verdict. */
export const notJudged = { elsewhere: 'about other techniques', never: 'never reached' } as const;
