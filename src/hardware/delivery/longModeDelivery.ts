import { ACCESS } from '../paging/accessKinds';
import type { DeliveredEvent } from './deliveredEvent';
import { selectorError } from './deliveredEvent';
import { DELIVERED, type DeliveryProcessor } from './deliveryProcessor';
import { pushAccess } from './eventStack';
import { dplOf, isCode, isConforming, loadedFrom, rightsOf } from '../segments/descriptor';
import { isNull, SELECTOR } from '../segments/descriptorTables';
import { VECTOR } from './exceptions';
import { brokenGateRule, Gate, longModeGateRules } from './gate';
import { handlerFlags, pushedFlags } from './handlerFlags';
import { isCanonical } from '../paging/compiledFormat';
import { TRANSLATED } from '../processor/linearTranslation';
import { REGISTER } from '../processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT, SEGMENT_RIGHTS } from '../segments/segmentRegisters';
import { sumHi } from '../memory/addressSum';
import { SYSTEM_ACCESS } from './systemAccessKinds';

const GATE_BYTES = 16;
const STACK_ALIGNMENT = 16;
/** The 64-bit TSS. SDM Vol. 3, "Task Management in 64-bit Mode". */
const TSS = { rsp0: 4, ist1: 36, pointerBytes: 8 } as const;
const NULL_SELECTOR = 0;

/**
 * Delivery of events in long mode: gate, code segment, stack, frame. Nothing is in a register before all of the frame
 * is in memory. SDM Vol. 3, "Exception and Interrupt Handling in 64-bit Mode"; Vol. 2, "INT n/INTO/INT3/INT1—Call to
 * Interrupt Procedure".
 */
export class LongModeDelivery {
  private readonly gate = new Gate();
  /** CPL of the handler. */
  private level = 0;

  constructor(private readonly processor: DeliveryProcessor) {}

  /** DELIVERED, or what a fault or exit on the way led to. */
  deliver(event: DeliveredEvent): number {
    const gate = this.readGate(event);
    if (gate !== TRANSLATED) return gate;
    const code = this.readCodeSegment(event);
    if (code !== TRANSLATED) return code;
    const stack = this.chooseStack(event);
    if (stack !== TRANSLATED) return stack;
    const { raise, spaces } = this.processor;
    if (!isCanonical(spaces.linear.compiled, this.gate.offsetHi)) return raise(VECTOR.generalProtection, event.ext);
    const frame = this.pushFrame(event);
    if (frame !== TRANSLATED) return frame;
    this.enterHandler();
    return DELIVERED;
  }

  private readGate(event: DeliveredEvent): number {
    const { segments, access, raise, registers } = this.processor;
    const at = event.vector * GATE_BYTES;
    if (at + GATE_BYTES - 1 > segments.tableLimit(DESCRIPTOR_TABLE.idtr)) return raise(VECTOR.generalProtection, event.gateError);
    const baseLo = segments.tableBaseLo(DESCRIPTOR_TABLE.idtr);
    const baseHi = segments.tableBaseHi(DESCRIPTOR_TABLE.idtr);
    const low = access.read(baseLo + at | 0, sumHi(baseLo, baseHi, at), 8, SYSTEM_ACCESS.gate);
    if (low !== TRANSLATED) return low;
    const word0 = access.lo;
    const word1 = access.hi;
    const high = access.read(baseLo + at + 8 | 0, sumHi(baseLo, baseHi, at + 8), 8, SYSTEM_ACCESS.gate);
    if (high !== TRANSLATED) return high;
    this.gate.decode(word0, word1, access.lo, access.hi);
    const rule = brokenGateRule(longModeGateRules, this.gate, event, registers[2 * REGISTER.cpl]!);
    return rule === undefined ? TRANSLATED : raise(rule.vector, event.gateError);
  }

  private readCodeSegment(event: DeliveredEvent): number {
    const { tables, raise, registers } = this.processor;
    const { selector } = this.gate;
    const cpl = registers[2 * REGISTER.cpl]!;
    if (isNull(selector)) return raise(VECTOR.generalProtection, event.ext);
    const read = tables.read(selector, event.ext);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    const is64Bit = (rights & SEGMENT_RIGHTS.long) !== 0 && (rights & SEGMENT_RIGHTS.big) === 0;
    if (!isCode(rights) || dplOf(rights) > cpl || !is64Bit) return raise(VECTOR.generalProtection, selectorError(selector, event.ext));
    if ((rights & SEGMENT_RIGHTS.present) === 0) return raise(VECTOR.segmentNotPresent, selectorError(selector, event.ext));
    this.level = isConforming(rights) ? cpl : dplOf(rights);
    return tables.markAccessed();
  }

  /** The interrupt stack table's, else RSP of the TSS when the CPL changes, else the stack in use; aligned down in any case. */
  private chooseStack(event: DeliveredEvent): number {
    const { registers, segments, access, stack, spaces, raise } = this.processor;
    let lo = registers[2 * REGISTER.rsp]!;
    let hi = registers[2 * REGISTER.rsp + 1]!;
    const changesLevel = this.level !== registers[2 * REGISTER.cpl]!;
    if (this.gate.ist !== 0 || changesLevel) {
      const offset = this.gate.ist !== 0
        ? TSS.ist1 + (this.gate.ist - 1) * TSS.pointerBytes : TSS.rsp0 + this.level * TSS.pointerBytes;
      if (offset + TSS.pointerBytes - 1 > segments.limit(SEGMENT.tr)) {
        return raise(VECTOR.invalidTss, selectorError(segments.selector(SEGMENT.tr), event.ext));
      }
      const baseLo = segments.baseLo(SEGMENT.tr);
      const read = access.read(
        baseLo + offset | 0, sumHi(baseLo, segments.baseHi(SEGMENT.tr), offset), TSS.pointerBytes, SYSTEM_ACCESS.taskState,
        ACCESS.read | ACCESS.implicit,
      );
      if (read !== TRANSLATED) return read;
      lo = access.lo;
      hi = access.hi;
      if (!isCanonical(spaces.linear.compiled, hi)) return raise(VECTOR.stackFault, event.ext);
    }
    stack.use64(lo & -STACK_ALIGNMENT, hi, pushAccess(registers[2 * REGISTER.cpl]!, this.level), event.ext);
    return TRANSLATED;
  }

  private pushFrame(event: DeliveredEvent): number {
    const { registers, segments, stack } = this.processor;
    const rip = registers[2 * REGISTER.rip]!;
    const ripHi = registers[2 * REGISTER.rip + 1]!;
    const flags = pushedFlags(registers[2 * REGISTER.rflags]!, event);
    let answer = stack.push(segments.selector(SEGMENT.ss), 0);
    if (answer === TRANSLATED) answer = stack.push(registers[2 * REGISTER.rsp]!, registers[2 * REGISTER.rsp + 1]!);
    if (answer === TRANSLATED) answer = stack.push(flags, 0);
    if (answer === TRANSLATED) answer = stack.push(segments.selector(SEGMENT.cs), 0);
    if (answer === TRANSLATED) answer = stack.push(rip + event.length | 0, sumHi(rip, ripHi, event.length));
    if (answer === TRANSLATED && event.hasErrorCode !== 0) answer = stack.push(event.errorCode, 0);
    return answer;
  }

  private enterHandler(): void {
    const { registers, segments, tables, stack } = this.processor;
    const { gate, level } = this;
    if (level !== registers[2 * REGISTER.cpl]!) {
      // SDM Vol. 3, "Stack Switching in IA-32e Mode": the new SS is null, with the new CPL as its RPL.
      segments.set(SEGMENT.ss, { selector: NULL_SELECTOR | level, rights: SEGMENT_RIGHTS.unusable | (level << SEGMENT_RIGHTS.dplShift), limit: 0, baseLo: 0, baseHi: 0 });
    }
    segments.set(SEGMENT.cs, loadedFrom((gate.selector & ~SELECTOR.rplMask) | level, tables.lo, tables.hi));
    registers[2 * REGISTER.cpl] = level;
    registers[2 * REGISTER.rsp] = stack.lo;
    registers[2 * REGISTER.rsp + 1] = stack.hi;
    registers[2 * REGISTER.rip] = gate.offsetLo;
    registers[2 * REGISTER.rip + 1] = gate.offsetHi;
    const rflags = registers[2 * REGISTER.rflags]!;
    registers[2 * REGISTER.rflags] = handlerFlags(rflags, gate.clearsInterruptFlag ? 'interrupt gate' : 'trap gate');
  }
}
