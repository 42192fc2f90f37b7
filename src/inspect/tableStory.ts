import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import type { DecodedEntry } from '../hardware/paging/decodeEntry';
import { roleText } from '../hypervisor/shadowWp/role';
import { ShadowWp } from '../hypervisor/shadowWp/shadowWp';
import { SlotMemory } from '../hypervisor/slotMemory';
import { addressText, frameText, halvesText, sizeText } from './addressText';
import { processesWithRoot, type TableSet } from './tableSet';

const PAGE_SHIFT = 12n;

/** Where an entry stands. */
export interface EntryPlace {
  readonly level: number;
  /** First address that it translates, as printed. */
  readonly from: string;
  /** The root and the entries that lead to it, as labels. */
  readonly leading: readonly string[];
}

/** An entry's story in sentences: what it translates, what leads there, what stands behind it, what is wrong with it. */
export function entryStory(set: TableSet, decoded: DecodedEntry, place: EntryPlace): string {
  return [
    translates(set, decoded, place),
    rights(decoded),
    ...behind(set, decoded),
    `Reached by ${place.leading.join(' → ')}.`,
    ...refusal(set, decoded),
  ].filter((sentence) => sentence !== '').join(' ');
}

/** A root's story. */
export function rootStory(machine: Machine, set: TableSet, table: number): string {
  const at = frameText(set.frameSpace, table);
  const sentences = [`Root of ${set.compiled.format.name} tables, at ${at}: each walk that uses it starts here.`];
  if (set.space === 'guest') {
    for (const name of processesWithRoot(machine, set.vm, table)) sentences.push(`MOV to CR3 with ${at} switches to process ${name}.`);
    sentences.push(...guestFrameStory(set.vm, BigInt(table) << PAGE_SHIFT));
  }
  if (set.space === 'shadow') sentences.push(...shadowPageStory(set.vm, table));
  return sentences.join(' ');
}

function translates(set: TableSet, decoded: DecodedEntry, { level, from }: EntryPlace): string {
  const range = `${sizeText(decoded.size)} from ${from} on`;
  if (!decoded.present) return `Not present: it translates nothing of the ${range}, and its other bits are the software's.`;
  const to = addressText(set.frameSpace, decoded.frame);
  if (decoded.leaf) return `Maps ${range} to ${to}.`;
  return `Leads, for the ${range}, to the table of ${set.compiled.format.levelNames[level - 1] ?? 'entrie'}s at ${to}.`;
}

function rights(decoded: DecodedEntry): string {
  if (!decoded.present) return '';
  const given = decoded.rights.filter((right) => right.given).map((right) => right.name);
  const withheld = decoded.rights.filter((right) => !right.given).map((right) => right.name);
  const not = withheld.length === 0 ? '' : `not ${withheld.join(', not ')}`;
  return `Rights: ${[given.join(', '), not].filter((words) => words !== '').join('; ')}.`;
}

function behind(set: TableSet, decoded: DecodedEntry): readonly string[] {
  if (!decoded.present) return [];
  if (set.space === 'guest') return guestFrameStory(set.vm, decoded.frame);
  const frame = Number(decoded.frame >> PAGE_SHIFT);
  if (!decoded.leaf) return set.space === 'shadow' ? shadowPageStory(set.vm, frame) : [];
  const gfn = set.vm.technique.guestMemory.gfnOf(frame);
  return gfn < 0 ? [] : [`${frameText('hpa', frame)} backs ${frameText('gpa', gfn)}.`];
}

/** Which host frame lies behind a guest-physical address; nothing under `native`, where both are one. */
function guestFrameStory({ technique: { guestMemory } }: RunningVm, gpa: bigint): readonly string[] {
  const gfn = Number(gpa >> PAGE_SHIFT);
  const hvaPage = guestMemory.hvaPageOf(gfn);
  const at = addressText('gpa', gpa);
  if (hvaPage < 0 && guestMemory instanceof SlotMemory && guestMemory.isInSlot(gfn)) {
    return [`${at} is ${frameText('hpa', guestMemory.frameOf(gfn))} in memory: its slot is host frames of its own.`];
  }
  if (hvaPage < 0) return gfn < guestMemory.frames ? [] : [`${at} lies outside the guest's memory.`];
  const frame = guestMemory.contentsOf(gfn);
  return [frame < 0
    ? `${at} is ${frameText('hva', hvaPage)} in the VMM process, which the host has not backed yet.`
    : `${at} is ${frameText('hva', hvaPage)} in the VMM process, and ${frameText('hpa', frame)} in memory.`];
}

/** Which guest table the shadow page in a host frame stands for, and its role. */
function shadowPageStory({ technique }: RunningVm, frame: number): readonly string[] {
  if (!(technique instanceof ShadowWp)) return [];
  const { pages } = technique;
  for (let page = 1; page < pages.end; page++) {
    if (!pages.isInUse(page) || pages.frameOf(page) !== frame) continue;
    const role = roleText(pages.roleOf(page));
    const covered = technique.coveredBy(page);
    const known = covered === undefined ? `guest frame ${frameText('gpa', pages.gfnOf(page))}` : `linear addresses from ${halvesText('gva', covered.lo, covered.hi)} on`;
    return [`${frameText('hpa', frame)} is shadow page ${page}, for ${known}, role ${role}.`];
  }
  return [];
}

function refusal(set: TableSet, decoded: DecodedEntry): readonly string[] {
  if (decoded.fault === undefined) return [];
  const how = set.compiled.isEpt === 1 ? 'an EPT misconfiguration' : 'a page fault with the reserved flag in its error code';
  return [`A walk that reads it ends in ${how} (${decoded.fault}).`];
}
