/**
 * `npm run test:equivalence -- --programs N --seed S [--under all]`: random programs under the techniques that fit them; a failing
 * one is shrunk and saved as a scenario. `--under 3`: under the first technique and three others, by turns; `--only A,B`: of those only these;
 * `--first`: a failure is printed as it is. Status 1 after one.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { judgePrograms, savedScenario, type Breadth } from './judgePrograms';

interface Arguments {
  readonly programs: number;
  readonly seed: number;
  readonly breadth: Breadth;
  readonly shrink: 'shrunk' | 'as it is';
  readonly only?: readonly string[];
}

function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: { programs: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' }, under: { type: 'string', default: 'all' }, first: { type: 'boolean' }, only: { type: 'string' } },
  });
  const whole = (name: 'programs' | 'seed' | 'under'): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} is a whole number, not "${values[name]}": --programs 5000 --seed 7`);
    return number;
  };
  return {
    programs: whole('programs'), seed: whole('seed'), breadth: values.under === 'all' ? 'all' : whole('under'),
    shrink: values.first === true ? 'as it is' : 'shrunk', ...(values.only === undefined ? {} : { only: values.only.split(',') }),
  };
}

function main(args: readonly string[]): number {
  const order = readArguments(args);
  const begin = performance.now();
  const said = (done: number): void => {
    if (done % 500 === 0 || done === order.programs) console.log(`${done} of ${order.programs} programs agree, after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  };
  const failure = judgePrograms({ ...order, said });
  if (failure === undefined) return 0;
  const { seed, after, why } = failure;
  console.error(`After ${after} programs that agreed, one of seed ${seed} does not:\n${why}`);
  if (order.shrink === 'shrunk') {
    const file = path.join('test-results', `equivalence-${seed}.guest`);
    fs.mkdirSync('test-results', { recursive: true });
    fs.writeFileSync(file, savedScenario(failure));
    console.error(`It is saved as ${file}.`);
  }
  return 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
