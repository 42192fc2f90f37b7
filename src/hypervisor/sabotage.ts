import type { HostProcess } from './host/hostProcess';
import type { Memslots } from './memslots';

/** `platform { sabotage … }`: what no hypervisor may do, done on purpose, to show what isolation rests on. */
export type Sabotage = 'none' | 'identity_map_all' | 'load_guest_cr3_raw';

/** HVA >> 12 at which the VMM process has all of the machine's memory mapped, as by mmap of /dev/mem. */
const ALL_MEMORY_HVA_PAGE = 0x7e0000000;
/** Id of a slot that no scenario names. */
const NO_ID = -1;

/**
 * `identity_map_all`: one more memslot, from guest frame `from` to the end of the machine's memory of `frames` frames, behind
 * which lie the host's frames of the same numbers, whosever they are. All that follows is done as ever: slot, host table,
 * EPT or shadow. Without a `process` (`backing direct`) the slot is those frames. False when no host frame is left for the tables.
 */
export function mapAllMemory(slots: Memslots, process: HostProcess | undefined, from: number, frames: number): boolean {
  if (from >= frames) return true;
  const place = process === undefined ? { frame: from } : { hvaPage: ALL_MEMORY_HVA_PAGE + from };
  slots.add({ id: NO_ID, baseGfn: from, pages: frames - from, place, kind: 'ram' });
  if (process === undefined) return true;
  for (let frame = from; frame < frames; frame++) if (!process.map(ALL_MEMORY_HVA_PAGE + frame, frame, 'rw', 0)) return false;
  return true;
}
