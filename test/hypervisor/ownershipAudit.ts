import type { Machine } from '../../src/engine/machine/machine';
import type { RunningVm } from '../../src/engine/machine/runningVm';
import { cachedMappings } from '../../src/hardware/caches/cacheView';
import { frameOfAddress } from '../../src/hardware/memory/frameNumber';
import type { Processor } from '../../src/hardware/processor/processor';
import { USE, type HostFrames } from '../../src/hypervisor/host/hostFrames';
import type { PhysicalHost } from '../../src/hypervisor/physicalHost';
import type { HostReach } from '../../src/hypervisor/hostReach';
import { Nested } from '../../src/hypervisor/nested/level1/nested';
import { entryAt, hex, isLarge, isPresent, isWritable, type Entry } from './tableWords';

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

/** Tables that a processor walks, and how the frames in their entries are judged. */
interface Reached {
  readonly who: string;
  /** Where the words of its tables are, by frames of whoever made them. */
  readonly words: Pick<HostReach, 'load32' | 'nextSetWord'>;
  readonly tables: { readonly frames: HostFrames; readonly use: number; readonly owner: number };
  /** The pages: whose frames they are, and what frame of that host's a leaf means. */
  readonly pages: { readonly frames: HostFrames; readonly owner: number; frameOf(frame: number): number };
}

const SAME = (frame: number): number => frame;

function auditVm(machine: Machine, { name, number, technique, processors }: RunningVm): readonly string[] {
  if (technique instanceof Nested) return auditNestedVm(name, number, technique);
  const host = technique.vm?.host;
  if (host === undefined) return [];
  const { frames } = host;
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const processor of processors) {
    wrong.push(...auditTlb(name, number, processor, host));
    // Under shadow paging the processor has the levels that the hypervisor gave it: three for guests in PAE or 32-bit paging.
    for (const { space, frame } of technique.roots(processor.cpu)) {
      if (space !== 'ept' && space !== 'npt' && space !== 'shadow') continue;
      const use = space === 'shadow' ? USE.shadowTable : USE.eptTable;
      visit({
        who: name, words: host.reach, tables: { frames, use, owner: number }, pages: { frames, owner: number, frameOf: SAME },
      }, space, frame, space === 'shadow' ? processor.inspection.compiled.levels : EPT_LEVELS, seen, wrong);
    }
  }
  return wrong;
}

/** What the TLB has is within reach too, whatever the tables say by now: a frame that goes must be flushed first. */
function auditTlb(who: string, owner: number, { caches }: Processor, { frames, pages: { rmap } }: PhysicalHost): readonly string[] {
  // A frame that was shared stays whose it was at first until the last VM that maps it writes it.
  const isMappedBy = (frame: number): boolean => {
    for (let link = rmap.first(frame); link !== 0; link = rmap.next(link)) if (rmap.vmOf(link) === owner) return true;
    return false;
  };
  return cachedMappings(caches).flatMap(({ cache, hpaLo, hpaHi, shift }) => {
    if (cache !== 'L1 TLB' && cache !== 'L2 TLB') return [];
    const first = frameOfAddress(hpaLo, hpaHi);
    for (let frame = first; frame < first + 2 ** (shift - 12); frame++) {
      if (frames.useOf(frame) !== USE.guestPage) return [`${who}'s ${cache} leads to hpa ${hex(frame)}, which is no guest's page`];
      if (frames.ownerOf(frame) !== owner && !isMappedBy(frame)) return [`${who}'s ${cache} leads to hpa ${hex(frame)}, a page of VM ${frames.ownerOf(frame)}`];
    }
    return [];
  });
}

/**
 * Of a VM whose host is a guest itself, each level is held to it: L1 reaches pages of its machine's, by EPT01; L2 pages that are its own
 * among L1's, by EPT02, whose tables are L0's; and EPT12, which is nobody's but L1's, names no others.
 */
function auditNestedVm(name: string, number: number, { vm: { host: l1 }, ept, level0: { vm: l0, nesting, cpus } }: Nested): readonly string[] {
  const wrong: string[] = [];
  const { host: { frames } } = l0;
  const owner = l0.number;
  const ofL1 = { frames, owner, frameOf: SAME };
  const ept01: Reached = { who: `L1 of ${name}`, words: l0.host.reach, tables: { frames, use: USE.eptTable, owner }, pages: ofL1 };
  const ept02: Reached = {
    who: name, words: l0.host.reach, tables: { frames, use: USE.shadowTable, owner },
    pages: { frames: l1.frames, owner: number, frameOf: (frame) => l0.memory.gfnOf(frame) },
  };
  const ept12: Reached = {
    who: `${name} by EPT12`, words: l1.reach, tables: { frames: l1.frames, use: USE.eptTable, owner: number }, pages: { frames: l1.frames, owner: number, frameOf: SAME },
  };
  for (const { frame } of ept.roots()) visit(ept12, 'ept', frame, EPT_LEVELS, new Set(), wrong);
  for (const { frame } of nesting.ept.roots()) visit(ept01, 'ept', frame, EPT_LEVELS, new Set(), wrong);
  const seen = new Set<string>();
  for (const { cpu } of ept.vm.processors.map((processor) => cpus[processor.cpu]!.processor)) {
    const root = nesting.rootOf02(cpu);
    if (root !== undefined) visit(ept02, 'ept', root, EPT_LEVELS, seen, wrong);
  }
  return wrong;
}

function visit(reached: Reached, kind: 'ept' | 'npt' | 'shadow', table: number, level: number, seen: Set<string>, wrong: string[]): void {
  const { who, words, tables, pages } = reached;
  if (seen.has(`${table}/${level}`)) return;
  seen.add(`${table}/${level}`);
  if (tables.frames.useOf(table) !== tables.use || tables.frames.ownerOf(table) !== tables.owner) {
    wrong.push(`${who} walks through hpa ${hex(table)}, which is no table of its hypervisor's`);
    return;
  }
  for (let at = words.nextSetWord(table, 0); at >= 0; at = words.nextSetWord(table, (at | 7) + 1)) {
    const entry = entryAt(words, table, at >> 3);
    if (!isReachable(kind, entry)) continue;
    const isLeaf = level === 1 || isLarge(entry);
    if (!isLeaf) {
      visit(reached, kind, entry.frame, level - 1, seen, wrong);
      continue;
    }
    const mayWrite = kind === 'ept' ? (entry.lo & EPT_WRITE) !== 0 : isWritable(entry);
    for (let reaches = entry.frame; reaches < entry.frame + 2 ** (9 * (level - 1)); reaches++) {
      const frame = pages.frameOf(reaches);
      if (frame < 0 || pages.frames.useOf(frame) !== USE.guestPage) wrong.push(`${who} reaches hpa ${hex(reaches)}, which is no guest's page`);
      else if (mayWrite && pages.frames.ownerOf(frame) !== pages.owner) wrong.push(`${who} may write hpa ${hex(reaches)}, a page of VM ${pages.frames.ownerOf(frame)}`);
      else if (mayWrite && pages.frames.mapCountOf(frame) > 1) wrong.push(`${who} may write hpa ${hex(reaches)}, which it shares`);
    }
  }
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
