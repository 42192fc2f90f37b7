import type { Machine } from '../../src/engine/machine';
import type { RunningVm } from '../../src/engine/runningVm';
import { USE } from '../../src/hypervisor/host/hostFrames';
import { ENTRIES, entryAt, hex, isLarge, isPresent, isWritable, type Entry } from './tableWords';

/** R, W and X of an EPT entry. SDM Vol. 3, "EPT Translation Mechanism". */
const EPT_RIGHTS = 7;
const EPT_READ = 1;
const EPT_WRITE = 2;
/** Bit 51, beyond the width of physical addresses. */
const RESERVED_HI = 1 << (51 - 32);
const EPT_LEVELS = 4;

/**
 * Resource control, the third of Popek and Goldberg's conditions: whatever a VM's processors reach through the tables that
 * VM entry loads is a table of that VM's hypervisor, or a page of that VM; a page that is another one's too only if no entry
 * lets it be written. Told from the words in memory.
 */
export function auditOwnership(machine: Machine): readonly string[] {
  return machine.vms.flatMap((vm) => auditVm(machine, vm));
}

function auditVm(machine: Machine, { name, number, technique, processors }: RunningVm): readonly string[] {
  const host = technique.vm?.host;
  if (host === undefined) return [];
  const { frames } = host;
  const wrong: string[] = [];
  const seen = new Set<string>();
  const visit = (table: number, level: number, kind: 'ept' | 'npt' | 'shadow'): void => {
    if (seen.has(`${table}/${level}`)) return;
    seen.add(`${table}/${level}`);
    if (frames.useOf(table) !== (kind === 'shadow' ? USE.shadowTable : USE.eptTable) || frames.ownerOf(table) !== number) {
      wrong.push(`${name} walks through hpa ${hex(table)}, which is no table of its hypervisor's`);
      return;
    }
    for (let index = 0; index < ENTRIES; index++) {
      const entry = entryAt(machine.memory, table, index);
      if (!isReachable(kind, entry)) continue;
      const isLeaf = level === 1 || isLarge(entry);
      if (!isLeaf) {
        visit(entry.frame, level - 1, kind);
        continue;
      }
      const pages = 2 ** (9 * (level - 1));
      const mayWrite = kind === 'ept' ? (entry.lo & EPT_WRITE) !== 0 : isWritable(entry);
      for (let frame = entry.frame; frame < entry.frame + pages; frame++) {
        if (frames.useOf(frame) !== USE.guestPage) wrong.push(`${name} reaches hpa ${hex(frame)}, which is no guest's page`);
        else if (mayWrite && frames.ownerOf(frame) !== number) wrong.push(`${name} may write hpa ${hex(frame)}, a page of VM ${frames.ownerOf(frame)}`);
        else if (mayWrite && frames.mapCountOf(frame) > 1) wrong.push(`${name} may write hpa ${hex(frame)}, which it shares`);
      }
    }
  };
  for (const processor of processors) {
    // Under shadow paging the processor has the levels that the hypervisor gave it: three for guests in PAE or 32-bit paging.
    for (const { space, frame } of technique.roots(processor.cpu)) {
      if (space === 'ept' || space === 'npt') visit(frame, EPT_LEVELS, space);
      if (space === 'shadow') visit(frame, processor.inspection.compiled.levels, space);
    }
  }
  return wrong;
}

/** False of an entry that is not there, and of one that the processor refuses: entries of MMIO pages are made so. */
function isReachable(kind: 'ept' | 'npt' | 'shadow', entry: Entry): boolean {
  if (kind !== 'ept') return isPresent(entry) && (entry.hi & RESERVED_HI) === 0;
  // SDM Vol. 3, "EPT Misconfigurations": bit 0 clear and bit 1 set.
  return (entry.lo & EPT_RIGHTS) !== 0 && (entry.lo & (EPT_READ | EPT_WRITE)) !== EPT_WRITE;
}

/** How many frames are behind more than one page. */
export function sharedFrames(machine: Machine): number {
  const frames = machine.technique.vm?.host.frames;
  let shared = 0;
  for (let frame = 0; frames !== undefined && frame < frames.end; frame++) if (frames.useOf(frame) === USE.guestPage && frames.mapCountOf(frame) > 1) shared++;
  return shared;
}
