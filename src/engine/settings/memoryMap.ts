import type { SettingValue } from '../../language/program';

const PAGE_BYTES = 4096;

/** A run of guest-physical pages. What no slot covers is a hole: nothing answers there. */
export interface MemorySlot {
  readonly name: string;
  /** Its number among the slot names of its VM: those of settings, in order, come first. */
  readonly id: number;
  /** First frame, and how many. */
  readonly frame: number;
  readonly frames: number;
  readonly kind: 'ram' | 'rom' | 'mmio';
  /** The setting that asks for it. */
  readonly setting?: SettingValue;
}

/** The slots that the machine's settings name, ascending; without any, `ram SIZE` is the one slot. */
export function memoryMap(settings: readonly SettingValue[], defaultRam: number): readonly MemorySlot[] {
  const slots = settings.filter(({ name }) => name === 'slot').map((setting, id): MemorySlot => {
    const [name, from, to, kind] = setting.values as readonly [string, number, number, MemorySlot['kind']];
    return { name, id, frame: from / PAGE_BYTES, frames: (to - from) / PAGE_BYTES, kind, setting };
  });
  if (slots.length > 0) return slots.sort((a, b) => a.frame - b.frame);
  const ram = settings.find(({ name }) => name === 'ram')?.values[0];
  return [{ name: 'ram', id: 0, frame: 0, frames: (typeof ram === 'number' ? ram : defaultRam) / PAGE_BYTES, kind: 'ram' }];
}

/** RAM of all slots together, in bytes. */
export function ramBytes(slots: readonly MemorySlot[]): number {
  return PAGE_BYTES * slots.reduce((sum, { frames, kind }) => (kind === 'mmio' ? sum : sum + frames), 0);
}

/** End of the highest slot with memory in it, in bytes. */
export function endOfMemory(slots: readonly MemorySlot[]): number {
  return PAGE_BYTES * slots.reduce((end, { frame, frames, kind }) => (kind === 'mmio' ? end : Math.max(end, frame + frames)), 0);
}

/** RAM from address 0 on, as far as it reaches without a gap, in bytes: what the loader and the kernel have. */
export function lowRam(slots: readonly MemorySlot[]): number {
  let end = 0;
  for (const { frame, frames, kind } of slots) if (kind === 'ram' && frame === end) end += frames;
  return PAGE_BYTES * end;
}
