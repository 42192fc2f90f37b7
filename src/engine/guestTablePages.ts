import { frameInEntry } from '../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import type { Technique } from '../hypervisor/technique';
import type { ProcessTable } from './processTable';

const ENTRIES = 512;

/** A guest frame that holds a paging structure, and the highest level it is used at. */
export type GuestTablePages = ReadonlyMap<number, number>;

/**
 * The guest frames that hold paging structures reachable from `roots` (guest frames), with their
 * level. `roots` left out: from CR3 of `cpu`. Touches nothing. Costs one look at each entry.
 */
export function guestTablePages(
  memory: PhysicalMemory, technique: Technique, cpu: number, roots?: Iterable<number>,
): GuestTablePages {
  const { compiled } = technique.guestTables(cpu);
  const pages = new Map<number, number>();
  const visit = (gfn: number, level: number): void => {
    if ((pages.get(gfn) ?? 0) >= level) return;
    const frame = technique.guestMemory.frameOf(gfn);
    pages.set(gfn, level);
    if (level === 1 || frame < 0) return;
    for (let index = 0; index < ENTRIES; index++) {
      const lo = memory.load32((frame << 12) | (index << 3), frame >>> 20);
      if ((lo & compiled.presentMask) === 0 || (lo & compiled.leafMask[level]!) !== 0) continue;
      const hi = memory.load32((frame << 12) | (index << 3) | 4, frame >>> 20);
      visit(frameInEntry(lo, hi), level - 1);
    }
  };
  if (compiled.levels > 0) for (const root of roots ?? [cr3Frame(technique, cpu)]) visit(root, compiled.levels);
  return pages;
}

/** Guest frames of the known roots: what CR3 of `cpu` names, and the processes'. */
export function guestRoots(technique: Technique, cpu: number, processes: ProcessTable): ReadonlySet<number> {
  return new Set([cr3Frame(technique, cpu), ...processes.rootFrames()]);
}

function cr3Frame(technique: Technique, cpu: number): number {
  return frameInEntry(technique.guestCr3Lo(cpu), technique.guestCr3Hi(cpu));
}
