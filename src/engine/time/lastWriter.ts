import { ACTOR, ACTOR_AT, actors } from '../../hardware/events/eventTable';
import { eventLine } from '../../hardware/events/eventText';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Checkpoint } from '../../hardware/state/registry';
import type { Again } from './again';
import type { LastWrite, Moment, WriterKind } from '../debuggee';
import { describeFrame, foldFrames } from './stepFrames';
import type { Replay } from './replay';
import { STRIDE } from '../slices';
import { tellsOfWrite } from './tellsOfWrite';

const GRANULE_BYTES = 64;
const PAGE_BYTES = 4096;
const PHYSICAL_ADDRESSES_END = 1n << 52n;
/** Steps that have written nearby, of which this many are looked at in one pass. */
const CHUNK = 32;
/** Single steps that have written nearby are looked through together, up to so many. */
const LEAP = 8192;

/** A write within a step, and all of the step's events up to it. */
interface Found {
  readonly moment: Moment;
  readonly thread: number;
  readonly statement: number;
  readonly records: readonly Int32Array[];
  /** The event that told of it, or that a person did it; undefined: memory was found changed. */
  readonly told: Int32Array | 'edit' | undefined;
}

/** The bytes that are asked about, and how memory tells of writes near them. */
class Place {
  /** A word of each granule. */
  private readonly words: readonly number[];

  constructor(readonly memory: PhysicalMemory, readonly address: number, readonly bytes: number) {
    const first = Math.floor(address / GRANULE_BYTES) * GRANULE_BYTES;
    const words: number[] = [];
    for (let at = first; at < address + bytes; at += GRANULE_BYTES) words.push(memory.wordAt(at | 0, Math.floor(at / 4294967296)));
    // A frame that has no place in memory was never written.
    this.words = words.filter((word) => word !== 0);
  }

  wasWritten(from: number, until: number | undefined): boolean {
    return this.words.some((word) => this.memory.wasWritten(word, from, until));
  }

  watch(): void {
    for (const word of this.words) this.memory.watchWrites(word);
  }

  get isTouched(): boolean {
    return this.words.some((word) => !this.memory.isUnwritten(word));
  }

  contents(): readonly number[] {
    const bytes: number[] = [];
    for (let at = this.address; at < this.address + this.bytes; at++) bytes.push(this.memory.load8(at | 0, Math.floor(at / 4294967296)));
    return bytes;
  }
}

/**
 * The last write to memory that has been done by the present moment and whose own moment `isWanted`; undefined when there
 * is none since the machine was built. Where a stretch of history has written near the bytes is known from what its
 * checkpoints saved; only such stretches are executed again, aside: first watching memory alone, then with all events of
 * the steps in which it was touched.
 */
export function *findLastWrite(
  replay: Replay, address: number, bytes: number, isWanted: (moment: Moment) => boolean, isPauseAsked: () => boolean,
): Generator<undefined, Found | 'paused' | undefined> {
  const place = new Place(replay.machine.memory, address, bytes);
  const { stretches } = replay;
  const here = replay.moment();
  const near = stretches.map(({ checkpoint }, i) => place.wasWritten(checkpoint.number, stretches[i + 1]?.checkpoint.number));
  for (let i = stretches.length - 1; i >= 0; i--) {
    if (near[i] !== true) continue;
    const until = Math.min(stretches[i + 1]?.step ?? Infinity, here.step);
    const found = yield* replay.asideInSlices(stretches[i]!.checkpoint, (again) => lastInStretch(again, place, until, here, isWanted, isPauseAsked));
    if (found !== undefined) return found;
  }
  return undefined;
}

function *lastInStretch(
  again: Again, place: Place, until: number, here: Moment, isWanted: (moment: Moment) => boolean, isPauseAsked: () => boolean,
): Generator<undefined, Found | 'paused' | undefined> {
  const before = place.contents();
  again.begin();
  const edited = editOf(again, before, place);
  const found = yield* touchedIn(again, place, until, isPauseAsked);
  if (found === 'paused') return 'paused';
  const { touched, near } = found;
  // The step stood in has been done in part.
  if (until === here.step && here.event > 0) touched.push({ from: here.step, to: here.step + 1 });
  for (const range of touched.reverse()) {
    // What lies behind the mark is come to from there: mostly that is where the last write is.
    const mark = near !== undefined && range.from >= near.step ? near.mark : undefined;
    again.rewind(mark);
    if (!(yield* again.travel(range.from, isPauseAsked))) return 'paused';
    const steps = range.to - range.from === 1 ? [range.from] : stepsThatTouch(again, place, range);
    for (let end = steps.length; end > 0; end -= CHUNK) {
      again.rewind(mark);
      let last: Found | undefined;
      for (const step of steps.slice(Math.max(0, end - CHUNK), end)) {
        if (!(yield* again.travel(step, isPauseAsked))) return 'paused';
        last = writesOfStep(again, place, step === here.step ? here.event : Infinity).filter(({ moment }) => isWanted(moment)).at(-1) ?? last;
      }
      if (last !== undefined) return last;
    }
  }
  return edited !== undefined && isWanted(edited.moment) ? edited : undefined;
}

/** Steps of the run in a row. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** A marked moment of a stretch. */
interface Mark {
  readonly step: number;
  readonly mark: Checkpoint;
}

/** Where in a stretch the place, or what lies near it, is written, known by running on in leaps; with a mark not far before the last of these. */
function *touchedIn(
  again: Again, place: Place, until: number, isPauseAsked: () => boolean,
): Generator<undefined, { readonly touched: Range[]; readonly near: Mark | undefined } | 'paused'> {
  const touched: Range[] = [];
  let near: Mark | undefined;
  let newest: Mark = { step: again.step, mark: again.mark() };
  place.watch();
  for (let looked = again.step; again.step < until && !again.isOver;) {
    const from = again.step;
    // While an access is held, what it knows is in no checkpoint.
    if (from - newest.step >= LEAP && !again.machine.interpreter.holds.isHolding) {
      if (newest !== near) again.unmark(newest.mark);
      newest = { step: from, mark: again.mark() };
      place.watch();
    }
    again.advance(until);
    if (place.isTouched) {
      if (near !== undefined && near !== newest) again.unmark(near.mark);
      near = newest;
      const last = touched[touched.length - 1];
      if (last?.to === from && again.step - last.from <= LEAP) touched[touched.length - 1] = { from: last.from, to: again.step };
      else touched.push({ from, to: again.step });
      place.watch();
    }
    if (again.step - looked < STRIDE) continue;
    looked = again.step;
    yield undefined;
    if (isPauseAsked()) return 'paused';
  }
  return { touched, near };
}

function stepsThatTouch(again: Again, place: Place, { to }: Range): readonly number[] {
  const steps: number[] = [];
  place.watch();
  while (again.step < to && !again.isOver) {
    const { step } = again;
    again.execute();
    if (!place.isTouched) continue;
    steps.push(step);
    place.watch();
  }
  return steps;
}

/** The edit of the moment at which a stretch begins, if it has changed the place. */
function editOf(again: Again, before: readonly number[], place: Place): Found | undefined {
  if (place.contents().every((byte, i) => byte === before[i])) return undefined;
  const { interpreter } = again.machine;
  const statement = interpreter.statements.at(interpreter.stacks[again.actor]!.pc);
  return { moment: { step: again.step, event: 0 }, thread: again.actor, statement, records: [], told: 'edit' };
}

/** The writes to a place by the step ahead that are done at its `last` event, in order. */
function writesOfStep(again: Again, place: Place, last: number): readonly Found[] {
  const { step, actor: thread } = again;
  const { interpreter } = again.machine;
  const statement = interpreter.statements.at(interpreter.stacks[thread]!.pc);
  const records: Int32Array[] = [];
  const found: Found[] = [];
  let before = place.contents();
  let pending: Int32Array | undefined;
  const note = (event: number, told: Int32Array | undefined): void => {
    const moment = event > last ? undefined : event > records.length ? { step: step + 1, event: 0 } : { step, event };
    if (moment !== undefined) found.push({ moment, thread, statement, records: records.slice(0, event), told: again.isEdited(moment) ? 'edit' : told });
  };
  const look = (event: number, record: Int32Array | undefined): void => {
    const now = place.contents();
    const tells = record === undefined ? undefined : tellsOfWrite(record, place.address, place.bytes);
    if (pending !== undefined && event <= last) note(event - 1, pending);
    else if (tells !== 'by the event' && now.some((byte, i) => byte !== before[i])) note(event, undefined);
    if (tells === 'by the event') note(event, record);
    pending = tells === 'behind the event' ? record : undefined;
    before = now;
  };
  again.executeListening((record) => {
    records.push(record.slice());
    look(records.length, records[records.length - 1]);
  });
  if (last === Infinity) look(records.length + 1, undefined);
  return found;
}

const writers: readonly WriterKind[] = actors.map((actor) => (actor === 'walker' ? 'processor' : actor === 'vmm' ? 'hypervisor' : actor));

/** Who wrote memory last, in words. `origin`: the first step that history shows. */
export function lastWriter(replay: Replay, address: bigint, bytes: number, origin: number): LastWrite | { readonly nobody: string } {
  const refusal = refusalOf(replay.machine.memory, address, bytes);
  if (refusal !== undefined) return { nobody: refusal };
  const search = findLastWrite(replay, Number(address), bytes, () => true, () => false);
  let next = search.next();
  while (next.done !== true) next = search.next();
  const found = next.value;
  if (found === undefined || found === 'paused') return { nobody: `Nobody has written hpa:0x${address.toString(16)} since the machine was built.` };
  return describeWrite(replay, found, origin);
}

/** Why nothing can be said of these bytes. */
export function refusalOf(memory: PhysicalMemory, address: bigint, bytes: number): string | undefined {
  const place = `hpa:0x${address.toString(16)}`;
  if (!Number.isInteger(bytes) || bytes < 1 || Number(address % BigInt(PAGE_BYTES)) + bytes > PAGE_BYTES) {
    return `${bytes} bytes at ${place} are not within one page: ask for 1 to ${PAGE_BYTES - Number(address % BigInt(PAGE_BYTES))}.`;
  }
  if (address < 0n || address >= PHYSICAL_ADDRESSES_END) return `${place} is no physical address: it has 52 bits at most.`;
  const isThere = memory.isInstalled(Number(BigInt.asIntN(32, address)), Number(address >> 32n));
  return isThere ? undefined : `No memory is installed at ${place}.`;
}

export function describeWrite({ machine }: Replay, { moment, thread, statement, records, told }: Found, origin: number): LastWrite {
  const frames = foldFrames(records).map((frame) => describeFrame(frame, thread, {
    program: machine.program, statement, levelName: (_, level) => `level ${level}`, listing: (number) => machine.listing(number),
  }));
  const top = frames.filter((frame) => frame.kind === 'listing').at(-1);
  const isProcessors = typeof told === 'object' && told[ACTOR_AT] === ACTOR.walker;
  const listed = top?.kind === 'listing' && !isProcessors ? { listing: top.listing, line: top.line, procedure: top.procedure } : undefined;
  const common = { moment, isShown: moment.step >= origin, thread, statement };
  if (told === 'edit') return { ...common, by: 'user', text: 'an edit of yours changes it' };
  const own = thread >= machine.processors.length ? 'host' : 'guest';
  const by = told !== undefined ? writers[told[ACTOR_AT]!]! : top?.kind !== 'listing' ? own : top.actor === 'host' ? 'host' : 'hypervisor';
  return { ...common, by, ...(listed === undefined ? {} : { listed }), text: told === undefined ? untold(by, listed?.procedure) : eventLine(told) };
}

function untold(by: WriterKind, procedure: string | undefined): string {
  return procedure === undefined ? `the ${by} writes it` : `the ${by} writes it in ${procedure}`;
}
