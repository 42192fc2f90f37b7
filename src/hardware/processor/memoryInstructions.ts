import { ACCESS, OPERATION } from '../paging/accessKinds';
import { COUNTER } from '../state/counters';
import type { EventBus } from '../events/eventBus';
import { KIND } from '../events/eventTable';
import { type InstructionEnd, RETRY_LIMIT } from './instructionEnd';
import { isCanonical } from '../paging/compiledFormat';
import { OperandAccess } from '../memory/operandAccess';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from './processorSpaces';
import { type LinearTranslation, TRANSLATED } from './linearTranslation';
import { SEGMENT } from '../segments/segmentRegisters';
import { VECTOR } from '../delivery/exceptions';
import { RECENT_HPA, RECENT_PAGE_HI, RECENT_USED, RECENT_WORD, recentHitAt, type RecentHits } from '../caches/recentHits';
import { REGISTER } from './registers';
import { FILLED } from '../paging/specialized/walkEndings';
import type { StraightMiss } from '../caches/straightMiss';
import type { Tlb } from '../caches/tlb';
import type { TranslationSpace } from '../paging/translationSpace';
import type { Translator } from '../caches/translator';
import { CLOCK_LIMIT } from '../caches/cachedLines';
import { WALK } from '../paging/walkOutcome';
import { type PendingOperation, RESUME, STATUS, type StoreObserver } from './rootMode';

const PAGE_MASK = 0xfff;
const PAGE_BYTES = 0x1000;
/** High half of a host-physical address at which no memory is installed. */
const NOWHERE_HI = 0x7fffffff;
/** The pages of an operand, as bits. */
export const OPERAND_PAGE = { first: 1, next: 2 } as const;
// The tables by name are looked up once, not at each access.
const ACCESS_BEGINS = KIND.access;
const ACCESS_ENDS = KIND.access_done;
const BUS_ERROR = KIND.bus_error;
const PAGE_TABLE_WRITE = KIND.page_table_write;
const ACCESSES = COUNTER.accesses;
const TLB_HITS = COUNTER['tlb.hits'];
const CPL = 2 * REGISTER.cpl;
const USER_READ = ACCESS.read | ACCESS.user;
const USER_WRITE = ACCESS.write | ACCESS.user;

/** The parts of a processor that instructions on memory work on. */
export interface MemoryProcessor {
  readonly registers: Int32Array;
  readonly counters: Float64Array;
  readonly pending: PendingOperation;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly spaces: ProcessorSpaces;
  readonly translation: LinearTranslation;
  readonly translator: Translator;
  readonly events: ProcessorEvents;
  readonly end: InstructionEnd;
}

/** Loads, stores, read-modify-writes and fetches at linear addresses, each of which comes back with a `STATUS`. */
export class MemoryInstructions {
  storeObserver: StoreObserver | undefined;
  /** Where the operation performed last was: a pair, or of a load that was known to hit what is remembered, and where in it. */
  private atLo = 0;
  private atHi = 0;
  private performedAt = -1;
  private performedIn = 0;
  // Declared, so that the constructor's is the first value they have, and the compiler knows of what kind they always are.
  private declare readonly operand: OperandAccess;
  private declare readonly registers: Int32Array;
  private declare readonly counters: Float64Array;
  private declare readonly pending: PendingOperation;
  private declare readonly memory: PhysicalMemory;
  private declare readonly bus: EventBus;
  private declare readonly tlb: Tlb;
  private declare readonly translator: Translator;
  private declare readonly straight: StraightMiss;
  private declare readonly space: TranslationSpace;
  /** Words of the TLB, and of what loads found in it of late. */
  private declare readonly lines: Int32Array;
  private declare readonly clockAt: number;
  private declare readonly recent: RecentHits;

  constructor(private readonly processor: MemoryProcessor) {
    this.operand = new OperandAccess(processor.memory);
    this.registers = processor.registers;
    this.counters = processor.counters;
    this.pending = processor.pending;
    this.memory = processor.memory;
    this.bus = processor.bus;
    this.translator = processor.translator;
    this.straight = processor.translator.straight;
    this.space = processor.spaces.linear;
    this.tlb = processor.translator.tlb;
    this.lines = this.tlb.words;
    this.clockAt = this.tlb.clockAt;
    this.recent = this.translator.recent;
  }

  /** Host-physical address of the first byte of the operation performed last. */
  get performedLo(): number {
    return this.performedAt < 0 ? this.atLo : this.recent.words[this.performedAt | RECENT_HPA]! | (this.performedIn & PAGE_MASK);
  }

  get performedHi(): number {
    return this.performedAt < 0 ? this.atHi : this.recent.words[this.performedAt | RECENT_HPA + 1]!;
  }

  /**
   * A load. Of one in a page whose last load hit the TLB, in a word, while nobody listens, no more is done than is left of
   * `access` then; `pending` tells of operations under way, and this one never is. In another page it is translated first.
   */
  load(lo: number, hi: number, size: number): number {
    const { recent, lines, clockAt, pending } = this;
    const { words } = recent;
    const at = recentHitAt(lo);
    const user = this.registers[CPL]! + 1 >> 2; // 1 at CPL 3
    if (words[at] !== (lo & ~PAGE_MASK | recent.stamp | user) || words[at | RECENT_PAGE_HI] !== hi
      || size > 4 - (lo & 3) || this.bus.quietHits === 0) return this.loadUnknown(lo, hi, size);
    const now = lines[clockAt]! + 1 | 0;
    if (now >= CLOCK_LIMIT) return this.loadUnknown(lo, hi, size);
    lines[clockAt] = now;
    lines[words[at | RECENT_USED]!] = now;
    pending.valueLo = valueIn(this.memory.words[words[at | RECENT_WORD]! | (lo & PAGE_MASK) >> 2]!, lo, size);
    pending.valueHi = 0;
    this.performedAt = at;
    this.performedIn = lo;
    this.counters[TLB_HITS]!++;
    this.counters[ACCESSES]!++;
    return STATUS.done;
  }

  /** A store. While nobody listens, one within a page has the same short way as a load. */
  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): number {
    const { bus } = this;
    if (bus.quietHits === 0 || bus.on[PAGE_TABLE_WRITE] !== 0 || (lo & PAGE_MASK) + size > PAGE_BYTES) {
      return this.access(OPERATION.store, lo, hi, size, valueLo, valueHi, 0);
    }
    const { translator, operand } = this;
    const outcome = this.translated(lo, hi, this.registers[CPL] === 3 ? USER_WRITE : ACCESS.write);
    if (outcome !== WALK.mapped) return this.refused(outcome, OPERATION.store, lo, hi, size, valueLo, valueHi);
    const { hpaLo, hpaHi } = translator;
    this.performedAt = -1;
    this.atLo = hpaLo;
    this.atHi = hpaHi;
    operand.write(hpaLo, hpaHi, 0, 0, size, valueLo, valueHi);
    this.counters[ACCESSES]!++;
    return STATUS.done;
  }

  /** One access from its start; `operation`: an `OPERATION` of these; `segment`: the `SEGMENT` register that it goes through. */
  access(
    operation: number, lo: number, hi: number, size: number, operandLo: number, operandHi: number, rmw: number,
    segment: number = SEGMENT.ds,
  ): number {
    const { pending } = this;
    this.begin(operation, lo, hi, size, operandLo, operandHi, rmw, segment);
    const kind = kindOf(operation);
    if (this.bus.on[ACCESS_BEGINS] !== 0) this.processor.events.access(pending, this.level === 3 ? kind | ACCESS.user : kind);
    return this.tryFrom(0, lo, hi, size, kind);
  }

  private begin(
    operation: number, lo: number, hi: number, size: number, operandLo: number, operandHi: number, rmw: number, segment: number,
  ): void {
    const { pending } = this;
    pending.operation = operation;
    pending.gvaLo = lo;
    pending.gvaHi = hi;
    pending.size = size;
    pending.operandLo = operandLo;
    pending.operandHi = operandHi;
    pending.rmw = rmw;
    pending.segment = segment;
  }

  /** Tries the pending operation, an access of `kind`, until it is done, refused for good, or given up. */
  private tryFrom(attempt: number, lo: number, hi: number, size: number, kind: number): number {
    const { end } = this.processor;
    for (; attempt < RETRY_LIMIT; attempt++) {
      // VM entry may have changed the CPL.
      const next = this.attempt(lo, hi, size, this.level === 3 ? kind | ACCESS.user : kind);
      if (next === RESUME.completed) return this.complete();
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('the access exits again and again and nothing comes of it');
  }

  /**
   * A load in a page whose last load is not known to have hit; while nobody listens, one within a page leaves `pending` to
   * refusals. All of its ways are in this one function: with more bytecode than the compiler inlines (460 bytes), it
   * leaves room in `load`, and in whoever calls that, for what loads mostly are.
   */
  private loadUnknown(lo: number, hi: number, size: number): number {
    const { translator, pending, operand, straight } = this;
    if (this.bus.quietHits === 0 || size > PAGE_BYTES - (lo & PAGE_MASK)) return this.access(OPERATION.load, lo, hi, size, 0, 0, 0);
    const access = this.registers[CPL] === 3 ? USER_READ : ACCESS.read;
    let hpaLo: number;
    let hpaHi: number;
    if (this.bus.quietMisses !== 0 && straight.fill(lo, hi, access) === FILLED) {
      hpaLo = straight.hpaLo;
      hpaHi = straight.hpaHi;
    } else {
      let outcome: number = WALK.nonCanonical;
      if (isCanonical(this.space.compiled, hi)) {
        const line = this.tlb.search(lo, hi);
        outcome = line < 0 ? translator.miss(lo, hi, access) : translator.hit(line, lo, hi, access);
      }
      if (outcome !== WALK.mapped) {
        this.begin(OPERATION.load, lo, hi, size, 0, 0, 0, SEGMENT.ds);
        return this.goOn(this.processor.translation.refuse(outcome, lo, hi), OPERATION.load, lo, hi, size);
      }
      hpaLo = translator.hpaLo;
      hpaHi = translator.hpaHi;
    }
    if (size > 4 - (lo & 3)) {
      operand.read(hpaLo, hpaHi, 0, 0, size);
      pending.valueLo = operand.lo;
      pending.valueHi = operand.hi;
    } else {
      pending.valueLo = valueIn(this.memory.load32(hpaLo & ~3, hpaHi), lo, size);
      pending.valueHi = 0;
    }
    this.performedAt = -1;
    this.atLo = hpaLo;
    this.atHi = hpaHi;
    this.counters[ACCESSES]!++;
    return STATUS.done;
  }

  private translated(lo: number, hi: number, access: number): number {
    return isCanonical(this.space.compiled, hi) ? this.translator.translate(lo, hi, access) : WALK.nonCanonical;
  }

  /** Goes on, as `access` does, behind a first translation of the operation's one page that was refused. */
  private refused(outcome: number, operation: number, lo: number, hi: number, size: number, operandLo: number, operandHi: number): number {
    this.begin(operation, lo, hi, size, operandLo, operandHi, 0, SEGMENT.ds);
    return this.goOn(this.processor.translation.refuse(outcome, lo, hi), operation, lo, hi, size);
  }

  private goOn(next: number, operation: number, lo: number, hi: number, size: number): number {
    if (next === RESUME.completed) return this.complete();
    return next === RESUME.retry ? this.tryFrom(1, lo, hi, size, kindOf(operation)) : this.processor.end.statusOf(next);
  }

  /**
   * Does the pending memory operation at a host-physical address; bytes past the end of its page lie in the page at
   * (nextLo, nextHi), by default the one that follows. The processor's own last step, and an emulator's. `readOnly`, an
   * emulator's: pages (`OPERAND_PAGE`) that are read as ever, and take no write.
   */
  perform(hpaLo: number, hpaHi: number, nextLo = (hpaLo & ~PAGE_MASK) + PAGE_BYTES | 0, nextHi = hpaHi, readOnly = 0): void {
    const { operand } = this;
    const { pending } = this.processor;
    const { operation, size } = pending;
    const isWatched = this.bus.on[BUS_ERROR] !== 0;
    if (isWatched) this.processor.events.busError(this.memory, hpaLo, hpaHi, operation);
    if (isWatched && (hpaLo & PAGE_MASK) + size > PAGE_BYTES) this.processor.events.busError(this.processor.memory, nextLo, nextHi, operation);
    this.performedAt = -1;
    this.atLo = hpaLo;
    this.atHi = hpaHi;
    if (operation !== OPERATION.store) {
      operand.read(hpaLo, hpaHi, nextLo, nextHi, size);
      pending.valueLo = operand.lo;
      pending.valueHi = operand.hi;
      if (operation !== OPERATION.readModifyWrite) return;
    }
    this.makeWritten();
    if (readOnly === 0) operand.write(hpaLo, hpaHi, nextLo, nextHi, size, operand.lo, operand.hi);
    else operand.write(hpaLo, readOnly & OPERAND_PAGE.first ? NOWHERE_HI : hpaHi, nextLo, readOnly & OPERAND_PAGE.next ? NOWHERE_HI : nextHi, size, operand.lo, operand.hi);
  }

  /** Does the pending memory operation where no memory or device answers: a load gives ones, a store goes nowhere. */
  completeWithoutDevice(): void {
    const { operand } = this;
    const { pending } = this.processor;
    this.performedAt = -1;
    this.atLo = -1;
    this.atHi = -1;
    pending.valueLo = pending.size >= 4 ? -1 : (1 << (pending.size << 3)) - 1;
    pending.valueHi = pending.size === 8 ? -1 : 0;
    operand.take(pending.valueLo, pending.valueHi);
    this.makeWritten();
  }

  /** Both pages are translated before anything is read or written. */
  private attempt(lo: number, hi: number, size: number, access: number): number {
    const { translation, spaces } = this.processor;
    const notCanonical = this.processor.pending.segment === SEGMENT.ss ? VECTOR.stackFault : VECTOR.generalProtection;
    const first = translation.translate(lo, hi, access, notCanonical);
    if (first !== TRANSLATED) return first;
    const { hpaLo, hpaHi } = translation;
    const inFirst = PAGE_BYTES - (lo & PAGE_MASK);
    if (size <= inFirst) {
      this.observe(lo, hi, hpaLo, hpaHi, size);
      this.perform(hpaLo, hpaHi);
      return RESUME.completed;
    }
    const nextLo = (lo & ~PAGE_MASK) + PAGE_BYTES | 0;
    // SDM Vol. 3, "Limit Checking": at 4 GBytes it is up to the processor; this one goes on at 0.
    const nextHi = nextLo === 0 && spaces.linear.compiled.canonicalSign !== 0 ? hi + 1 | 0 : hi;
    const second = translation.translate(nextLo, nextHi, access, notCanonical);
    if (second !== TRANSLATED) return second;
    this.observe(lo, hi, hpaLo, hpaHi, inFirst);
    this.observe(nextLo, nextHi, translation.hpaLo, translation.hpaHi, size - inFirst);
    this.perform(hpaLo, hpaHi, translation.hpaLo, translation.hpaHi);
    return RESUME.completed;
  }

  private get level(): number {
    return this.processor.registers[2 * REGISTER.cpl]!;
  }

  /** Leaves in `operand` what is written: the value to store, or what a read-modify-write makes of what was found. */
  private makeWritten(): void {
    const { operand } = this;
    const { pending } = this.processor;
    if (pending.operation === OPERATION.readModifyWrite) operand.modify(pending.rmw, pending.operandLo, pending.operandHi, pending.expectedLo, pending.expectedHi);
    else operand.take(pending.operandLo, pending.operandHi);
  }

  private observe(lo: number, hi: number, hpaLo: number, hpaHi: number, size: number): void {
    if (this.bus.on[PAGE_TABLE_WRITE] === 0 || this.storeObserver === undefined) return;
    const { operation } = this.processor.pending;
    if (operation !== OPERATION.store && operation !== OPERATION.readModifyWrite) return;
    this.storeObserver.beforeStore(lo, hi, hpaLo, hpaHi, size);
  }

  private complete(): number {
    const { operand, pending } = this;
    this.counters[ACCESSES]!++;
    if (this.bus.on[ACCESS_ENDS] === 0) return STATUS.done;
    const { events } = this.processor;
    const writes = pending.operation === OPERATION.store || pending.operation === OPERATION.readModifyWrite;
    // A store has not looked at what it replaces: `pending` has what a load before it found.
    const looks = pending.operation !== OPERATION.store;
    events.accessDone(
      pending, this.performedLo, this.performedHi,
      writes ? operand.lo : pending.valueLo, writes ? operand.hi : pending.valueHi, looks ? pending.valueLo : 0, looks ? pending.valueHi : 0,
    );
    return STATUS.done;
  }
}

/** An operand of 1, 2 or 4 bytes out of the word that it lies in. */
function valueIn(word: number, lo: number, size: number): number {
  return (word >>> ((lo & 3) << 3)) & (-1 >>> (32 - (size << 3)));
}

/** Access of an `OPERATION`, before it is known whose. */
function kindOf(operation: number): number {
  return operation === OPERATION.load ? ACCESS.read : operation === OPERATION.fetch ? ACCESS.fetch : ACCESS.write;
}
