import type { Program, SourceRange } from '../language/program';
import { isUnder } from '../engine/interpreter/judge';
import type { RunReport } from '../engine/run/run';
import type { ExpectationResult } from './reporters/reporter';

/** Notes the verdicts on a program's expectations as it runs. */
export class ExpectationResults {
  private readonly times: number[];
  private readonly failures = new Map<number, string>();
  private lastFailed = -1;

  constructor(private readonly program: Program) {
    this.times = program.expectations.map(() => 0);
  }

  judged(expectation: number, verdict: 'held' | 'failed'): void {
    this.times[expectation] = (this.times[expectation] ?? 0) + 1;
    this.lastFailed = verdict === 'failed' ? expectation : -1;
    if (verdict === 'failed' && !this.failures.has(expectation)) this.failures.set(expectation, '');
  }

  /** The sentence about the expectation that was judged last. */
  failure(text: string): void {
    if (this.failures.get(this.lastFailed) === '') this.failures.set(this.lastFailed, text);
  }

  /** In the order of the text. */
  results({ vms }: Pick<RunReport, 'vms'>): readonly ExpectationResult[] {
    const { program } = this;
    return program.expectations.map(({ statement, techniques }, index) => {
      const { range } = program.statements[statement]!;
      const times = this.times[index] ?? 0;
      const found = this.failures.get(index);
      const isElsewhere = techniques >= 0 && !isUnder(program, techniques, this.techniquesAt(statement, vms));
      return {
        path: program.files[range.file]?.path ?? '',
        line: range.line + 1,
        column: range.column + 1,
        text: statementText(program, range),
        verdict: found !== undefined ? 'failed' : times > 0 ? 'held' : isElsewhere ? 'elsewhere' : 'never',
        times,
        ...(found === undefined ? {} : { found }),
      };
    });
  }

  /** What is in force where a statement stands: its VM's technique, or where that cannot be told those of all. */
  private techniquesAt(statement: number, vms: RunReport['vms']): readonly string[] {
    const { statements, actors } = this.program;
    const actor = actors.find(({ procedure }) => procedure === statements[statement]!.procedure);
    return vms.filter((_, vm) => actor === undefined || actor.vm < 0 || actor.vm === vm).map(({ technique }) => technique);
  }
}

/** What stands there, on one line. */
export function statementText(program: Program, { file, line, column, endLine, endColumn }: SourceRange): string {
  const lines = (program.files[file]?.text ?? '').split(/\r?\n/).slice(line, endLine + 1);
  const last = lines.length - 1;
  if (last >= 0) lines[last] = lines[last]!.slice(0, endColumn);
  if (last >= 0) lines[0] = lines[0]!.slice(column);
  return lines.join(' ').replace(/\s+/g, ' ').trim();
}
