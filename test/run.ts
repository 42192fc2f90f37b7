/**
 * `npm test`: runs every leg of the tests, or those named as arguments, and ends with the sum as its last line,
 * `N passed, M failed`. A leg that cannot run counts as one failure and says why in a sentence.
 */
import { legs } from './legs';
import type { Leg } from './legs';
import { sum } from './tally';
import type { Tally } from './tally';

async function runLeg(leg: Leg): Promise<Tally> {
  console.log(`\n── ${leg.name}: ${leg.title}\n`);
  try {
    return await leg.run();
  } catch (error) {
    console.error(`The leg ${leg.name} cannot run: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !legs.some((leg) => leg.name === name));
  if (unknown !== undefined) {
    console.error(`There is no leg "${unknown}": the legs are ${legs.map((leg) => leg.name).join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  const chosen = names.length > 0 ? legs.filter((leg) => names.includes(leg.name)) : legs;
  const results: { leg: Leg; tally: Tally }[] = [];
  for (const leg of chosen) results.push({ leg, tally: await runLeg(leg) });

  const all = sum(results.map((result) => result.tally));
  console.log('\n── all legs\n');
  for (const { leg, tally } of results) {
    console.log(
      `${leg.name.padEnd(14)} ${String(tally.passed).padStart(6)} passed, ${String(tally.failed)} failed`,
    );
  }
  console.log(`\n${String(all.passed)} passed, ${String(all.failed)} failed`);
  process.exitCode = all.failed === 0 ? 0 : 1;
}

void main(process.argv.slice(2));
