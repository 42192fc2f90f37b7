/**
 * `npm run mutation:tables [-- WORD…]`: breaks each row of the hardware's tables in turn, in memory, and runs the tests that should notice.
 * With words only the tables whose names have one of them. Ends with the sums; status 1 when a broken row survives.
 */
import { performance } from 'node:perf_hooks';
import { brokenTables, type BrokenRow, type BrokenTable } from './brokenTables';
import { equivalentBreaks } from './equivalentBreaks';

interface Sums { caught: number; equivalent: number; survived: number }

/** What caught it, or undefined. An exception is one of our invariants, and catches it too. */
async function caughtBy(table: BrokenTable, broken: BrokenRow): Promise<string | undefined> {
  const undo = broken.apply();
  try {
    for (const guard of table.guards) {
      try {
        const by = await guard.run();
        if (by !== undefined) return `${guard.name}: ${by}`;
      } catch (error) {
        return `${guard.name}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    return undefined;
  } finally {
    undo();
  }
}

/** Tables that are whole must pass, or nothing is proved. */
async function assertWholeTablesPass(tables: readonly BrokenTable[]): Promise<void> {
  const guards = new Map(tables.flatMap((table) => table.guards.map((guard) => [guard.name, guard] as const)));
  for (const [name, guard] of guards) {
    const by = await guard.run();
    if (by !== undefined) throw new Error(`nothing is broken, and ${name} fails: ${by}`);
  }
}

async function main(words: readonly string[]): Promise<void> {
  const begin = performance.now();
  const chosen = words.length === 0 ? brokenTables : brokenTables.filter(({ name }) => words.some((word) => name.includes(word)));
  const verbose = process.env['PAGEWALK_VERBOSE'] === '1';
  await assertWholeTablesPass(chosen);
  const all: Sums = { caught: 0, equivalent: 0, survived: 0 };
  for (const table of chosen) {
    const sums: Sums = { caught: 0, equivalent: 0, survived: 0 };
    for (const broken of table.breaks) {
      const title = `${table.name}, ${broken.row}: ${broken.how}`;
      const by = await caughtBy(table, broken);
      if (verbose && by !== undefined) console.log(`  ${title} <- ${by}`);
      if (by !== undefined) sums.caught++;
      else if (equivalentBreaks.some(({ matches }) => matches.test(title))) sums.equivalent++;
      else {
        sums.survived++;
        console.log(`  SURVIVED  ${title}`);
      }
    }
    console.log(`${table.name.padEnd(48)} ${sums.caught} caught, ${sums.equivalent} mean the same, ${sums.survived} survived`);
    for (const key of ['caught', 'equivalent', 'survived'] as const) all[key] += sums[key];
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(`\n${all.caught} caught, ${all.equivalent} mean the same, ${all.survived} survived, in ${seconds} s`);
  process.exitCode = all.survived === 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
