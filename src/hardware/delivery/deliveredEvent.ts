import { INTERRUPTION } from '../vmx/vmcs';
import { exceptionOf, hasErrorCode } from './exceptions';

/** Types of events, numbered as interruption information has them. SDM Vol. 3, "VM-Entry Interruption-Information Field". */
export const EVENT_TYPE = {
  externalInterrupt: 0, nmi: 2, hardwareException: 3, softwareInterrupt: 4, privilegedSoftwareException: 5, softwareException: 6,
} as const;
const TYPE_SHIFT = 8;
const TYPE_MASK = 7;

/**
 * Where an error code says what it is about. SDM Vol. 3, "Error Code": EXT is set while an event from outside the program
 * is delivered, IDT when the index is that of a gate.
 */
export const SELECTOR_ERROR = { ext: 1, idt: 2, indexMask: 0xfffc, gateShift: 3 } as const;

/** An event on its way through the IDT: the same few facts as in interruption information. */
export class DeliveredEvent {
  /** An `EVENT_TYPE`. */
  type: number = EVENT_TYPE.hardwareException;
  vector = 0;
  errorCode = 0;
  /** 1: an error code is pushed. */
  hasErrorCode = 0;
  /** Bytes of the instruction that asked for it, INT n and the like: what is pushed points behind it. */
  length = 0;
  /** Linear address of a page fault, for who is told. */
  lo = 0;
  hi = 0;

  setException(vector: number, errorCode: number, lo: number, hi: number, pushesCodes: 'pushes codes' | 'pushes none'): void {
    this.type = EVENT_TYPE.hardwareException;
    this.vector = vector;
    this.errorCode = errorCode;
    this.hasErrorCode = pushesCodes === 'pushes codes' && hasErrorCode(vector) ? 1 : 0;
    this.length = 0;
    this.lo = lo;
    this.hi = hi;
  }

  /** An interrupt, or an instruction that raises an event: neither has an error code. */
  setInterrupt(type: number, vector: number, length: number): void {
    this.type = type;
    this.vector = vector;
    this.errorCode = 0;
    this.hasErrorCode = 0;
    this.length = length;
    this.lo = 0;
    this.hi = 0;
  }

  /** From interruption information that is valid. */
  setInformation(information: number, errorCode: number, length: number): void {
    this.type = (information >>> TYPE_SHIFT) & TYPE_MASK;
    this.vector = information & INTERRUPTION.vectorMask;
    this.hasErrorCode = (information & INTERRUPTION.errorCodeValid) === 0 ? 0 : 1;
    this.errorCode = this.hasErrorCode === 0 ? 0 : errorCode;
    this.length = this.isSoftware ? length : 0;
    this.lo = 0;
    this.hi = 0;
  }

  /** Interruption information of it, bit 31 set. */
  get information(): number {
    return this.vector | (this.type << TYPE_SHIFT) | (this.hasErrorCode === 0 ? 0 : INTERRUPTION.errorCodeValid) | INTERRUPTION.valid;
  }

  /** Raised by an instruction that means to: INT n, INT3, INTO, INT1. */
  get isSoftware(): boolean {
    return this.type >= EVENT_TYPE.softwareInterrupt;
  }

  get isException(): boolean {
    return this.type === EVENT_TYPE.hardwareException || this.type > EVENT_TYPE.softwareInterrupt;
  }

  /** EXT of an error code that arises in its delivery: INT n, INT3 and INTO belong to the program. */
  get ext(): number {
    return this.type === EVENT_TYPE.softwareInterrupt || this.type === EVENT_TYPE.softwareException ? 0 : SELECTOR_ERROR.ext;
  }

  /** Must the gate's DPL admit the CPL? Only for INT n, INT3 and INTO. */
  get isCheckedByGate(): boolean {
    return this.ext === 0;
  }

  /** Error code of a fault in delivering it that is about its own gate. */
  get gateError(): number {
    return (this.vector << SELECTOR_ERROR.gateShift) | SELECTOR_ERROR.idt | this.ext;
  }

  /** A fault returns to the instruction that it broke off, with RFLAGS.RF set in the image. */
  get isFault(): boolean {
    return this.type === EVENT_TYPE.hardwareException && exceptionOf(this.vector)?.class === 'fault';
  }
}

/** Error code of a fault that is about a selector. `ext`: 0 or 1. */
export function selectorError(selector: number, ext: number): number {
  return (selector & SELECTOR_ERROR.indexMask) | ext;
}
