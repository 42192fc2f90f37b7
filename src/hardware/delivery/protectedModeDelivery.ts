import { RFLAGS } from '../processor/controlRegisters';
import { type DeliveredEvent, selectorError } from './deliveredEvent';
import { DELIVERED, type DeliveryProcessor, TASK_SWITCH } from './deliveryProcessor';
import { pushAccess } from './eventStack';
import { dplOf, isCode, isConforming, isWritableData, loadedFrom, rightsOf } from '../segments/descriptor';
import { isNull, SELECTOR } from '../segments/descriptorTables';
import { VECTOR } from './exceptions';
import { brokenGateRule, Gate, GATE_TYPE, protectedModeGateRules } from './gate';
import { handlerFlags, pushedFlags } from './handlerFlags';
import { TRANSLATED } from '../processor/linearTranslation';
import { stackSegment } from '../segments/realModeSegments';
import { REGISTER } from '../processor/registers';
import { DESCRIPTOR_TABLE, NO_SEGMENT, SEGMENT, SEGMENT_RIGHTS, type SegmentValue } from '../segments/segmentRegisters';
import { SYSTEM_ACCESS } from './systemAccessKinds';

const GATE_BYTES = 8;
const OFFSET16 = 0xffff;
/** Stack pointers of the inner levels in a TSS: by whether it is one of 32 bits. SDM Vol. 3, "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)". */
const TSS32 = { first: 4, each: 8, pointerBytes: 4, last: 5 } as const;
const TSS16 = { first: 2, each: 4, pointerBytes: 2, last: 3 } as const;
/** Type bit that tells the descriptors of the 80386 from those of the 80286. */
const IS_32_BIT = 8;
/** Saved of virtual-8086 mode, in the order in which they are pushed. */
const dataSegments = [SEGMENT.gs, SEGMENT.fs, SEGMENT.ds, SEGMENT.es] as const;

/**
 * Delivery of events in protected mode and out of virtual-8086 mode: gates of 8 bytes, stacks in segments, frames of
 * 16- or 32-bit words. SDM Vol. 3, "Exception- or Interrupt-Handler Procedures"; Vol. 2, "INT n/INTO/INT3/INT1—Call to
 * Interrupt Procedure".
 */
export class ProtectedModeDelivery {
  private readonly gate = new Gate();
  private code: SegmentValue = NO_SEGMENT;
  /** SS and ESP of the handler, when the CPL changes. */
  private inner: SegmentValue = NO_SEGMENT;
  private innerPointer = 0;
  private level = 0;

  constructor(private readonly processor: DeliveryProcessor) {}

  /** DELIVERED, or what a fault or exit on the way led to. */
  deliver(event: DeliveredEvent): number {
    const { raise, taskSwitch } = this.processor;
    const gate = this.readGate(event);
    if (gate !== TRANSLATED) return gate;
    if (this.gate.type === GATE_TYPE.task) return taskSwitch(this.gate.selector, TASK_SWITCH.gate);
    const code = this.readCodeSegment(event);
    if (code !== TRANSLATED) return code;
    const stack = this.chooseStack(event);
    if (stack !== TRANSLATED) return stack;
    if (this.offset > this.code.limit >>> 0) return raise(VECTOR.generalProtection, event.ext);
    const frame = this.pushFrame(event);
    if (frame !== TRANSLATED) return frame;
    this.enterHandler();
    return DELIVERED;
  }

  private readGate(event: DeliveredEvent): number {
    const { segments, access, raise } = this.processor;
    const at = event.vector * GATE_BYTES;
    if (at + GATE_BYTES - 1 > segments.tableLimit(DESCRIPTOR_TABLE.idtr)) return raise(VECTOR.generalProtection, event.gateError);
    const read = access.read(segments.tableBaseLo(DESCRIPTOR_TABLE.idtr) + at | 0, 0, GATE_BYTES, SYSTEM_ACCESS.gate);
    if (read !== TRANSLATED) return read;
    this.gate.decode(access.lo, access.hi, 0, 0);
    const rule = brokenGateRule(protectedModeGateRules, this.gate, event, this.cpl);
    return rule === undefined ? TRANSLATED : raise(rule.vector, event.gateError);
  }

  private readCodeSegment(event: DeliveredEvent): number {
    const { tables, raise } = this.processor;
    const { selector } = this.gate;
    if (isNull(selector)) return raise(VECTOR.generalProtection, event.ext);
    const read = tables.read(selector, event.ext);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    if (!isCode(rights) || dplOf(rights) > this.cpl) return raise(VECTOR.generalProtection, selectorError(selector, event.ext));
    if ((rights & SEGMENT_RIGHTS.present) === 0) return raise(VECTOR.segmentNotPresent, selectorError(selector, event.ext));
    this.level = isConforming(rights) ? this.cpl : dplOf(rights);
    // A program in virtual-8086 mode is interrupted by a handler at CPL 0 and no other.
    if (this.isVirtual8086 && this.level !== 0) return raise(VECTOR.generalProtection, selectorError(selector, event.ext));
    const marked = tables.markAccessed();
    this.code = loadedFrom((selector & ~SELECTOR.rplMask) | this.level, tables.lo, tables.hi);
    return marked;
  }

  private chooseStack(event: DeliveredEvent): number {
    const { registers, segments, stack, raise } = this.processor;
    const slot = this.gate.is16Bit ? 2 : 4;
    const kind = pushAccess(this.cpl, this.level);
    if (this.level === this.cpl) {
      stack.useSegment(stackSegment(segments), registers[2 * REGISTER.rsp]!, slot, kind, event.ext);
      return stack.hasRoom(this.frameSlots(event)) ? TRANSLATED : raise(VECTOR.stackFault, event.ext);
    }
    const read = this.readInnerStack(event);
    if (read !== TRANSLATED) return read;
    const { inner } = this;
    const error = selectorError(inner.selector, event.ext);
    stack.useSegment({ ...inner, limit: inner.limit >>> 0 }, this.innerPointer, slot, kind, error);
    return stack.hasRoom(this.frameSlots(event)) ? TRANSLATED : raise(VECTOR.stackFault, error);
  }

  /** SS and ESP of the new CPL from the TSS, and the descriptor of SS. */
  private readInnerStack(event: DeliveredEvent): number {
    const { segments, access, tables, raise } = this.processor;
    const { level } = this;
    const tss = (segments.rights(SEGMENT.tr) & IS_32_BIT) !== 0 ? TSS32 : TSS16;
    const offset = tss.first + level * tss.each;
    if (offset + tss.last > segments.limit(SEGMENT.tr)) {
      return raise(VECTOR.invalidTss, selectorError(segments.selector(SEGMENT.tr), event.ext));
    }
    const at = segments.baseLo(SEGMENT.tr) + offset | 0;
    const pointer = access.read(at, 0, tss.pointerBytes, SYSTEM_ACCESS.taskState);
    if (pointer !== TRANSLATED) return pointer;
    this.innerPointer = access.lo;
    const second = access.read(at + tss.pointerBytes | 0, 0, 2, SYSTEM_ACCESS.taskState);
    if (second !== TRANSLATED) return second;
    const selector = access.lo;
    if (isNull(selector)) return raise(VECTOR.invalidTss, event.ext);
    const read = tables.read(selector, event.ext, VECTOR.invalidTss);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    if ((selector & SELECTOR.rplMask) !== level || dplOf(rights) !== level || !isWritableData(rights)) {
      return raise(VECTOR.invalidTss, selectorError(selector, event.ext));
    }
    if ((rights & SEGMENT_RIGHTS.present) === 0) return raise(VECTOR.stackFault, selectorError(selector, event.ext));
    const marked = tables.markAccessed();
    this.inner = loadedFrom(selector, tables.lo, tables.hi);
    return marked;
  }

  private frameSlots(event: DeliveredEvent): number {
    const stackPointer = this.level === this.cpl ? 0 : 2;
    const data = this.isVirtual8086 ? dataSegments.length : 0;
    return 3 + stackPointer + data + event.hasErrorCode;
  }

  private pushFrame(event: DeliveredEvent): number {
    const { registers, segments, stack } = this.processor;
    let answer: number = TRANSLATED;
    if (this.isVirtual8086) {
      for (const segment of dataSegments) if (answer === TRANSLATED) answer = stack.push(segments.selector(segment), 0);
    }
    if (this.level !== this.cpl) {
      if (answer === TRANSLATED) answer = stack.push(segments.selector(SEGMENT.ss), 0);
      if (answer === TRANSLATED) answer = stack.push(registers[2 * REGISTER.rsp]!, 0);
    }
    if (answer === TRANSLATED) answer = stack.push(pushedFlags(registers[2 * REGISTER.rflags]!, event), 0);
    if (answer === TRANSLATED) answer = stack.push(segments.selector(SEGMENT.cs), 0);
    if (answer === TRANSLATED) answer = stack.push(registers[2 * REGISTER.rip]! + event.length | 0, 0);
    if (answer === TRANSLATED && event.hasErrorCode !== 0) answer = stack.push(event.errorCode, 0);
    return answer;
  }

  private enterHandler(): void {
    const { registers, segments, stack, reload } = this.processor;
    const { gate, inner, level } = this;
    const rflags = registers[2 * REGISTER.rflags]!;
    if (this.isVirtual8086) for (const segment of dataSegments) segments.set(segment, NO_SEGMENT);
    if (level !== this.cpl) segments.set(SEGMENT.ss, inner);
    segments.set(SEGMENT.cs, this.code);
    registers[2 * REGISTER.cpl] = level;
    registers[2 * REGISTER.rsp] = stack.lo;
    registers[2 * REGISTER.rsp + 1] = 0;
    registers[2 * REGISTER.rip] = this.offset | 0;
    registers[2 * REGISTER.rip + 1] = 0;
    registers[2 * REGISTER.rflags] = handlerFlags(rflags, gate.clearsInterruptFlag ? 'interrupt gate' : 'trap gate');
    reload();
  }

  /** Of the handler, unsigned. */
  private get offset(): number {
    return (this.gate.is16Bit ? this.gate.offsetLo & OFFSET16 : this.gate.offsetLo) >>> 0;
  }

  private get cpl(): number {
    return this.processor.registers[2 * REGISTER.cpl]!;
  }

  private get isVirtual8086(): boolean {
    return (this.processor.registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0;
  }
}
