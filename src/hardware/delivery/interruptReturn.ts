import { CR0, EFER, RFLAGS } from '../processor/controlRegisters';
import { selectorError } from './deliveredEvent';
import { DELIVERED, type DeliveryProcessor, TASK_SWITCH } from './deliveryProcessor';
import { popAccess } from './eventStack';
import { dplOf, isCode, isConforming, isWritableData, loadedFrom, rightsOf } from '../segments/descriptor';
import { isNull, SELECTOR } from '../segments/descriptorTables';
import { VECTOR } from './exceptions';
import { isCanonical } from '../paging/compiledFormat';
import { TRANSLATED } from '../processor/linearTranslation';
import { loadRealSelector, stackSegment } from '../segments/realModeSegments';
import { REGISTER } from '../processor/registers';
import { NO_SEGMENT, SEGMENT, SEGMENT_RIGHTS, type SegmentValue } from '../segments/segmentRegisters';
import { loadVirtual8086Selector } from '../segments/virtual8086';
import { SYSTEM_ACCESS } from './systemAccessKinds';

const IP_MASK = 0xffff;
const USER_LEVEL = 3;
/** What IRET restores of RFLAGS at any CPL. SDM Vol. 2, "IRET/IRETD/IRETQ—Interrupt Return". */
const ANY_LEVEL = RFLAGS.arithmetic | RFLAGS.TF | RFLAGS.NT | RFLAGS.RF | RFLAGS.AC;
const KERNEL_LEVEL = RFLAGS.iopl | RFLAGS.VIF | RFLAGS.VIP;
const LOW_HALF = 0xffff;
/** Popped on return to virtual-8086 mode, in this order, behind ESP and SS. */
const virtual8086Data = [SEGMENT.es, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs] as const;
const dataSegments = [SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs] as const;

/**
 * IRET, with the operand size that is natural where it runs: IRETQ in 64-bit mode, IRETD in protected mode, IRET of 16
 * bits in real-address and virtual-8086 mode. Registers change once all of the frame has been popped and checked.
 */
export class InterruptReturn {
  private ripLo = 0;
  private ripHi = 0;
  private rflags = 0;
  private selector = 0;
  private code: SegmentValue = NO_SEGMENT;

  constructor(private readonly processor: DeliveryProcessor) {}

  /** DELIVERED when the interrupted program goes on, or what a fault or exit on the way led to. */
  return(): number {
    const { registers, segments } = this.processor;
    const rflags = registers[2 * REGISTER.rflags]!;
    const isLong = (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0;
    if ((registers[2 * REGISTER.cr0]! & CR0.PE) === 0) return this.returnInRealMode();
    if ((rflags & RFLAGS.VM) !== 0) return this.returnInVirtual8086();
    if ((rflags & RFLAGS.NT) !== 0) return isLong ? this.refuse(VECTOR.generalProtection, 0) : this.returnFromTask();
    const is64Bit = isLong && (segments.rights(SEGMENT.cs) & SEGMENT_RIGHTS.long) !== 0;
    return this.returnProtected(is64Bit ? '64-bit' : '32-bit');
  }

  private returnProtected(mode: '64-bit' | '32-bit'): number {
    const { registers, stack, segments } = this.processor;
    const { cpl } = this;
    const rsp = registers[2 * REGISTER.rsp]!;
    if (mode === '64-bit') stack.use64(rsp, registers[2 * REGISTER.rsp + 1]!, popAccess(cpl), 0);
    else {
      stack.useSegment(stackSegment(segments), rsp, 4, popAccess(cpl), 0);
      if (!stack.holds(3)) return this.refuse(VECTOR.stackFault, 0);
    }
    const popped = this.popProgram();
    if (popped !== TRANSLATED) return popped;
    if (mode === '32-bit' && cpl === 0 && (this.rflags & RFLAGS.VM) !== 0) return this.enterVirtual8086();
    const code = this.readCodeSegment();
    if (code !== TRANSLATED) return code;
    const level = this.selector & SELECTOR.rplMask;
    const goes64 = this.isLong && (this.code.rights & SEGMENT_RIGHTS.long) !== 0;
    // In 64-bit mode the stack is always popped; else only for a return to an outer level.
    let spLo = stack.lo;
    let spHi = stack.hi;
    let inner: SegmentValue | undefined;
    if (mode === '64-bit' || level > cpl) {
      if (!stack.holds(2)) return this.refuse(VECTOR.stackFault, 0);
      const pointer = stack.pop();
      if (pointer !== TRANSLATED) return pointer;
      spLo = this.processor.access.lo;
      spHi = mode === '64-bit' ? this.processor.access.hi : 0;
      const popSs = stack.pop();
      if (popSs !== TRANSLATED) return popSs;
      const checked = this.readStackSegment(this.processor.access.lo & 0xffff, level, goes64 ? '64-bit' : '32-bit');
      if (checked !== TRANSLATED) return checked;
      inner = this.stackSegment;
    }
    const beyond = goes64
      ? !isCanonical(this.processor.spaces.linear.compiled, this.ripHi) : this.ripHi !== 0 || this.ripLo >>> 0 > this.code.limit >>> 0;
    if (beyond) return this.refuse(VECTOR.generalProtection, 0);
    this.finish(level, inner, spLo, spHi, mode);
    return DELIVERED;
  }

  private stackSegment: SegmentValue = NO_SEGMENT;

  /** RIP, CS and RFLAGS. */
  private popProgram(): number {
    const { stack, access } = this.processor;
    let answer = stack.pop();
    if (answer !== TRANSLATED) return answer;
    this.ripLo = access.lo;
    this.ripHi = access.hi;
    answer = stack.pop();
    if (answer !== TRANSLATED) return answer;
    this.selector = access.lo & 0xffff;
    answer = stack.pop();
    this.rflags = access.lo;
    return answer;
  }

  private readCodeSegment(): number {
    const { tables } = this.processor;
    const { selector, cpl } = this;
    if (isNull(selector)) return this.refuse(VECTOR.generalProtection, 0);
    const read = tables.read(selector, 0);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    const rpl = selector & SELECTOR.rplMask;
    const dpl = dplOf(rights);
    const is64And32 = this.isLong && (rights & SEGMENT_RIGHTS.long) !== 0 && (rights & SEGMENT_RIGHTS.big) !== 0;
    const isLevelWrong = isConforming(rights) ? dpl > rpl : dpl !== rpl;
    if (!isCode(rights) || rpl < cpl || isLevelWrong || is64And32) return this.refuse(VECTOR.generalProtection, selectorError(selector, 0));
    if ((rights & SEGMENT_RIGHTS.present) === 0) return this.refuse(VECTOR.segmentNotPresent, selectorError(selector, 0));
    const marked = tables.markAccessed();
    this.code = loadedFrom(selector, tables.lo, tables.hi);
    return marked;
  }

  /** SS of the program: null only where 64-bit code below CPL 3 goes on. */
  private readStackSegment(selector: number, level: number, mode: '64-bit' | '32-bit'): number {
    const { tables } = this.processor;
    if (isNull(selector)) {
      if (mode !== '64-bit' || level === USER_LEVEL || (selector & SELECTOR.rplMask) !== level) return this.refuse(VECTOR.generalProtection, 0);
      this.stackSegment = { ...NO_SEGMENT, selector, rights: SEGMENT_RIGHTS.unusable | (level << SEGMENT_RIGHTS.dplShift) };
      return TRANSLATED;
    }
    const read = tables.read(selector, 0);
    if (read !== TRANSLATED) return read;
    const rights = rightsOf(tables.hi);
    if ((selector & SELECTOR.rplMask) !== level || dplOf(rights) !== level || !isWritableData(rights)) {
      return this.refuse(VECTOR.generalProtection, selectorError(selector, 0));
    }
    if ((rights & SEGMENT_RIGHTS.present) === 0) return this.refuse(VECTOR.stackFault, selectorError(selector, 0));
    const marked = tables.markAccessed();
    this.stackSegment = loadedFrom(selector, tables.lo, tables.hi);
    return marked;
  }

  private finish(level: number, inner: SegmentValue | undefined, spLo: number, spHi: number, mode: '64-bit' | '32-bit'): void {
    const { registers, segments, reload } = this.processor;
    const { cpl } = this;
    segments.set(SEGMENT.cs, this.code);
    if (inner !== undefined) segments.set(SEGMENT.ss, inner);
    // What an inner level was using, an outer one must not keep.
    if (level > cpl) {
      for (const segment of dataSegments) {
        const rights = segments.rights(segment);
        const isUsable = (rights & SEGMENT_RIGHTS.unusable) === 0;
        if (isUsable && dplOf(rights) < level && !isConforming(rights)) segments.set(segment, NO_SEGMENT);
      }
    }
    this.setFlags(mode === '64-bit' ? -1 : ~RFLAGS.VM);
    registers[2 * REGISTER.cpl] = level;
    registers[2 * REGISTER.rip] = this.ripLo;
    registers[2 * REGISTER.rip + 1] = this.ripHi;
    registers[2 * REGISTER.rsp] = spLo;
    registers[2 * REGISTER.rsp + 1] = spHi;
    reload();
  }

  /** `width`: bits of RFLAGS that were popped. */
  private setFlags(width: number): void {
    const { registers } = this.processor;
    const old = registers[2 * REGISTER.rflags]!;
    const iopl = (old & RFLAGS.iopl) >>> RFLAGS.ioplShift;
    let writable: number = ANY_LEVEL;
    if (this.cpl === 0) writable |= KERNEL_LEVEL;
    if (this.cpl <= iopl) writable |= RFLAGS.IF;
    writable &= width;
    registers[2 * REGISTER.rflags] = (old & ~writable) | (this.rflags & writable) | RFLAGS.fixed;
  }

  private returnInRealMode(): number {
    const popped = this.pop16();
    if (popped !== TRANSLATED) return popped;
    const { registers, segments, stack } = this.processor;
    loadRealSelector(segments, SEGMENT.cs, this.selector);
    registers[2 * REGISTER.rip] = this.ripLo & IP_MASK;
    registers[2 * REGISTER.rip + 1] = 0;
    registers[2 * REGISTER.rsp] = stack.lo;
    this.setFlags(LOW_HALF);
    this.processor.reload();
    return DELIVERED;
  }

  /** SDM Vol. 3, "Sensitive Instructions" of virtual-8086 mode: IRET needs IOPL 3, and leaves IOPL alone. */
  private returnInVirtual8086(): number {
    const { registers, segments, stack } = this.processor;
    if ((registers[2 * REGISTER.rflags]! & RFLAGS.iopl) !== RFLAGS.iopl) return this.refuse(VECTOR.generalProtection, 0);
    const popped = this.pop16();
    if (popped !== TRANSLATED) return popped;
    loadVirtual8086Selector(segments, SEGMENT.cs, this.selector);
    registers[2 * REGISTER.rip] = this.ripLo & IP_MASK;
    registers[2 * REGISTER.rip + 1] = 0;
    registers[2 * REGISTER.rsp] = stack.lo;
    this.setFlags(LOW_HALF);
    this.processor.reload();
    return DELIVERED;
  }

  private pop16(): number {
    const { registers, segments, stack } = this.processor;
    stack.useSegment(stackSegment(segments), registers[2 * REGISTER.rsp]!, 2, popAccess(this.cpl), 0);
    if (!stack.holds(3)) return this.refuse(VECTOR.stackFault, 0);
    return this.popProgram();
  }

  /** ESP, SS, and the data segments that a virtual-8086 program had. */
  private enterVirtual8086(): number {
    const { registers, segments, stack, access, reload } = this.processor;
    if (!stack.holds(2 + virtual8086Data.length)) return this.refuse(VECTOR.stackFault, 0);
    const popped: number[] = [];
    for (let i = 0; i < 2 + virtual8086Data.length; i++) {
      const answer = stack.pop();
      if (answer !== TRANSLATED) return answer;
      popped.push(access.lo);
    }
    const [pointer = 0, ss = 0, ...data] = popped;
    loadVirtual8086Selector(segments, SEGMENT.cs, this.selector);
    loadVirtual8086Selector(segments, SEGMENT.ss, ss & 0xffff);
    virtual8086Data.forEach((segment, i) => loadVirtual8086Selector(segments, segment, data[i]! & 0xffff));
    this.setFlags(-1);
    registers[2 * REGISTER.rflags]! |= RFLAGS.VM;
    registers[2 * REGISTER.cpl] = USER_LEVEL;
    registers[2 * REGISTER.rip] = this.ripLo & IP_MASK;
    registers[2 * REGISTER.rip + 1] = 0;
    registers[2 * REGISTER.rsp] = pointer;
    registers[2 * REGISTER.rsp + 1] = 0;
    reload();
    return DELIVERED;
  }

  /** With NT set IRET goes back to the task whose selector stands first in the TSS. */
  private returnFromTask(): number {
    const { segments, access, taskSwitch, tables } = this.processor;
    // The TSS of a hypervisor that runs all of the guest at CPL 3 names no task of the guest's.
    if (tables.areHypervisors) return this.refuse(VECTOR.invalidTss, 0);
    const link = access.read(segments.baseLo(SEGMENT.tr), 0, 2, SYSTEM_ACCESS.taskState);
    return link === TRANSLATED ? taskSwitch(access.lo, TASK_SWITCH.iret) : link;
  }

  private refuse(vector: number, errorCode: number): number {
    return this.processor.raise(vector, errorCode);
  }

  private get cpl(): number {
    return this.processor.registers[2 * REGISTER.cpl]!;
  }

  private get isLong(): boolean {
    return (this.processor.registers[2 * REGISTER.efer]! & EFER.LMA) !== 0;
  }
}
