import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { cpuTimeOf } from './cpuTime';
import type { Missing, Times } from './measurement';
import { type Iterations, phaseTimes, type Stamp } from './phaseTimes';

/** Markers of bench/kernel/kernel.asm have bit 7 set. */
const MARK = 0x80;
const LIMIT_MS = 180_000;

/** The CPU a process of the bench is bound to, so that it does not wander: the last one. */
const pinned: readonly string[] = spawnSync('taskset', ['-V']).status === 0
  ? ['taskset', '-c', String(availableParallelism() - 1)] : [];

/** Command and arguments, bound to one CPU where `taskset` is there. */
export function onOneCpu(command: string, args: readonly string[]): readonly [string, readonly string[]] {
  const [first, ...rest] = [...pinned, command, ...args];
  return [first!, rest];
}

/**
 * Runs an emulator that boots the kernel and hands the bytes of port 0xE9 on to its standard output, and comes back with
 * the medians over the kernel's rounds: an iteration with the load minus one without.
 */
export async function markedRun(command: string, args: readonly string[], cwd: string, iterations: Iterations): Promise<Times | Missing> {
  const [program, programArgs] = onOneCpu(command, args);
  const child = spawn(program, programArgs, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const stamps: Stamp[] = [];
  let said = '';
  return await new Promise((resolve) => {
    const limit = setTimeout(() => end({ missing: `${command} did not reach the kernel's end in ${LIMIT_MS / 1000} s` }), LIMIT_MS);
    const end = (result: Times | Missing): void => {
      clearTimeout(limit);
      child.kill('SIGKILL');
      resolve(result);
    };
    child.stderr.on('data', (bytes: Buffer) => { said = (said + bytes.toString('latin1')).slice(-300); });
    child.stdout.on('data', (bytes: Buffer) => {
      for (const byte of bytes) {
        if ((byte & MARK) === 0) continue;
        const mark = String.fromCharCode(byte & ~MARK);
        if (mark === 'Z') return end(phaseTimes(stamps, iterations));
        if (mark === '!' || mark === '?') return end({ missing: `${command}: the kernel says "${mark}"` });
        stamps.push({ mark, at: cpuTimeOf(child.pid!) });
      }
    });
    child.on('error', () => end({ missing: `${command} is not installed` }));
    child.on('exit', (status) => end({ missing: `${command} ended with status ${status ?? 'none'}: ${said.trim()}` }));
  });
}
