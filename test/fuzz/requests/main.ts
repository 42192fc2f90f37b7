import { parseArgs } from 'node:util';
import { fuzzRequests } from './judgeRequests';

/** `npm run fuzz -- requests --requests N --seed S`: random requests to several sessions at once. Gives the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } } });
  const [wanted, seed] = [Number(values.requests), Number(values.seed)];
  if (!Number.isInteger(wanted) || wanted < 1 || !Number.isInteger(seed)) {
    console.error('--requests and --seed are whole numbers: npm run fuzz -- requests --requests 100000 --seed 7.');
    return 2;
  }
  const begin = performance.now();
  let told = 0;
  const { requests, failure } = await fuzzRequests(wanted, seed, (made) => {
    if (made - told < 5000 && made < wanted) return;
    told = made;
    console.log(`${made} requests are answered, after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  });
  if (failure === undefined) return 0;
  console.error(`After ${requests} requests something is wrong: ${failure}`);
  return 1;
}

void main(process.argv.slice(2)).then((status) => { process.exitCode = status; });
