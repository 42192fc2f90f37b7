import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ownCpuTime } from './cpuTime';
import { type Iterations, phaseTimes, type Stamp } from './phaseTimes';

/*
 * A process of its own: boots the 32-bit kernel in v86 and prints its times as JSON. v86 has no types for the ports, and
 * is bundled into nothing.
 */
interface Emulator {
  readonly v86: { readonly cpu: { readonly io: { register_write(port: number, device: object, write: (value: number) => void): void } } };
  add_listener(event: string, listener: () => void): void;
  run(): void;
}

const [image, iterations] = process.argv.slice(2);

async function main(): Promise<void> {
  let library: string;
  try {
    library = createRequire(path.join(process.cwd(), 'bench')).resolve('v86');
  } catch {
    console.log(JSON.stringify({ missing: 'v86 is not installed (npm: v86)' }));
    return;
  }
  const { V86 } = await import(pathToFileURL(library).href) as { V86: new (options: object) => Emulator };
  const bytes = new Uint8Array(readFileSync(image!));
  const emulator = new V86({
    wasm_path: path.join(path.dirname(library), 'v86.wasm'), memory_size: 64 << 20, vga_memory_size: 1 << 20,
    multiboot: { buffer: bytes.buffer }, autostart: false, disable_keyboard: true, disable_mouse: true, disable_speaker: true,
  });
  const stamps: Stamp[] = [];
  emulator.add_listener('emulator-loaded', () => {
    emulator.v86.cpu.io.register_write(0xe9, { name: 'bench' }, (value) => {
      const mark = String.fromCharCode(value & 0x7f);
      if (mark === 'Z') {
        console.log(JSON.stringify(phaseTimes(stamps, JSON.parse(iterations!) as Iterations)));
        process.exit(0);
      }
      if (mark === '!') {
        console.log(JSON.stringify({ missing: 'v86: the kernel says "!"' }));
        process.exit(0);
      }
      stamps.push({ mark, at: ownCpuTime() });
    });
    emulator.run();
  });
}

void main();
