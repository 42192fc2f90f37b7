import { LARGE_FRAMES } from '../../hypervisor/host/hostFrames';
import { doSwapPage } from '../../hypervisor/host/handleMmFault';
import type { HostMemoryManager } from '../../hypervisor/host/hostMemoryManager';
import { collapseHugePage, splitHugePmd } from '../../hypervisor/host/largePages';
import { migratePage } from '../../hypervisor/host/migratePage';
import { pageout } from '../../hypervisor/host/reclaim';
import { ksmDoScan, mergePages } from '../../hypervisor/host/samePageMerging';
import { invalidateRange, zapPageRange } from '../../hypervisor/host/zapPageRange';
import { pageHi, pageLo } from '../../hypervisor/memslots';
import type { HostActionPerformer } from './hostActions';
import type { HostCall } from './hostCall';
import { HOST_REFUSAL } from './hostRefusals';

const PAGE_BYTES = 4096;

/** What the host's memory manager does: but for the balloon, nothing that a guest could tell. */
export const memoryActions: readonly HostActionPerformer[] = [
  { name: 'swap_out', runs: 'transparent', act: ofPage('small', swapOut) },
  { name: 'swap_in', runs: 'transparent', act: ofPage('any', swapIn) },
  { name: 'merge', runs: 'transparent', act: merge },
  { name: 'merge_all', runs: 'transparent', act: mergeAll },
  { name: 'migrate_frame', runs: 'transparent', act: ofPage('small', migrate) },
  { name: 'split', runs: 'transparent', act: ofPage('small', () => 0) },
  { name: 'collapse', runs: 'transparent', act: ofPage('any', collapse) },
  { name: 'balloon', runs: 'hosted', act: balloon },
  { name: 'invalidate', runs: 'transparent', act: invalidate },
];

/** A guest page as the memory manager of its VM's process has it. */
interface ManagedPage {
  readonly host: HostMemoryManager;
  /** HVA >> 12. */
  readonly hvaPage: number;
  /** Guest frame, for refusals. */
  readonly gfn: number;
}

/** The page that operand `index` lies in; undefined, with the refusal set, when there is none. */
function pageAt(call: HostCall, index: number): ManagedPage | undefined {
  const place = call.place(index);
  const host = place?.technique.vm?.memory.host;
  return place === undefined || host === undefined ? undefined : { host, hvaPage: place.hvaPage, gfn: place.gfn };
}

/** An action on one page. `small`: a large page that it lies in is split first, since only a part of it is meant. */
function ofPage(size: 'small' | 'any', act: (call: HostCall, page: ManagedPage) => number): HostActionPerformer['act'] {
  return (call) => {
    const page = pageAt(call, 0);
    if (page === undefined) return call.refusal;
    return size === 'small' && !splitAround(call, page) ? call.refusal : act(call, page);
  };
}

/** Splits the large page that this one lies in, if it does; false, with the refusal set, when no frame is left for the table. */
function splitAround(call: HostCall, { host, hvaPage, gfn }: ManagedPage): boolean {
  if (host.process.levelOf(hvaPage) < 2) return true;
  if (host.request(splitHugePmd, call.actor, pageLo(hvaPage), pageHi(hvaPage)) === 1) return true;
  call.refuseFrame(HOST_REFUSAL.hostMemory, gfn);
  return false;
}

/** Nothing to do for a page that is in the swap device already. */
function swapOut(call: HostCall, { host, hvaPage, gfn }: ManagedPage): number {
  if (host.host.swap.pages === 0) return call.refuseFrame(HOST_REFUSAL.noSwap, gfn);
  if (host.process.swapPageOf(hvaPage) !== 0) return 0;
  const frame = host.process.frameOf(hvaPage);
  if (frame < 0) return call.refuseFrame(HOST_REFUSAL.notBacked, gfn);
  return host.request(pageout, call.actor, frame << 12, frame >>> 20) === 1 ? 0 : call.refuseFrame(HOST_REFUSAL.swapFull, gfn);
}

/** Nothing to do for a page that is in memory. */
function swapIn(call: HostCall, { host, hvaPage, gfn }: ManagedPage): number {
  if (host.process.levelOf(hvaPage) !== 0) return 0;
  if (host.process.swapPageOf(hvaPage) === 0) return call.refuseFrame(HOST_REFUSAL.notBacked, gfn);
  return host.request(doSwapPage, call.actor, pageLo(hvaPage), pageHi(hvaPage)) === 1 ? 0 : call.refuseFrame(HOST_REFUSAL.hostMemory, gfn);
}

/** Nothing to do for pages that have one frame already. A page in the swap device comes back first. */
function merge(call: HostCall): number {
  const pages: ManagedPage[] = [];
  for (const index of [0, 1]) {
    const page = pageAt(call, index);
    if (page === undefined || !splitAround(call, page) || swapIn(call, page) !== 0) return call.refusal;
    pages.push(page);
  }
  const [kept, merged] = pages;
  if (kept === undefined || merged === undefined) return call.refusal;
  if (kept.host === merged.host && kept.hvaPage === merged.hvaPage) return call.refuseFrame(HOST_REFUSAL.samePage, kept.gfn);
  const frames = [kept, merged].map(({ host, hvaPage }) => host.process.frameOf(hvaPage)) as [number, number];
  const [keptFrame, frame] = frames;
  if (keptFrame === frame) return 0;
  if (kept.host.host.difference(keptFrame, frame) >= 0) return call.refuseFrame(HOST_REFUSAL.contentsDiffer, merged.gfn);
  kept.host.request(mergePages, call.actor, keptFrame << 12, keptFrame >>> 20, frame << 12, frame >>> 20);
  return 0;
}

function mergeAll(call: HostCall): number {
  call.technique.vm?.memory.host?.request(ksmDoScan, call.actor);
  return 0;
}

/** Nothing to do for a page that is in the swap device: it has no frame. */
function migrate(call: HostCall, { host, hvaPage, gfn }: ManagedPage): number {
  if (host.process.swapPageOf(hvaPage) !== 0) return 0;
  const frame = host.process.frameOf(hvaPage);
  if (frame < 0) return call.refuseFrame(HOST_REFUSAL.notBacked, gfn);
  return host.request(migratePage, call.actor, frame << 12, frame >>> 20) === 1 ? 0 : call.refuseFrame(HOST_REFUSAL.hostMemory, gfn);
}

/** Nothing to do for a page that is large. */
function collapse(call: HostCall, { host, hvaPage, gfn }: ManagedPage): number {
  if (host.process.levelOf(hvaPage) === 2) return 0;
  if (!host.fitsLarge(hvaPage)) return call.refuseFrame(HOST_REFUSAL.beyondSlot, gfn);
  return host.request(collapseHugePage, call.actor, pageLo(hvaPage), pageHi(hvaPage)) === 1 ? 0 : call.refuseFrame(HOST_REFUSAL.noLargeFrame, gfn);
}

function balloon(call: HostCall): number {
  const range = rangeAt(call);
  if (range === undefined) return call.refusal;
  const { host, hvaPage, gfn, pages } = range;
  for (let page = hvaPage; page < hvaPage + pages; page += LARGE_FRAMES - (page % LARGE_FRAMES)) {
    if (!splitAround(call, { host, hvaPage: page, gfn: gfn + page - hvaPage })) return call.refusal;
  }
  host.request(zapPageRange, call.actor, pageLo(hvaPage), pageHi(hvaPage), pages, 0);
  return 0;
}

function invalidate(call: HostCall): number {
  const range = rangeAt(call);
  if (range === undefined) return call.refusal;
  range.host.request(invalidateRange, call.actor, pageLo(range.hvaPage), pageHi(range.hvaPage), range.pages, 0);
  return 0;
}

/** A run of whole pages within one memslot, from operand 0 on, as many bytes as operand 1 says. */
function rangeAt(call: HostCall): ManagedPage & { readonly pages: number } | undefined {
  const first = pageAt(call, 0);
  if (first === undefined) return undefined;
  const size = call.value(1);
  const pages = size / PAGE_BYTES;
  if (size === 0 || !Number.isInteger(pages)) {
    call.refuse(HOST_REFUSAL.notWholePages, call.valueLo(1), call.valueHi(1));
    return undefined;
  }
  const isInside = first.host.mappings().some((mapping) => first.hvaPage >= mapping.hvaPage && first.hvaPage + pages <= mapping.hvaPage + mapping.pages);
  if (isInside) return { ...first, pages };
  call.refuseFrame(HOST_REFUSAL.rangeBeyondSlot, first.gfn);
  return undefined;
}
