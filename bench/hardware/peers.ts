import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type BochsPeer, bochsPeer } from './bochsPeer';
import { markedRun } from './markedRun';
import type { Iterations } from './phaseTimes';
import { isMissing, type Measurement, type Missing, type Times } from './measurement';
import { assembleKernel, type Kernel } from './kernelImage';
import { runOwn } from './ownProcess';

const BIOS = '/usr/share/bochs/BIOS-bochs-latest';
const VGA_BIOS = '/usr/share/bochs/VGABIOS-lgpl-latest';

const qemuIterations: Iterations = { hits: 100_000_000, misses: 2_000_000 };
const v86Iterations: Iterations = { hits: 80_000_000, misses: 4_000_000 };

/** The peers, by the same kernel. `folder`: for images and configurations. */
export function peerMeasurements(folder: string): readonly Measurement[] {
  const peer = bochsPeer();
  return [
    { name: 'bochs', title: `Bochs${peer.label}, 4-level`, run: () => bochs(peer, folder, 'NOTHING', 'corei7_icelake_u') },
    { name: 'bochs-ept', title: `Bochs${peer.label}, VMX with EPT`, run: () => bochs(peer, folder, 'EPT', 'corei7_icelake_u') },
    { name: 'bochs-npt', title: `Bochs${peer.label}, SVM with NPT`, run: () => bochs(peer, folder, 'NPT', 'ryzen') },
    { name: 'qemu', title: 'QEMU TCG, 4-level', run: () => qemu(folder, 'NOTHING') },
    { name: 'qemu-npt', title: 'QEMU TCG, SVM with NPT', run: () => qemu(folder, 'NPT') },
    { name: 'v86', title: 'v86, 32-bit with 2 levels', run: () => v86(folder) },
  ];
}

async function bochs(peer: BochsPeer, folder: string, behind: Kernel['behind'], model: string): Promise<Times | Missing> {
  if (!isInstalled(peer.command) || !existsSync(BIOS)) return { missing: 'Bochs is not installed (Debian: bochs, bochsbios, vgabios)' };
  const image = assembleKernel(folder, { ...peer.iterations, paging: 64, behind, boot: 'DISK' });
  if (typeof image !== 'string') return image;
  const name = path.basename(image, '.img');
  const configuration = `${name}.bochsrc`;
  writeFileSync(path.join(folder, configuration), [
    'megs: 64', `cpu: model=${model}, ips=50000000`, `romimage: file=${BIOS}`, `vgaromimage: file=${VGA_BIOS}`,
    ...peer.quiet, 'ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14',
    `ata0-master: type=disk, path=${path.basename(image)}, mode=flat, cylinders=2, heads=16, spt=63`, 'boot: disk',
    'port_e9_hack: enabled=1', 'clock: sync=none', `log: ${name}.log`,
    ...['error', 'info', 'debug'].map((what) => `${what}: action=ignore`), 'panic: action=fatal', '',
  ].join('\n'));
  // A Bochs that was ended at the kernel's last marker has left its lock on the image.
  rmSync(`${image}.lock`, { force: true });
  const commands = 'continue.rc';
  writeFileSync(path.join(folder, commands), 'c\n');
  const times = await markedRun(peer.command, ['-q', '-f', configuration, ...(peer.hasDebugger ? ['-rc', commands] : [])], folder, peer.iterations);
  if (isMissing(times)) return times;
  return Object.fromEntries(Object.entries(times).map(([key, ns]) => [key, ns / peer.factor]));
}

async function qemu(folder: string, behind: Kernel['behind']): Promise<Times | Missing> {
  const command = 'qemu-system-x86_64';
  if (!isInstalled(command)) return { missing: 'QEMU is not installed (Debian: qemu-system-x86)' };
  const image = assembleKernel(folder, { ...qemuIterations, paging: 64, behind, boot: 'DISK' });
  if (typeof image !== 'string') return image;
  return await markedRun(command, [
    '-accel', 'tcg', '-cpu', behind === 'NPT' ? 'EPYC,+svm,+npt' : 'EPYC', '-m', '64', '-display', 'none', '-serial', 'none',
    '-monitor', 'none', '-nic', 'none', '-debugcon', 'stdio', '-drive', `format=raw,file=${image}`,
  ], folder, qemuIterations);
}

async function v86(folder: string): Promise<Times | Missing> {
  const image = assembleKernel(folder, { ...v86Iterations, paging: 32, behind: 'NOTHING', boot: 'MULTIBOOT' });
  if (typeof image !== 'string') return image;
  return await runOwn(folder, 'v86Process', [image, JSON.stringify(v86Iterations)]);
}

export function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}
