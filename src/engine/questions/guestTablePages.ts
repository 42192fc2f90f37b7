import { nextSetWord } from '../../hardware/memory/frameContents';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { PagingFormat } from '../../hardware/paging/pagingFormat';
import type { Technique } from '../../hypervisor/technique';
import type { ProcessTable } from '../machine/processTable';
import type { RunningVm } from '../machine/runningVm';

/** Entries of a table whose entries are in registers: PAE's four PDPTEs. */
const REGISTER_ENTRIES = 4;

/** A guest frame that holds a paging structure, and the highest level it is used at. */
export type GuestTablePages = ReadonlyMap<number, number>;

/** How many entries a table of `level` has. */
export function entriesOf(format: PagingFormat, level: number): number {
  return level === format.registerLevel ? REGISTER_ENTRIES : 2 ** format.indexBits;
}

/**
 * The guest frames that hold paging structures reachable from `roots` (guest frames), with their
 * level. `roots` left out: from CR3 of `cpu`. Touches nothing. Costs one look at each word.
 */
export function guestTablePages(
  memory: PhysicalMemory, technique: Technique, cpu: number, roots?: Iterable<number>,
): GuestTablePages {
  const { compiled, format } = technique.guestTables(cpu);
  const pages = new Map<number, number>();
  const visit = (gfn: number, level: number): void => {
    if ((pages.get(gfn) ?? 0) >= level) return;
    const frame = technique.guestMemory.contentsOf(gfn);
    pages.set(gfn, level);
    if (level === 1 || frame < 0) return;
    const { entryBytes } = format;
    const end = entriesOf(format, level) * entryBytes;
    for (let next = nextSetWord(memory, frame, 0); next >= 0 && next < end; next = nextSetWord(memory, frame, next + entryBytes)) {
      next -= next % entryBytes;
      const at = (frame << 12) | next;
      const lo = memory.load32(at, frame >>> 20);
      if ((lo & compiled.presentMask) === 0 || (lo & compiled.leafMask[level]!) !== 0) continue;
      const hi = entryBytes === 4 ? 0 : memory.load32(at | 4, frame >>> 20);
      visit(frameInEntry(lo, hi), level - 1);
    }
  };
  if (compiled.levels > 0) for (const root of roots ?? [cr3Frame(technique, cpu)]) visit(root, compiled.levels);
  return pages;
}

/** Guest frames of the known roots of a VM: what CR3 of these CPUs of it names, and its processes'. */
export function guestRoots({ technique, number }: RunningVm, cpus: readonly number[], processes: ProcessTable): ReadonlySet<number> {
  return new Set([...cpus.map((cpu) => cr3Frame(technique, cpu)), ...processes.rootsOf(number).map(({ frame }) => frame)]);
}

function cr3Frame(technique: Technique, cpu: number): number {
  return frameInEntry(technique.guestCr3Lo(cpu), technique.guestCr3Hi(cpu));
}
