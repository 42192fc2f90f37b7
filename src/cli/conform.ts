import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ConformMachine } from './conformMachine';
import { outcomeFields, printHex, readVector, type Vector } from './conformVector';
import { EXIT, type Console } from './console';
import { workOff, type Progress } from './progress';

/** One difference between a vector and the machine, a line that cannot be read (field `line`), or no machine at all (`machine`). */
export interface ConformFailure {
  readonly id: string;
  /** One-based. */
  readonly line: number;
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

export interface ConformReport {
  readonly file: string;
  /** Lines. A failed line may have several failures. */
  readonly passed: number;
  readonly failed: number;
  /** Lines by mode that the machine does not run. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly failures: readonly ConformFailure[];
}

/** Frames pile up in a machine that is used for many vectors: a new one after this many. */
const VECTORS_PER_MACHINE = 128;
const SHOWN_FAILURES = 10;
/** Vectors between two looks at the clock. */
const LINES_A_LOOK = 16;

/** Runs vectors, one a line; empty lines are none. */
export function conformText(file: string, text: string): ConformReport {
  const conformance = new Conformance(file, text);
  conformance.work(() => false);
  return conformance.report();
}

/** A file of vectors on its way, to be worked off in slices. */
export class Conformance {
  private readonly lines: readonly string[];
  private at = 0;
  private passed = 0;
  private failed = 0;
  private readonly skipped: Record<string, number> = {};
  private readonly failures: ConformFailure[] = [];
  private machine: ConformMachine | undefined;
  private vectorsOnMachine = 0;

  constructor(private readonly file: string, text: string) {
    this.lines = text.split(/\r?\n/);
  }

  work(expired: () => boolean): boolean {
    while (this.at < this.lines.length) {
      this.line(this.lines[this.at++] ?? '');
      if (this.at % LINES_A_LOOK === 0 && expired()) break;
    }
    return this.at === this.lines.length;
  }

  progress(): Progress {
    return { what: this.file, unit: 'vectors', units: this.at, share: this.at / this.lines.length };
  }

  /** The lines so far. */
  report(): ConformReport {
    const { file, passed, failed, skipped, failures } = this;
    return { file, passed, failed, skipped, failures };
  }

  private line(text: string): void {
    if (text.trim() === '') return;
    const read = readVector(text);
    if ('broken' in read) return this.fail('', [{ field: 'line', expected: 'a vector', actual: read.broken }]);
    const { vector } = read;
    const vendor = vector.kind === 'npt' ? 'amd' : 'intel';
    const impossible = ConformMachine.refusal(vector, vendor);
    if (impossible !== undefined) return this.fail(vector.id, [{ field: 'machine', expected: 'a machine', actual: impossible }]);
    const isOther = this.machine?.maxphyaddr !== vector.cpu.maxphyaddr || this.machine.vendor !== vendor;
    if (this.machine === undefined || isOther || ++this.vectorsOnMachine > VECTORS_PER_MACHINE) {
      this.machine = new ConformMachine(vector.cpu.maxphyaddr, vendor);
      this.vectorsOnMachine = 0;
    }
    const differences = judge(this.machine, vector);
    if (differences.length === 0) this.passed++;
    else this.fail(vector.id, differences);
  }

  private fail(id: string, differences: readonly Difference[]): void {
    this.failed++;
    for (const difference of differences) this.failures.push({ id, line: this.at, ...difference });
  }
}

/** Text of a file of vectors, `.gz` or plain. Throws what the file system throws. */
export function readVectors(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** The command: prints the first failures and the sums, or one JSON object; gives the exit status. */
export async function conform(file: string, options: { readonly json?: true }, console: Console): Promise<number> {
  let text: string;
  try {
    text = readVectors(file);
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem);
    console.error(`pagewalk: ${file} cannot be read (${why}): name a file of vectors, .jsonl or .jsonl.gz.\n`);
    return EXIT.unusable;
  }
  const conformance = new Conformance(file, text);
  const isInterrupted = (await workOff(conformance, console)) === 'interrupted';
  const report = conformance.report();
  const json = isInterrupted ? { ...report, interrupted: true } : report;
  console.out(options.json === true ? `${JSON.stringify(json)}\n` : printReport(report));
  if (!isInterrupted) return report.failed === 0 ? EXIT.ok : EXIT.failed;
  console.error('pagewalk: stopped by Ctrl-C; the counts are of the vectors so far.\n');
  return EXIT.interrupted;
}

type Difference = Pick<ConformFailure, 'field' | 'expected' | 'actual'>;

function judge(machine: ConformMachine, vector: Vector): readonly Difference[] {
  const observed = machine.run(vector);
  const differences: Difference[] = [];
  const outcome = vector.expect['outcome'] ?? '';
  const fields = observed['outcome'] === outcome ? ['outcome', ...(outcomeFields[outcome] ?? [])] : ['outcome'];
  for (const field of fields) {
    const expected = vector.expect[field] ?? 'absent';
    const actual = observed[field] ?? 'absent';
    if (expected !== actual) differences.push({ field, expected, actual });
  }
  if (outcome !== 'ok' || vector.after === undefined || differences.length > 0) return differences;
  for (const address of new Set([...vector.memory.keys(), ...vector.after.keys()])) {
    const expected = vector.after.get(address) ?? vector.memory.get(address) ?? 0n;
    const actual = machine.wordAt(address);
    if (expected !== actual) {
      differences.push({ field: `after[${printHex(address)}]`, expected: printHex(expected), actual: printHex(actual) });
    }
  }
  return differences;
}

function printReport(report: ConformReport): string {
  const lines = report.failures.slice(0, SHOWN_FAILURES).map((failure) => {
    const place = `${report.file}:${failure.line}: `;
    if (failure.field === 'line') return `${place}${failure.actual}.`;
    if (failure.field === 'machine') return `${place}${failure.id}: ${failure.actual}.`;
    return `${place}${failure.id}: ${failure.field} is ${failure.actual}, and ${failure.expected} was expected.`;
  });
  if (report.failures.length > SHOWN_FAILURES) lines.push(`… and ${report.failures.length - SHOWN_FAILURES} more differences.`);
  const modes = Object.entries(report.skipped);
  const sum = modes.reduce((all, [, count]) => all + count, 0);
  const skipped = sum === 0 ? '' : `, ${sum} skipped (${modes.map(([mode, count]) => `${mode} ${count}`).join(', ')})`;
  lines.push(`${report.passed} passed, ${report.failed} failed${skipped}`);
  return `${lines.join('\n')}\n`;
}
