import { OPERATION } from '../../hardware/paging/accessKinds';
import { CPU_AT, KIND, KIND_AT, SPACE, field, type EventName } from '../../hardware/events/eventTable';
import { SYSTEM_ACCESS } from '../../hardware/delivery/systemAccessKinds';
import type { WatchedBytes } from '../../engine/straight/accessSieve';
import type { Inspector } from '../simulator';
import type { DataAccessType, MemoryWatch } from './dataBreakpoint';

/** What is done to memory. */
export type MemoryUse = 'read' | 'write' | 'execute' | 'walk';

/** How events tell of a use of memory. */
interface MemoryEvent {
  readonly kind: EventName;
  /** All uses that it can tell of. */
  readonly can: readonly MemoryUse[];
  /** That of one record. */
  readonly uses: (record: Int32Array) => readonly MemoryUse[];
  /** Bytes; left out: the record's `size`. */
  readonly size?: number;
  /** Where the record has the address in each space; left out: what it tells of has none there, or it follows from another one. */
  readonly gva?: number;
  readonly hpa: number;
  /** Of entries of the guest's tables. */
  readonly guestEntryAt?: number;
}

const PAGE = 4096n;
const ENTRY_BYTES = 8;
const PAGE_BYTES = 4096;
const PAGE_MASK = PAGE_BYTES - 1;
/** Bytes of an access whose event does not tell. */
const LARGEST = 8;

const byOperation: Readonly<Record<number, readonly MemoryUse[]>> = {
  [OPERATION.load]: ['read'], [OPERATION.store]: ['write'], [OPERATION.readModifyWrite]: ['read', 'write'], [OPERATION.fetch]: ['execute'],
};

/**
 * All that reads, writes, fetches or walks memory, when it has been done, as the processor's own data breakpoints have it. SDM
 * Vol. 3, "Data Breakpoint Exception Condition".
 */
const memoryEvents: readonly MemoryEvent[] = [
  { kind: 'access_done', can: ['read', 'write', 'execute'], uses: (record) => byOperation[record[field.what.at]!] ?? [], gva: field.gva.at, hpa: field.hpa.at },
  {
    kind: 'implicit_access', can: ['read', 'write'], uses: (record) => (record[field.what.at] === SYSTEM_ACCESS.push ? ['write'] : ['read']),
    gva: field.gva.at, hpa: field.hpa.at,
  },
  { kind: 'ad_update', can: ['write'], uses: () => ['write'], size: ENTRY_BYTES, hpa: field.hpa.at, guestEntryAt: field.address.at },
  { kind: 'entry_written', can: ['write'], uses: () => ['write'], size: ENTRY_BYTES, hpa: field.hpa.at },
  { kind: 'table_read', can: ['walk'], uses: () => ['walk'], size: ENTRY_BYTES, hpa: field.hpa.at, guestEntryAt: field.address.at },
  { kind: 'page_copied', can: ['write'], uses: () => ['write'], hpa: field.hpa.at },
  { kind: 'swap_read', can: ['write'], uses: () => ['write'], size: Number(PAGE), hpa: field.hpa.at },
];
const eventByKind = new Map(memoryEvents.map((event) => [KIND[event.kind], event]));

const usesOfType: Readonly<Record<DataAccessType, readonly MemoryUse[]>> = { read: ['read'], write: ['write'], readWrite: ['read', 'write'] };

export function usesOf(watch: MemoryWatch, accessType: DataAccessType): readonly MemoryUse[] {
  return watch.use === undefined ? usesOfType[accessType] : [watch.use];
}

/** Kinds of event that can tell of one of these uses of memory in the watch's space. */
export function memoryWatchKinds({ space }: MemoryWatch, uses: readonly MemoryUse[]): readonly number[] {
  return memoryEvents.filter(({ can, gva, guestEntryAt }) => (
    can.some((use) => uses.includes(use)) && (space === 'hpa' || gva !== undefined || space === 'gpa' && guestEntryAt !== undefined)
  )).map(({ kind }) => KIND[kind]);
}

/** The bytes as the engine is told of them: accesses elsewhere need not be looked at. */
export function memoryWatchBytes({ space, address, length }: MemoryWatch): WatchedBytes {
  return { address, length, isLinear: space === 'gva' };
}

/** What a watch asks of the machine as it stands. */
export type WatchedMachine = Pick<Inspector, 'guestAddress' | 'hostAddress' | 'actorOn'>;

/**
 * Whether a record tells of one of `uses` of a byte that is watched. By linear address that is whoever's address space is in
 * force, as with the processor's debug registers; by guest-physical address whatever linear address leads there, and by
 * host-physical address whoever is mapped to it. `isMeant`: whether the guest on the CPU that the event carries is; left out: any.
 */
export function memoryWatchMatches(
  watch: MemoryWatch, uses: readonly MemoryUse[], machine: WatchedMachine, isMeant?: (cpu: number) => boolean,
): (record: Int32Array) => boolean {
  const find = placesIn[watch.space];
  const end = watch.address + watch.length;
  const nearHi = Number(watch.address >> 32n) | 0;
  const first = Number(watch.address % PAGE);
  const last = first + Number(watch.length);
  return (record) => {
    const event = eventByKind.get(record[KIND_AT]!);
    if (event === undefined || !event.uses(record).some((use) => uses.includes(use))) return false;
    // Most accesses are elsewhere in their page, which is so in every space; or far away: told without a BigInt.
    const from = record[event.hpa]! & PAGE_MASK;
    const to = from + (event.size ?? (record[field.size.at]! || LARGEST));
    if (to <= PAGE_BYTES && last <= PAGE_BYTES && (to <= first || from >= last)) return false;
    const at = watch.space === 'gva' ? event.gva : watch.space === 'hpa' && event.gva === undefined ? event.hpa : undefined;
    if (at !== undefined && Math.abs(record[at + 1]! - nearHi) > 1) return false;
    if (isMeant?.(record[CPU_AT]!) === false) return false;
    return find(record, event, machine, watch).some(({ from, to }) => from < end && watch.address < to);
  };
}

/** Bytes of the watched space that an event is about, to before `to`. */
interface Bytes {
  readonly from: bigint;
  readonly to: bigint;
}

type Places = (record: Int32Array, event: MemoryEvent, machine: WatchedMachine, watch: MemoryWatch) => readonly Bytes[];

const placesIn: Readonly<Record<MemoryWatch['space'], Places>> = {
  gva: (record, event) => (event.gva === undefined ? [] : [bytesAt(pairAt(record, event.gva), sizeOf(record, event))]),
  hpa: (record, event, machine) => parts(record, event, machine).map(({ hpa, length }) => bytesAt(hpa, length)),
  gpa: (record, event, machine, watch) => {
    if (event.gva === undefined) {
      const isGuests = event.guestEntryAt !== undefined && record[field.space.at] === SPACE.guest;
      return isGuests ? [bytesAt(pairAt(record, event.guestEntryAt), sizeOf(record, event))] : [];
    }
    const cpu = machine.actorOn(record[CPU_AT]!);
    return parts(record, event, machine).flatMap(({ gva, hpa, length }) => {
      const gpa = gva === undefined ? undefined : machine.guestAddress(cpu, 'gva', gva);
      if (gpa !== undefined && hostOf(machine, cpu, gpa) === hpa) return [bytesAt(gpa, length)];
      // Through a stale line of the TLB the access has gone elsewhere than the tables say: to what backs the watched page, or not.
      const page = watch.address - watch.address % PAGE;
      return hostOf(machine, cpu, page) === hpa - hpa % PAGE ? [bytesAt(page + hpa % PAGE, length)] : [];
    });
  },
};

interface Part {
  readonly gva: bigint | undefined;
  readonly hpa: bigint;
  readonly length: bigint;
}

/** The pieces of an access in each of its pages: where the second one is the event does not tell. */
function parts(record: Int32Array, event: MemoryEvent, machine: WatchedMachine): readonly Part[] {
  const hpa = pairAt(record, event.hpa);
  const length = sizeOf(record, event);
  const gva = event.gva === undefined ? undefined : pairAt(record, event.gva);
  const inFirst = PAGE - hpa % PAGE;
  if (gva === undefined || length <= inFirst) return [{ gva, hpa, length }];
  const cpu = machine.actorOn(record[CPU_AT]!);
  const next = machine.hostAddress(cpu, 'gva', gva + inFirst);
  const first = { gva, hpa, length: inFirst };
  return 'address' in next ? [first, { gva: gva + inFirst, hpa: next.address, length: length - inFirst }] : [first];
}

function hostOf(machine: WatchedMachine, cpu: number, gpa: bigint): bigint | undefined {
  const found = machine.hostAddress(cpu, 'gpa', gpa);
  return 'address' in found ? found.address : undefined;
}

function bytesAt(from: bigint, length: bigint): Bytes {
  return { from, to: from + length };
}

function sizeOf(record: Int32Array, { size }: MemoryEvent): bigint {
  return BigInt(size ?? record[field.size.at]!) || BigInt(LARGEST);
}

function pairAt(record: Int32Array, at: number): bigint {
  return (BigInt(record[at + 1]! >>> 0) << 32n) | BigInt(record[at]! >>> 0);
}
