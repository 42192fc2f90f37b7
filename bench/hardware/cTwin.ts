import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { onOneCpu } from './markedRun';
import type { Measurement, Missing, Times } from './measurement';
import { ownMeasurements } from './ours';

const SOURCE = path.join(__dirname, '..', 'twin', 'walk.c');

/** The C twins: the same walks over the same tables, checksum of the addresses included. */
export function twinMeasurements(folder: string): readonly Measurement[] {
  return [
    { name: 'c', title: 'walk in C, 4-level', run: () => Promise.resolve(twin(folder, 'native', ownMeasurements.walk.iterations)) },
    { name: 'c-ept', title: 'walk in C, 4x4 by EPT', run: () => Promise.resolve(twin(folder, 'ept', ownMeasurements['walk-ept'].iterations)) },
  ];
}

function twin(folder: string, what: 'native' | 'ept', iterations: number): Times | Missing {
  const binary = path.join(folder, 'walk');
  const { status, error } = spawnSync('gcc', ['-O2', '-march=native', '-o', binary, SOURCE]);
  if (error !== undefined) return { missing: 'gcc is not installed' };
  if (status !== 0) return { missing: 'the C twin does not compile' };
  const [program, args] = onOneCpu(binary, [what, String(iterations)]);
  return JSON.parse(execFileSync(program, args, { encoding: 'utf8' })) as Times;
}
