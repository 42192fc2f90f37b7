import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time of a process that is not ours, all its threads, in nanoseconds: wall time would count what else the machine
 * does. The kernel brings it up to date at each tick, so a phase has to last some hundred milliseconds.
 */
export function cpuTimeOf(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    sum += Number(running);
  }
  return sum;
}

/** CPU time of this process in nanoseconds. */
export function ownCpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
