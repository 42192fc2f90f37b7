import { ACCESS } from '../paging/accessKinds';
import { BUS_ACCESS } from '../memory/busAccess';
import { type LinearTranslation, TRANSLATED } from '../processor/linearTranslation';
import type { EventBus } from '../events/eventBus';
import { KIND } from '../events/eventTable';
import { OperandAccess } from '../memory/operandAccess';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorEvents } from '../events/processorEvents';
import { RESUME, type StoreObserver } from '../processor/rootMode';
import type { RootModeAccess } from '../processor/rootModeAccess';
import { VECTOR } from './exceptions';

const PAGE_MASK = 0xfff;
const PAGE_BYTES = 0x1000;

/** The parts of a processor that its own accesses to system data structures need. */
export interface SystemAccessProcessor {
  readonly translation: LinearTranslation;
  readonly rootMode: RootModeAccess;
  readonly memory: PhysicalMemory;
  readonly events: ProcessorEvents;
  readonly bus: EventBus;
  /** Who hears of stores before they are made, a frame's too. */
  readonly observer: () => StoreObserver | undefined;
}

/** Address of a system data structure that may lie outside the canonical halves, and the exception that this is. */
export interface SystemFault {
  readonly vector: number;
  readonly errorCode: number;
}

/** Who reads and writes system data structures and stacks, for whoever has the rules of delivery and return: the processor, or software in its place. */
export interface SystemData {
  readonly lo: number;
  readonly hi: number;
  read(lo: number, hi: number, size: number, what: number, access?: number, fault?: SystemFault): number;
  write(lo: number, hi: number, size: number, valueLo: number, valueHi: number, what: number, access?: number, fault?: SystemFault): number;
}

export const GENERAL_PROTECTION: SystemFault = { vector: VECTOR.generalProtection, errorCode: 0 };

/**
 * Reads and writes of system data structures and of the stack during event delivery and return from it. They go through
 * the same translation as any access, so each may fault or exit: then its answer is what that led to, and the caller
 * hands it on. Those of system data structures are implicit supervisor-mode accesses; stacks say themselves how they are
 * accessed. SDM Vol. 3, "Determination of Access Rights". No guest access counts.
 */
export class SystemAccess implements SystemData {
  /** What was read. */
  lo = 0;
  hi = 0;
  private readonly operand: OperandAccess;

  constructor(private readonly processor: SystemAccessProcessor) {
    this.operand = new OperandAccess(processor.memory);
  }

  /** `size` bytes at a linear address into `lo`, `hi`: TRANSLATED, or another answer. `what`: a `SYSTEM_ACCESS`. */
  read(lo: number, hi: number, size: number, what: number, access: number = ACCESS.read | ACCESS.implicit, fault = GENERAL_PROTECTION): number {
    const { translation, rootMode } = this.processor;
    if (rootMode.isNeeded && translation.isCanonical(hi)) return this.readByRootMode(lo, hi, size, what, access);
    const first = translation.translate(lo, hi, access, fault.vector, fault.errorCode);
    if (first !== TRANSLATED) return first;
    const { hpaLo, hpaHi } = translation;
    const second = this.translateNext(lo, hi, size, access, fault);
    if (second !== TRANSLATED) return second;
    this.tellOfBus(lo, size, hpaLo, hpaHi, BUS_ACCESS.load);
    this.operand.read(hpaLo, hpaHi, translation.hpaLo, translation.hpaHi, size);
    this.lo = this.operand.lo;
    this.hi = this.operand.hi;
    this.processor.events.implicitAccess(lo, hi, hpaLo, hpaHi, this.lo, this.hi, size, what);
    return TRANSLATED;
  }

  write(
    lo: number, hi: number, size: number, valueLo: number, valueHi: number, what: number,
    access: number = ACCESS.write | ACCESS.implicit, fault = GENERAL_PROTECTION,
  ): number {
    const { translation, rootMode } = this.processor;
    if (rootMode.isNeeded && translation.isCanonical(hi)) {
      const answer = rootMode.write(lo, hi, size, valueLo, valueHi, access);
      if (answer !== RESUME.completed) return answer;
      this.processor.events.implicitAccess(lo, hi, rootMode.hpaLo, rootMode.hpaHi, valueLo, valueHi, size, what);
      return TRANSLATED;
    }
    const first = translation.translate(lo, hi, access, fault.vector, fault.errorCode);
    if (first !== TRANSLATED) return first;
    const { hpaLo, hpaHi } = translation;
    const second = this.translateNext(lo, hi, size, access, fault);
    if (second !== TRANSLATED) return second;
    this.tellOfBus(lo, size, hpaLo, hpaHi, BUS_ACCESS.store);
    this.observe(lo, hi, hpaLo, hpaHi, size);
    this.operand.write(hpaLo, hpaHi, translation.hpaLo, translation.hpaHi, size, valueLo, valueHi);
    this.processor.events.implicitAccess(lo, hi, hpaLo, hpaHi, valueLo, valueHi, size, what);
    return TRANSLATED;
  }

  private readByRootMode(lo: number, hi: number, size: number, what: number, access: number): number {
    const { rootMode, events } = this.processor;
    const answer = rootMode.read(lo, hi, size, access);
    if (answer !== RESUME.completed) return answer;
    this.lo = rootMode.lo;
    this.hi = rootMode.hi;
    events.implicitAccess(lo, hi, rootMode.hpaLo, rootMode.hpaHi, this.lo, this.hi, size, what);
    return TRANSLATED;
  }

  /** Tells of a store before it is made, page by page. */
  private observe(lo: number, hi: number, hpaLo: number, hpaHi: number, size: number): void {
    if (this.processor.bus.on[KIND.page_table_write] === 0) return;
    const inFirst = Math.min(size, PAGE_BYTES - (lo & PAGE_MASK));
    const observer = this.processor.observer();
    observer?.beforeStore(lo, hi, hpaLo, hpaHi, inFirst);
    if (inFirst === size) return;
    const nextLo = lo + inFirst | 0;
    observer?.beforeStore(nextLo, nextLo === 0 ? hi + 1 | 0 : hi, this.processor.translation.hpaLo, this.processor.translation.hpaHi, size - inFirst);
  }

  /** Of bytes past the end of the page; the translation then has the address of the page where they lie. */
  private translateNext(lo: number, hi: number, size: number, access: number, fault: SystemFault): number {
    if ((lo & PAGE_MASK) + size <= PAGE_BYTES) return TRANSLATED;
    const nextLo = (lo & ~PAGE_MASK) + PAGE_BYTES | 0;
    return this.processor.translation.translate(nextLo, nextLo === 0 ? hi + 1 | 0 : hi, access, fault.vector, fault.errorCode);
  }

  /** Of each page that the access touches; the translation has the second one. */
  private tellOfBus(lo: number, size: number, hpaLo: number, hpaHi: number, what: number): void {
    const { memory, events, translation } = this.processor;
    events.busError(memory, hpaLo, hpaHi, what);
    if ((lo & PAGE_MASK) + size > PAGE_BYTES) events.busError(memory, translation.hpaLo, translation.hpaHi, what);
  }
}
