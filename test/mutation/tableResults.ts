import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { projectRoot, resultsFolder } from '../vscode/harness/projectRoot';

/** What came of breaking one table. */
export interface TableResult {
  readonly caught: number;
  readonly equivalent: number;
  /** Titles of the broken rows that no test noticed. */
  readonly survived: readonly string[];
  readonly seconds: number;
  /** The commit that was checked out; `+` behind it when files differed from it. */
  readonly commit: string;
  /** The tree of src/hardware in that commit: results count for as long as it stays. */
  readonly hardware: string;
}

/** Kept between runs, outside git. */
const FILE = join(resultsFolder, 'broken-tables.json');

export type TableResults = Record<string, TableResult>;

export function readResults(): TableResults {
  return fs.existsSync(FILE) ? JSON.parse(fs.readFileSync(FILE, 'utf8')) as TableResults : {};
}

/** Writes one table's result beside those of the others, at once: a run that is cut short keeps what it has. */
export function keepResult(name: string, result: TableResult): void {
  fs.mkdirSync(resultsFolder, { recursive: true });
  fs.writeFileSync(FILE, `${JSON.stringify({ ...readResults(), [name]: result }, undefined, 2)}\n`);
}

const git = (...words: readonly string[]): string => execFileSync('git', words, { cwd: projectRoot, encoding: 'utf8' }).trim();

/** What is checked out, as results name it. */
export function checkedOut(): Pick<TableResult, 'commit' | 'hardware'> {
  const isChanged = git('status', '--porcelain', '--', 'src/hardware', 'test') !== '';
  return { commit: git('rev-parse', '--short', 'HEAD') + (isChanged ? '+' : ''), hardware: git('rev-parse', 'HEAD:src/hardware') };
}

/** The results as a table of Markdown, with sums; tables that have none yet are named below it. */
export function markdown(results: TableResults, names: readonly string[]): string {
  const rows = names.flatMap((name) => (results[name] === undefined ? [] : [{ name, ...results[name] }]));
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const sum = (of: (row: TableResult) => number): number => rows.reduce((all, row) => all + of(row), 0);
  const missing = names.filter((name) => results[name] === undefined);
  return [
    line(['table', 'broken', 'caught', 'mean the same', 'survived', 'commit']), line(['---', '---', '---', '---', '---', '---']),
    ...rows.map(({ name, caught, equivalent, survived, commit }) => (
      line([`\`${name}\``, caught + equivalent + survived.length, caught, equivalent, survived.length, commit]))),
    line(['all of them', sum((row) => row.caught + row.equivalent + row.survived.length), sum((row) => row.caught),
      sum((row) => row.equivalent), sum((row) => row.survived.length), '']),
    ...(missing.length === 0 ? [] : ['', `Not run: ${missing.join(', ')}`]),
  ].join('\n');
}
