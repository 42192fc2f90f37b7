import { ACCESS, OPERATION } from '../paging/accessKinds';
import { type Invalidations, INVPCID } from '../caches/invalidations';
import { CR4 } from './controlRegisters';
import { type InstructionEnd, RETRY_LIMIT } from './instructionEnd';
import type { Interruption } from './interruption';
import { isCanonical } from '../paging/compiledFormat';
import { type LinearTranslation, TRANSLATED } from './linearTranslation';
import { NO_EXIT } from './instructionExits';
import { sumHi } from '../memory/addressSum';
import { OperandAccess } from '../memory/operandAccess';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorFeatures } from './processorFeatures';
import type { ProcessorSpaces } from './processorSpaces';
import { REGISTER } from './registers';
import { type PendingOperation, RESUME } from './rootMode';
import type { RootModeAccess } from './rootModeAccess';
import { SECONDARY } from '../vmx/vmcs';
import { secondaryControls } from '../vmx/vmxTransitions';
import { VECTOR } from '../delivery/exceptions';

const PAGE_MASK = 0xfff;
const PAGE_BYTES = 0x1000;
const DESCRIPTOR_BYTES = 16;
const HALF = DESCRIPTOR_BYTES / 2;
const PCID_MASK = 0xfff;

/** The parts of a processor that INVPCID works on. */
export interface InvpcidProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly features: ProcessorFeatures;
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly pending: PendingOperation;
  readonly memory: PhysicalMemory;
  readonly spaces: ProcessorSpaces;
  readonly translation: LinearTranslation;
  readonly rootMode: RootModeAccess;
  readonly interruption: Interruption;
  readonly invalidations: Invalidations;
  readonly end: InstructionEnd;
}

/** What of type and descriptor is #GP(0). */
interface DescriptorRule {
  /** What the operand must not be, for `refusedInstruction`; the fault says no more. */
  readonly name: string;
  readonly broken: (operand: InvpcidOperand) => boolean;
}

export interface InvpcidOperand {
  readonly type: number;
  /** Bits 63:0 of the descriptor. */
  readonly pcidLo: number;
  readonly pcidHi: number;
  readonly cr4: number;
  /** Is the linear address, bits 127:64, canonical? */
  readonly isCanonical: boolean;
}

/** SDM Vol. 2, "INVPCID—Invalidate Process-Context Identifier", "64-Bit Mode Exceptions". */
export const invpcidRules: readonly DescriptorRule[] = [
  { name: 'a type above 3', broken: ({ type }) => type < 0 || type > INVPCID.all },
  { name: 'bits 63:12 of the descriptor', broken: ({ pcidLo, pcidHi }) => ((pcidLo & ~PCID_MASK) | pcidHi) !== 0 },
  {
    name: 'a PCID other than 0 while CR4.PCIDE is 0',
    broken: ({ type, pcidLo, cr4 }) => (type === INVPCID.address || type === INVPCID.context) && (cr4 & CR4.PCIDE) === 0 && pcidLo !== 0,
  },
  {
    name: 'a linear address that is not canonical',
    broken: (operand) => operand.type === INVPCID.address && !operand.isCanonical,
  },
];

/** INVPCID, with its descriptor of 128 bits in memory. */
export class InvpcidInstruction {
  private readonly operand: OperandAccess;
  /** The descriptor that was read last. */
  private pcidLo = 0;
  private pcidHi = 0;
  private addressLo = 0;
  private addressHi = 0;
  /** 1: the descriptor is given, and none is read. */
  private isGiven = 0;

  constructor(private readonly processor: InvpcidProcessor) {
    this.operand = new OperandAccess(processor.memory);
  }

  /**
   * `type`: the register operand; (lo, hi): linear address of the descriptor. A `STATUS`. #UD where the instruction is not
   * there or the VMM has not enabled it, then #GP(0) outside CPL 0, then the exit, then the faults of its operand: SDM
   * Vol. 3, "Relative Priority of Faults and VM Exits".
   */
  invpcid(type: number, lo: number, hi: number): number {
    this.isGiven = 0;
    return this.execute(type, lo, hi);
  }

  /** The same where no memory need be read for the descriptor: (pcidLo, pcidHi) are its bits 63:0, (lo, hi) its linear address. */
  invpcidOf(type: number, pcidLo: number, pcidHi: number, lo: number, hi: number): number {
    const { pending } = this.processor;
    this.isGiven = 1;
    this.pcidLo = pcidLo;
    this.pcidHi = pcidHi;
    this.addressLo = lo;
    this.addressHi = hi;
    pending.descriptorLo = pcidLo;
    pending.descriptorHi = pcidHi;
    return this.execute(type, lo, hi);
  }

  private execute(type: number, lo: number, hi: number): number {
    const { pending, registers, interruption, end } = this.processor;
    pending.operation = OPERATION.invpcid;
    pending.gvaLo = lo;
    pending.gvaHi = hi;
    pending.size = DESCRIPTOR_BYTES;
    pending.operandLo = type;
    pending.operandHi = 0;
    pending.brokenRule = '';
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = this.isUndefined() ? interruption.raise(VECTOR.invalidOpcode, 0, 0, 0)
        : registers[2 * REGISTER.cpl] !== 0 ? interruption.raise(VECTOR.generalProtection, 0, 0, 0)
          : this.attempt(type, lo, hi);
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp('INVPCID exits again and again');
  }

  private isUndefined(): boolean {
    const { vendor, features, registers, vmcs } = this.processor;
    if (features.invpcid === 'off') return true;
    // Controls are VMX's: a guest at CPL 3 of a hypervisor without it has the instruction, and is refused it.
    const isVmx = registers[2 * REGISTER.nonRoot] !== 0 && this.processor.interruption.privilege === undefined;
    return vendor === 'intel' && isVmx && (secondaryControls(vmcs) & SECONDARY.enableInvpcid) === 0;
  }

  private attempt(type: number, lo: number, hi: number): number {
    const { registers, interruption, invalidations, spaces } = this.processor;
    const exit = interruption.exits.invpcid(type, lo, hi);
    if (exit !== NO_EXIT) return exit;
    const reached = this.isGiven === 0 ? this.readDescriptor(lo, hi) : TRANSLATED;
    if (reached !== TRANSLATED) return reached;
    const { pcidLo, pcidHi, addressLo, addressHi } = this;
    const { compiled } = spaces.linear;
    const asked = { type, pcidLo, pcidHi, cr4: registers[2 * REGISTER.cr4]!, isCanonical: isCanonical(compiled, addressHi) };
    const rule = invpcidRules.find(({ broken }) => broken(asked));
    if (rule !== undefined) {
      this.processor.pending.brokenRule = rule.name;
      return interruption.raise(VECTOR.generalProtection, 0, 0, 0);
    }
    invalidations.invpcid(type, pcidLo, addressLo, addressHi);
    return RESUME.completed;
  }

  /** TRANSLATED with the descriptor in the fields, or what the fault or exit led to. */
  private readDescriptor(lo: number, hi: number): number {
    const { translation, rootMode } = this.processor;
    const { operand } = this;
    if (rootMode.isNeeded && isCanonical(this.processor.spaces.linear.compiled, hi)) return this.readThroughRootMode(lo, hi);
    const first = translation.translate(lo, hi, ACCESS.read);
    if (first !== TRANSLATED) return first;
    const { hpaLo, hpaHi } = translation;
    if ((lo & PAGE_MASK) + DESCRIPTOR_BYTES > PAGE_BYTES) {
      const nextLo = (lo & ~PAGE_MASK) + PAGE_BYTES | 0;
      const second = translation.translate(nextLo, nextLo === 0 ? hi + 1 | 0 : hi, ACCESS.read);
      if (second !== TRANSLATED) return second;
    }
    const nextLo = translation.hpaLo & ~PAGE_MASK;
    const nextHi = translation.hpaHi;
    operand.read(hpaLo, hpaHi, nextLo, nextHi, HALF);
    this.pcidLo = operand.lo;
    this.pcidHi = operand.hi;
    const isInNext = (lo & PAGE_MASK) + HALF >= PAGE_BYTES;
    operand.read(isInNext ? nextLo | ((lo + HALF) & PAGE_MASK) : hpaLo + HALF, isInNext ? nextHi : hpaHi, nextLo, nextHi, HALF);
    this.addressLo = operand.lo;
    this.addressHi = operand.hi;
    return TRANSLATED;
  }
  /** The same where root mode makes each access: 8 bytes at a time. */
  private readThroughRootMode(lo: number, hi: number): number {
    const { rootMode } = this.processor;
    const first = rootMode.read(lo, hi, HALF, ACCESS.read);
    if (first !== RESUME.completed) return first;
    this.pcidLo = rootMode.lo;
    this.pcidHi = rootMode.hi;
    const second = rootMode.read(lo + HALF | 0, sumHi(lo, hi, HALF), HALF, ACCESS.read);
    if (second !== RESUME.completed) return second;
    this.addressLo = rootMode.lo;
    this.addressHi = rootMode.hi;
    return TRANSLATED;
  }
}
