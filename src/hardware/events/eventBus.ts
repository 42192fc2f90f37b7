import { ACTOR_AT, CPU_AT, KIND_AT, KIND, RECORD_WORDS, eventKinds } from './eventTable';
import type { ReferenceRing } from './referenceRing';

/** Bits of `on`: a listener wants the kind; the ring does, which has room for `table_read` alone; the tap does. */
export const LISTENED = 1;
export const RECORDED = 2;
const TAPPED = 4;
const HIT_KINDS = [KIND.access, KIND.tlb_hit, KIND.stale_tlb_hit, KIND.bus_error, KIND.access_done];
const MISS_KINDS = [
  KIND.tlb_miss, KIND.walk, KIND.table_read, KIND.walk_done, KIND.tlb_fill, KIND.structure_cache_hit, KIND.nested_tlb_fill,
];

/** Told of each committed event; `record` is reused by the next one: copy what you keep. */
export type EventListener = (record: Int32Array) => void;

/**
 * The one event stream. An emitting place asks `on[kind]` first, so a kind nobody listens to
 * costs that test and nothing else:
 *
 *     if (bus.on[KIND.tlb_miss]) {
 *       const record = bus.begin(KIND.tlb_miss, ACTOR.walker, cpu);
 *       setPair(record, field.gva.at, lo, hi);
 *       bus.commit();
 *     }
 */
export class EventBus {
  /** Nonzero for each kind that somebody wants. */
  readonly on = new Uint8Array(eventKinds.length);
  /** 1: nobody wants a kind that an access which finds all in the TLB would tell. */
  quietHits = 1;
  /** 1: nor one that is told by a miss which the tables have a page for, and no flag to set. */
  quietMisses = 1;
  /** Where references are recorded to, if they are. */
  ring: ReferenceRing | undefined;
  private readonly record = new Int32Array(RECORD_WORDS);
  private listener: EventListener = () => undefined;
  private diverted: { readonly listener: EventListener; readonly wanted: Uint8Array } | undefined;
  private tapped: { readonly listener: EventListener; readonly kinds: readonly number[] } | undefined;

  /** One listener at a time: the engine, which hands events on. `kinds`: which to send, or all. */
  listen(listener: EventListener, kinds: Iterable<number> | 'all'): void {
    this.listener = listener;
    this.on.fill(kinds === 'all' ? LISTENED : 0);
    if (kinds !== 'all') for (const kind of kinds) this.on[kind] = LISTENED;
    this.askForMore();
  }

  silence(): void {
    this.on.fill(0);
    this.askForMore();
    this.listener = () => undefined;
  }

  /**
   * Has `listener` told of each event of these kinds too, whoever else listens, until another tap is set or none: for a
   * part of the machine whose state hangs on what others do. What it is told of nobody else hears who did not ask.
   */
  tap(listener: EventListener | undefined, kinds: readonly number[]): void {
    for (const kind of this.tapped?.kinds ?? []) this.on[kind]! &= ~TAPPED;
    this.tapped = listener === undefined ? undefined : { listener, kinds };
    this.askForMore();
  }

  /** Records every reference of walks in a ring from here on, whoever listens; or in none. */
  recordReferences(ring: ReferenceRing | undefined): void {
    this.ring = ring;
    this.on[KIND.table_read] = this.on[KIND.table_read]! & ~RECORDED | (ring === undefined ? 0 : RECORDED);
    this.tellQuiet();
  }

  /**
   * Until `undivert`, events of these kinds are sent too, and all that are sent go to `through`, which hands on those that
   * the listener is to hear; of kinds that the listener did not ask for it is told nothing.
   */
  divert(through: (record: Int32Array, pass: EventListener) => void, kinds: Iterable<number>): void {
    const { listener } = this;
    const wanted = this.on.slice();
    this.diverted = { listener, wanted };
    const pass: EventListener = (record) => {
      if ((wanted[record[KIND_AT]!]! & LISTENED) !== 0) listener(record);
    };
    this.listener = (record) => through(record, pass);
    for (const kind of kinds) this.on[kind]! |= LISTENED;
    this.tellQuiet();
  }

  /** Sends what was asked for before `divert`, to the listener directly. */
  undivert(): void {
    const { diverted } = this;
    if (diverted === undefined) throw new Error('invariant: no events are diverted');
    this.diverted = undefined;
    this.listener = diverted.listener;
    this.on.set(diverted.wanted);
    this.tellQuiet();
  }

  /** The listener hears no more of a kind, until `takeIn`; false: it did not anyway. */
  leaveOut(kind: number): boolean {
    if ((this.on[kind]! & LISTENED) === 0) return false;
    this.on[kind]! &= ~LISTENED;
    this.tellQuiet();
    return true;
  }

  /** It hears of it again. */
  takeIn(kind: number): void {
    this.on[kind]! |= LISTENED;
    this.tellQuiet();
  }

  /** Has nobody told of what `act` does, which is no part of the run; an event that is being told stays as it is. */
  unheard(act: () => void): void {
    const wanted = this.on.slice();
    this.on.fill(0);
    this.tellQuiet();
    act();
    this.on.set(wanted);
    this.tellQuiet();
  }

  /** Clears the record and writes its head; the caller fills the kind's fields and commits. */
  begin(kind: number, actor: number, cpu: number): Int32Array {
    // A walk's reads come one after another, and each writes every field that the one before it wrote.
    if (kind !== KIND.table_read || this.record[KIND_AT] !== kind) this.record.fill(0);
    this.record[KIND_AT] = kind;
    this.record[ACTOR_AT] = actor;
    this.record[CPU_AT] = cpu;
    return this.record;
  }

  commit(): void {
    if (this.tapped === undefined) this.listener(this.record);
    else this.commitTapped(this.tapped.listener);
  }

  private commitTapped(tapped: EventListener): void {
    const on = this.on[this.record[KIND_AT]!]!;
    if ((on & TAPPED) !== 0) tapped(this.record);
    if ((on & LISTENED) !== 0) this.listener(this.record);
  }

  /** Beside what the listener asks for: the ring's kind and the tap's. */
  private askForMore(): void {
    if (this.ring !== undefined) this.on[KIND.table_read]! |= RECORDED;
    for (const kind of this.tapped?.kinds ?? []) this.on[kind]! |= TAPPED;
    this.tellQuiet();
  }

  /** After every change of `on`. */
  private tellQuiet(): void {
    const isQuiet = (kind: number): boolean => this.on[kind] === 0;
    this.quietHits = HIT_KINDS.every(isQuiet) ? 1 : 0;
    this.quietMisses = this.quietHits !== 0 && MISS_KINDS.every(isQuiet) ? 1 : 0;
  }
}

/** Writes a 64-bit field as its two halves. */
export function setPair(record: Int32Array, at: number, lo: number, hi: number): void {
  record[at] = lo;
  record[at + 1] = hi;
}
