/**
 * `npm run test:equivalence -- --programs N --seed S [--first I] [--jobs J]`: random programs under all techniques that fit them; a
 * failing one is shrunk and saved as a scenario. Status 1 after one.
 *
 * --first I        begins with program I of the seed, where a run was broken off
 * --jobs J         in so many processes at a time
 * --under 3        under the first technique and three others, by turns; left out: all
 * --only A,B       of those only these, beside the first
 * --unshrunk       prints a failure as it is, and saves nothing
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { judgePrograms, savedScenario, type Breadth, type Failure, type Order } from './judgePrograms';
import { judgeInProcesses, judgeWhatComes } from './programProcesses';

/** Seconds between two lines that tell how far a run has come. */
const SAY_EVERY = 15;

interface Arguments extends Omit<Order, 'said' | 'watch'> {
  readonly jobs: number;
}

function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      programs: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' }, first: { type: 'string', default: '0' }, jobs: { type: 'string', default: '1' },
      under: { type: 'string', default: 'all' }, only: { type: 'string' }, unshrunk: { type: 'boolean' },
    },
  });
  const whole = (name: 'programs' | 'seed' | 'first' | 'jobs' | 'under'): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} is a whole number, not "${values[name]}": --programs 5000 --seed 7`);
    return number;
  };
  const breadth: Breadth = values.under === 'all' ? 'all' : whole('under');
  return {
    programs: whole('programs'), seed: whole('seed'), first: whole('first'), jobs: whole('jobs'), breadth,
    shrink: values.unshrunk === true ? 'as it is' : 'shrunk', ...(values.only === undefined ? {} : { only: values.only.split(',') }),
  };
}

/** Prints from time to time how many programs agree, and with which number to go on. */
function teller({ first, programs, seed }: Order): (done: number) => void {
  const begin = performance.now();
  let last = begin;
  return (done) => {
    const now = performance.now();
    if (done < programs && now - last < SAY_EVERY * 1000) return;
    last = now;
    const seconds = (now - begin) / 1000;
    console.log(`PROGRESS ${done}/${programs} programs agree, ${(done / seconds).toFixed(1)} a second; of seed ${seed} those from ${first} to before ${first + done}`);
  };
}

function report(failure: Failure, { first, shrink }: Order): void {
  const { seed, index, why } = failure;
  console.error(`After ${index - first} programs that agreed, number ${index} of seed ${seed} does not:\n${why}`);
  if (shrink === 'as it is') return;
  const file = path.join('test-results', `equivalence-${seed}-${index}.guest`);
  fs.mkdirSync('test-results', { recursive: true });
  fs.writeFileSync(file, savedScenario(failure));
  console.error(`It is saved as ${file}.`);
}

async function main(args: readonly string[]): Promise<number> {
  const { jobs, ...order } = readArguments(args);
  const said = teller(order);
  const failure = jobs > 1 ? await judgeInProcesses(order, jobs, said) : judgePrograms({ ...order, said });
  if (failure === undefined) return 0;
  report(failure, order);
  return 1;
}

if (process.send === undefined) {
  main(process.argv.slice(2)).then((status) => { process.exitCode = status; }, (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  });
} else {
  judgeWhatComes();
}
