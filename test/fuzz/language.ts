/**
 * `npm run fuzz:language -- RUNS SEED`: broken texts for the compiler. Most have `kernel none`, so that a million take
 * minutes; each hundredth is compiled with the kernel library. A text with a fault is shrunk and printed.
 */
import { everyConstruct, scenarios } from '../language/samples';
import { BrokenTexts, Chance } from './brokenTexts';
import { faultOf, shrunk } from './judgeText';

const BATCH = 10_000;
const WITH_LIBRARY = 100;

function main([runs = '20000', seed = '1']: readonly string[]): number {
  const total = Number(runs);
  const first = Number(seed);
  if (!Number.isInteger(total) || total < 1 || !Number.isInteger(first)) {
    console.error('The arguments are RUNS and SEED, both whole numbers: npm run fuzz:language -- 1000000 7.');
    return 2;
  }
  const texts = new BrokenTexts([everyConstruct, ...scenarios.values()]);
  const chance = new Chance(first);
  const modes = ['', 'paging none, ', 'paging 32-bit, ', 'paging pae, ', 'paging 5-level, '];
  for (let done = 1; done <= total; done++) {
    const broken = texts.make(chance);
    const text = done % WITH_LIBRARY === 0 ? broken : `machine { ${modes[done % modes.length] ?? ''}kernel none }\n${broken}`;
    const fault = faultOf(text);
    if (fault !== undefined) {
      console.error(`Text ${done} of seed ${first} has a fault: ${fault}\n\nShrunk:\n${JSON.stringify(shrunk(text))}`);
      return 1;
    }
    if (done % BATCH === 0) console.log(`${done} of ${total} broken texts are answered in sentences`);
  }
  return 0;
}

process.exitCode = main(process.argv.slice(2));
