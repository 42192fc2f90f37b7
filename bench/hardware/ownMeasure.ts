import { median, ownCpuTime } from './cpuTime';
import { type OwnMeasurement, ownMeasurements, type OwnName } from './ours';

/* A process of its own: runs one loop of ours and prints the median of its repeats, per iteration, as JSON. */
const REPEATS = 7;

const { iterations, prepare }: OwnMeasurement = ownMeasurements[process.argv[2] as OwnName];
const loop = prepare();
const times: number[] = [];
let checksum = 0;
for (let repeat = 0; repeat < REPEATS; repeat++) {
  const start = ownCpuTime();
  checksum = loop(iterations);
  times.push((ownCpuTime() - start) / iterations);
}
console.log(JSON.stringify({ iteration: median(times), checksum }));
