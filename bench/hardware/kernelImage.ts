import { spawnSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import path from 'node:path';
import type { Iterations } from './phaseTimes';
import type { Missing } from './measurement';

export interface Kernel extends Iterations {
  readonly paging: 32 | 64;
  readonly behind: 'NOTHING' | 'EPT' | 'NPT';
  readonly boot: 'DISK' | 'MULTIBOOT';
}

const SOURCES = path.join(__dirname, '..', 'kernel');
/** 2 cylinders of 16 heads and 63 sectors. */
const DISK_BYTES = 2 * 16 * 63 * 512;

/** Assembles the kernel into `folder`; comes back with the image's path. */
export function assembleKernel(folder: string, kernel: Kernel): string | Missing {
  const { paging, behind, boot, hits, misses } = kernel;
  const image = path.join(folder, `kernel-${paging}-${behind}-${boot}-${hits}.img`);
  const defines = { PAGING: paging, BEHIND: behind, BOOT: boot, HITS: hits, MISSES: misses };
  const args = Object.entries(defines).flatMap(([name, value]) => ['-D', `${name}=${value}`]);
  const { status, error, stderr } = spawnSync('nasm', [
    '-f', 'bin', '-I', `${SOURCES}${path.sep}`, ...args, '-o', image, path.join(SOURCES, 'kernel.asm'),
  ], { encoding: 'utf8' });
  if (error !== undefined) return { missing: 'nasm is not installed (Debian: nasm), which assembles the kernel' };
  if (status !== 0) return { missing: `the kernel does not assemble: ${stderr.trim()}` };
  if (boot === 'DISK') truncateSync(image, DISK_BYTES);
  return image;
}
