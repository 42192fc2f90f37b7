/**
 * `npm test`: runs every leg of the tests, or those named as arguments, and ends with the sum as its last line,
 * `N passed, M failed`. A leg that cannot run counts as one failure and says why in a sentence. As many legs run side by side as
 * the machine has processors, up to three; PAGEWALK_LEGS=1 takes them one after the other.
 */
import * as os from 'node:os';
import { legs } from './legs';
import type { Leg } from './legs';
import { LegOutput } from './legOutput';
import { sum } from './tally';
import type { Tally } from './tally';

const MOST_LEGS = 3;

/** A leg, what it came to, and how long it took. */
interface Result {
  readonly leg: Leg;
  readonly tally: Tally;
  readonly seconds: number;
}

const output = new LegOutput((chunk) => { process.stdout.write(chunk); });

async function runLeg(leg: Leg): Promise<Result> {
  const begin = performance.now();
  const print = (chunk: Buffer | string): void => { output.write(leg.name, chunk); };
  output.begin(leg.name);
  print(`\n── ${leg.name}: ${leg.title}\n\n`);
  let tally: Tally = { passed: 0, failed: 1 };
  try {
    tally = await leg.run(print);
  } catch (error) {
    print(`The leg ${leg.name} cannot run: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  output.end(leg.name);
  return { leg, tally, seconds: Math.round((performance.now() - begin) / 1000) };
}

/** Each as soon as a place is free and nothing that it must not run beside is under way. */
async function runSideBySide(chosen: readonly Leg[], places: number): Promise<readonly Result[]> {
  const waiting = [...chosen];
  const running = new Map<Leg, Promise<void>>();
  const results: Result[] = [];
  while (waiting.length > 0 || running.size > 0) {
    const isWindowOpen = [...running.keys()].some(({ beside }) => beside === 'window');
    const isAlone = [...running.keys()].some(({ beside }) => beside === 'alone');
    const next = waiting.findIndex(({ beside }) => (beside === 'alone' ? running.size === 0 : !isAlone && !(beside === 'window' && isWindowOpen)));
    if (next < 0 || running.size >= places) {
      await Promise.race(running.values());
      continue;
    }
    const [leg] = waiting.splice(next, 1);
    if (leg === undefined) continue;
    running.set(leg, runLeg(leg).then((result) => {
      running.delete(leg);
      results.push(result);
    }));
  }
  return results;
}

function placesFor(setting: string | undefined): number {
  const wanted = Number(setting);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : Math.min(MOST_LEGS, os.availableParallelism());
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !legs.some((leg) => leg.name === name));
  if (unknown !== undefined) {
    console.error(`There is no leg "${unknown}": the legs are ${legs.map((leg) => leg.name).join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  const chosen = names.length > 0 ? legs.filter((leg) => names.includes(leg.name)) : legs;
  const results = await runSideBySide(chosen, placesFor(process.env['PAGEWALK_LEGS']));

  const all = sum(results.map((result) => result.tally));
  console.log('\n── all legs\n');
  for (const { leg, tally, seconds } of results) {
    console.log(
      `${leg.name.padEnd(14)} ${String(tally.passed).padStart(6)} passed, ${String(tally.failed)} failed, in ${String(seconds)} s`,
    );
  }
  console.log(`\n${String(all.passed)} passed, ${String(all.failed)} failed`);
  process.exitCode = all.failed === 0 ? 0 : 1;
}

void main(process.argv.slice(2));
