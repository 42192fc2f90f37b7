/**
 * `npm run mutation:tables [-- OPTION… WORD…]`: breaks each row of the hardware's tables in turn, in memory, and runs the tests that should
 * notice. With words only the tables whose names have one of them. Results are kept by table under test-results/:
 *
 *     --resume   leaves out tables that have passed with src/hardware as it is checked out
 *     --report   runs nothing, and prints the kept results as a table
 *
 * Ends with the sums; status 1 when a broken row survives.
 */
import { performance } from 'node:perf_hooks';
import { forgetCompilations } from '../../src/hardware/paging/compiledOnce';
import { brokenTables, type BrokenRow, type BrokenTable } from './brokenTables';
import { equivalentBreaks } from './equivalentBreaks';
import { PromisingFirst } from './promisingFirst';
import type { Guard } from './guards';
import { checkedOut, keepResult, markdown, readResults, type TableResult } from './tableResults';

const isVerbose = process.env['PAGEWALK_VERBOSE'] === '1';
const secondsSince = (begin: number): number => Math.round((performance.now() - begin) / 1000);

/** What caught it, or undefined; the guard that did goes into `biting`. */
async function caughtBy(guards: PromisingFirst<Guard>, broken: BrokenRow, biting: Set<Guard>): Promise<string | undefined> {
  const undo = broken.apply();
  forgetCompilations();
  try {
    return await guards.firstCatch(async (guard) => {
      let by: string | undefined;
      try {
        by = await guard.run();
      } catch (error) {
        by = error instanceof Error ? error.message : String(error);
      }
      if (by === undefined) return undefined;
      biting.add(guard);
      return `${guard.name}: ${by}`;
    });
  } finally {
    undo();
    forgetCompilations();
  }
}

/** Guards that have passed over whole tables: one that fails there proves nothing. */
const trusted = new Set<string>();

async function assertPass(guards: Iterable<Guard>): Promise<void> {
  for (const guard of guards) {
    const by = await guard.run();
    if (by !== undefined) throw new Error(`nothing is broken, and ${guard.name} fails: ${by}`);
    trusted.add(guard.name);
  }
}

async function breakRowsOf(table: BrokenTable): Promise<TableResult> {
  const begin = performance.now();
  const guards = new PromisingFirst(table.guards);
  const first = new PromisingFirst(table.guards.slice(0, 1));
  const survived: string[] = [];
  const biting = new Set<Guard>();
  let caught = 0;
  let equivalent = 0;
  for (const broken of table.breaks) {
    const title = `${table.name}, ${broken.row}: ${broken.how}`;
    const since = performance.now();
    // What is said to mean the same is shown to the first guard alone: for whether too much is said to.
    const isListed = equivalentBreaks.some(({ matches }) => matches.test(title));
    const by = await caughtBy(isListed ? first : guards, broken, biting);
    if (isVerbose) console.log(`  ${title} <- ${by ?? 'nothing'} (${(performance.now() - since).toFixed(0)} ms)`);
    if (by !== undefined) caught++;
    else if (isListed) equivalent++;
    else {
      survived.push(title);
      console.log(`  SURVIVED  ${title}`);
    }
  }
  // What a failing test has left behind must not be what caught the next row.
  await assertPass(biting);
  return { caught, equivalent, survived, seconds: secondsSince(begin), ...checkedOut() };
}

async function run(chosen: readonly BrokenTable[], isResumed: boolean): Promise<number> {
  const begin = performance.now();
  const { hardware } = checkedOut();
  const kept = readResults();
  const hasPassed = ({ name }: BrokenTable): boolean => kept[name]?.hardware === hardware && kept[name].survived.length === 0;
  const due = isResumed ? chosen.filter((table) => !hasPassed(table)) : chosen;
  let survivors = 0;
  let caught = 0;
  let equivalent = 0;
  for (const table of due) {
    await assertPass(table.guards.filter(({ name }) => !trusted.has(name)));
    const result = await breakRowsOf(table);
    keepResult(table.name, result);
    const { survived, seconds } = result;
    console.log(`${table.name.padEnd(48)} ${result.caught} caught, ${result.equivalent} mean the same, ${survived.length} survived, in ${seconds} s`);
    survivors += survived.length;
    caught += result.caught;
    equivalent += result.equivalent;
  }
  const left = chosen.length === due.length ? '' : `; ${chosen.length - due.length} tables had passed before`;
  console.log(`\n${caught} caught, ${equivalent} mean the same, ${survivors} survived, in ${secondsSince(begin)} s${left}`);
  return survivors;
}

async function main(words: readonly string[]): Promise<void> {
  const [options, parts] = [words.filter((word) => word.startsWith('--')), words.filter((word) => !word.startsWith('--'))];
  const unknown = options.find((option) => !['--resume', '--report'].includes(option));
  if (unknown !== undefined) throw new Error(`${unknown} is no option of mutation:tables: there are --resume and --report`);
  const chosen = parts.length === 0 ? brokenTables : brokenTables.filter(({ name }) => parts.some((part) => name.includes(part)));
  if (chosen.length === 0) throw new Error(`no table's name has ${parts.join(' or ')}: ${brokenTables.map(({ name }) => name).join(', ')}`);
  if (options.includes('--report')) console.log(markdown(readResults(), chosen.map(({ name }) => name)));
  else process.exitCode = await run(chosen, options.includes('--resume')) === 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
