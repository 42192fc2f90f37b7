import { notJudged } from './specReporter';
import type { Reporter, ScenarioResult } from './reporter';

/** Test Anything Protocol, version 14: a point for each expectation, one for each scenario's way to its end. */
export class TapReporter implements Reporter {
  readonly prints = 'kept';
  readonly failures = 'kept';
  private points = 0;

  constructor(private readonly write: (text: string) => void) {
    write('TAP version 14\n');
  }

  scenario({ file, status, report, expectations, problems, printed }: ScenarioResult): void {
    this.write(`# ${file}${report === undefined ? '' : ` under ${report.technique}`}\n`);
    for (const line of printed) this.write(`# print: ${line}\n`);
    for (const { path, line, column, text, verdict, found } of expectations) {
      const title = `${path}:${line}:${column}: ${text}`;
      if (verdict === 'held') this.point('ok', title);
      else if (verdict === 'failed') this.point('not ok', title, [found ?? text]);
      else this.point('ok', title, [], ` # SKIP ${notJudged[verdict]}`);
    }
    const isWell = status === 'ok' || (status === 'failed' && problems.length === 0);
    this.point(isWell ? 'ok' : 'not ok', `${file}: ${status === 'unusable' ? 'can be run' : 'comes to its end'}`, [
      ...problems, ...(status === 'interrupted' ? ['stopped by Ctrl-C'] : []),
    ]);
  }

  end(): void {
    this.write(`1..${this.points}\n`);
  }

  private point(word: 'ok' | 'not ok', title: string, found: readonly string[] = [], directive = ''): void {
    this.write(`${word} ${++this.points} - ${escaped(title)}${directive}\n`);
    if (word === 'ok') return;
    this.write(`  ---\n  message: ${JSON.stringify(found.join('\n'))}\n  ...\n`);
  }
}

/** A `#` in a description would begin a directive. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}
