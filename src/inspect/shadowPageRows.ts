import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import { decodeEntry } from '../hardware/paging/decodeEntry';
import type { CompiledFormat } from '../hardware/paging/compiledFormat';
import { frameOfAddress } from '../hardware/memory/frameNumber';
import { LARGE_FRAMES } from '../hypervisor/host/hostFrames';
import { isDirect02, levelOf02, role02Fields } from '../hypervisor/nested/ept02Role';
import { isDirect, levelOf, roleFields } from '../hypervisor/shadowWp/role';
import type { ShadowPages } from '../hypervisor/shadowWp/shadowPages';
import { ShadowUnsync } from '../hypervisor/shadowUnsync/shadowUnsync';
import type { UnsyncPages } from '../hypervisor/shadowUnsync/unsyncPages';
import { ShadowWp } from '../hypervisor/shadowWp/shadowWp';
import type { Technique } from '../hypervisor/technique';
import type { VirtualMachine } from '../hypervisor/virtualMachine';
import { nestingOf } from './nestedRows';
import { frameIn, frameText, halvesText, qualified } from './addressText';
import { entryLine } from './entryText';
import { RankedMembers } from './rankedMembers';
import { indexed, named, numberIn, ranked, type Row } from './rows';

/** One field of a role, by KVM's name. */
export interface RoleField {
  readonly name: string;
  readonly value: string;
}

/** The shadow pages of a VM, whatever they are shadows of, and how what they keep is read. */
export interface ShadowedTables {
  readonly pages: ShadowPages;
  readonly levelOf: (role: number) => number;
  readonly isDirect: (role: number) => boolean;
  readonly roleFields: (role: number) => readonly RoleField[];
  readonly unsync: UnsyncPages | undefined;
  /** Linear address from which on a page translates, where that is what it is known by. */
  readonly coveredBy: (page: number) => { readonly lo: number; readonly hi: number } | undefined;
  /** How its entries are read. */
  readonly space: 'shadow' | 'ept';
}

/** Shadow pages that a technique has; undefined: it has none. */
export function shadowedTables(technique: Technique): ShadowedTables | undefined {
  const nesting = nestingOf(technique);
  if (nesting !== undefined) {
    return { pages: nesting.ept02.pages, levelOf: levelOf02, isDirect: isDirect02, roleFields: role02Fields, unsync: undefined, coveredBy: () => undefined, space: 'ept' };
  }
  if (!(technique instanceof ShadowWp)) return undefined;
  const unsync = technique instanceof ShadowUnsync ? technique.unsync : undefined;
  return { pages: technique.pages, levelOf, isDirect, roleFields, unsync, coveredBy: (page) => technique.coveredBy(page), space: 'shadow' };
}

/** What the rows of shadow pages are made from. */
export interface ShadowView {
  readonly machine: Machine;
  readonly vm: RunningVm;
  readonly host: VirtualMachine;
  readonly tables: ShadowedTables;
  readonly compiled: CompiledFormat;
}

/** The shadow pages in use: below each its hash bucket, its role by field, its table, and the entries that lead to it. */
export function shadowPagesRow(view: ShadowView): Row {
  const { pages } = view.tables;
  const used = new RankedMembers(pages.end, (page) => page > 0 && pages.isInUse(page));
  return {
    name: view.tables.space === 'ept' ? 'shadow pages (EPT02)' : 'shadow pages',
    value: `${pages.used} of at most ${pages.limit}`,
    below: ranked(used, (page) => pageRow(view, page), numberIn),
  };
}

function pageRow(view: ShadowView, page: number): Row {
  const { tables: { pages, roleFields: fieldsOf, unsync } } = view;
  const role = pages.roleOf(page);
  const roots = pages.rootCount(page);
  const state = [
    ...roots === 0 ? [] : [`root of ${roots} ${roots === 1 ? 'CPU' : 'CPUs'}`],
    ...pages.isObsolete(page) ? ['invalid'] : [],
    ...unsync?.isUnsync(page) === true ? ['unsync'] : [],
    ...unsync?.hasUnsyncBelow(page) === true ? ['unsync children'] : [],
  ];
  return {
    name: `shadow page ${page}`,
    value: [whatFor(view, page), ...fieldsOf(role).slice(0, 2).map(({ name, value }) => `${name} ${value}`), ...state].join(', '),
    below: named(() => [
      { name: 'gfn', value: whatFor(view, page) },
      { name: 'table', value: frameText('hpa', pages.frameOf(page)) },
      { name: 'role', value: `0x${role.toString(16)}`, below: named(() => fieldsOf(role)) },
      hashRow(view, page),
      { name: 'root_count', value: `${roots}` },
      ...unsync === undefined ? [] : [
        { name: 'unsync', value: unsync.isUnsync(page) ? '1 may differ from the guest\'s table' : '0 in step with the guest\'s table' },
        { name: 'write_flooding_count', value: `${unsync.floodingOf(page)}` },
      ],
      { name: 'parents', ...entriesAt(view, pages.parents(page)) },
    ]),
  };
}

/** The guest table that it stands for; of a direct page the first guest frame that it maps. */
function whatFor({ machine, vm, tables }: ShadowView, page: number): string {
  const covered = tables.coveredBy(page);
  if (covered !== undefined) return `${qualified(machine, vm, halvesText('gva', covered.lo, covered.hi))} on`;
  const gfn = qualified(machine, vm, frameText('gpa', tables.pages.gfnOf(page)));
  return tables.isDirect(tables.pages.roleOf(page)) ? `${gfn} on, direct` : gfn;
}

/** Its bucket of the hash, and the other shadow pages there: which are found by the same gfn, or by one that falls there too. */
function hashRow({ tables: { pages } }: ShadowView, page: number): Row {
  if (pages.isObsolete(page)) return { name: 'hash', value: 'in no bucket: it is to be found no more' };
  const chain = pages.chainOf(pages.bucketOf(page));
  return { name: 'hash', value: `bucket ${pages.bucketOf(page)}: shadow page${chain.length === 1 ? '' : 's'} ${chain.join(', ')}` };
}

/** Behind the name of a reverse map of 2 MBytes. */
const LARGE = ' 2M';

/** Reverse maps: by guest frame the leaf entries that map it. */
export function reverseMapsRow(view: ShadowView): Row {
  const { machine, vm, host, tables: { pages } } = view;
  const { frames } = host.memory;
  const small = new RankedMembers(frames, (gfn) => pages.reverseMap(gfn) !== 0);
  // Behind those of frames there is one for each 2 MBytes.
  const all = new RankedMembers(frames + Math.ceil(frames / LARGE_FRAMES), (at) => (at < frames ? pages.reverseMap(at) : pages.reverseMap((at - frames) * LARGE_FRAMES, 2)) !== 0);
  const large = all.count - small.count;
  const row = (gfn: number, level: number): Row => (
    { name: `${qualified(machine, vm, frameText('gpa', gfn))}${level === 2 ? LARGE : ''}`, ...entriesAt(view, pages.reverseMap(gfn, level)) }
  );
  return {
    name: 'reverse maps',
    value: `${small.count} guest ${small.count === 1 ? 'frame' : 'frames'} mapped${large === 0 ? '' : `, and ${large} ${large === 1 ? 'page' : 'pages'} of 2M`}`,
    below: ranked(
      all,
      (at) => (at < frames ? row(at, 1) : row((at - frames) * LARGE_FRAMES, 2)),
      (name) => (name.endsWith(LARGE) ? frames + frameIn(name) / LARGE_FRAMES : frameIn(name)),
    ),
  };
}

/** The entries on a list, each by its page, index and contents: read whenever a row is asked for, as a person may have edited one. */
function entriesAt(view: ShadowView, list: number): Omit<Row, 'name'> {
  const { lists } = view.tables.pages;
  const places: Halves[] = [];
  for (let link = list; link !== 0; link = lists.next(link)) places.push({ lo: lists.lo(link), hi: lists.hi(link) });
  if (places.length === 0) return { value: 'none' };
  return { value: `${places.length} ${places.length === 1 ? 'entry' : 'entries'}`, below: indexed(places, (place, at) => listedEntry(view, place, at), numberIn) };
}

/** A host-physical address. */
interface Halves {
  readonly lo: number;
  readonly hi: number;
}

function listedEntry({ machine, host, tables, compiled }: ShadowView, { lo, hi }: Halves, index: number): Row {
  const page = host.frames.detailOf(frameOfAddress(lo, hi));
  const level = tables.levelOf(tables.pages.roleOf(page));
  const entry = decodeEntry(compiled, level, machine.memory.load32(lo, hi), machine.memory.load32(lo + 4, hi), 'hpa');
  const at = halvesText('hpa', lo, hi);
  return { name: `[${index}]`, cell: { at, bytes: 8, entry }, value: `${at} ${entry.name} ${(lo >>> 3) & 511} of shadow page ${page}: ${entryLine(entry)}` };
}
