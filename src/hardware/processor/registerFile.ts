import { CR0, CR0_KNOWN, CR4, EFER, RFLAGS } from './controlRegisters';
import { brokenControlRule, type ControlContext, CR3_NO_FLUSH_HI, type VmxRestriction } from './controlRegisterChecks';
import { changesPdpteBits, eferWithLma, invalidationOf } from './controlRegisterRules';
import { FLUSH } from '../events/flushCauses';
import type { InvalidationName } from '../caches/invalidationRows';
import { pagingMode } from '../paging/pagingMode';
import type { ProcessorFeatures } from './processorFeatures';
import { CONTROL_REGISTER_NUMBERS, REGISTER } from './registers';
import { SECONDARY } from '../vmx/vmcs';
import { ownedBits, readShadow, secondaryControls } from '../vmx/vmxTransitions';

const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
/** Registers whose values have rules, by number. */
const RULED = new Map<number, 'cr0' | 'cr3' | 'cr4' | 'efer'>([
  [REGISTER.cr0, 'cr0'], [REGISTER.cr3, 'cr3'], [REGISTER.cr4, 'cr4'], [REGISTER.efer, 'efer'],
]);

/** May a value be written? */
export type WriteVerdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'fault'; readonly vector: number };

/** What a write invalidates. */
export type WriteFlush =
  | { readonly kind: 'none' }
  | { readonly kind: 'row'; readonly row: InvalidationName; readonly cause: number };

const OK: WriteVerdict = { kind: 'ok' };
const GP: WriteVerdict = { kind: 'fault', vector: GENERAL_PROTECTION };
const NO_FLUSH: WriteFlush = { kind: 'none' };

/** What of a processor decides which values its registers take. */
export interface RuledProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
}

/** Rules of reading and writing the registers of one processor, once it is settled that no VM exit takes them. */
export class RegisterFile {
  constructor(
    private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly processor: RuledProcessor,
  ) {}

  /** Only CPL 0 may read or write it. */
  isPrivileged(number: number): boolean {
    return number === REGISTER.efer || number === REGISTER.pkrs || CONTROL_REGISTER_NUMBERS.has(number);
  }

  /** 0, 2, 3 or 4; -1 for a register that is no control register. */
  controlRegisterIndex(number: number): number {
    return CONTROL_REGISTER_NUMBERS.get(number) ?? -1;
  }

  /** Does translation depend on it? */
  decidesTranslation(number: number): boolean {
    return number >= REGISTER.rflags && number !== REGISTER.cr2;
  }

  /** Low half as the guest reads it: bits of CR0 and CR4 that the host owns read as the read shadow has them. */
  visibleLo(number: number): number {
    // PUSHF clears VM and RF in the image.
    const value = number === REGISTER.rflags ? this.registers[2 * number]! & ~(RFLAGS.VM | RFLAGS.RF) : this.registers[2 * number]!;
    const owned = this.owned(number);
    return owned === 0 ? value : (value & ~owned) | (readShadow(this.vmcs, number) & owned);
  }

  /** Of bits that the host owns, CR0 and CR4 keep what they have: the rules judge the value that would come of it. */
  check(number: number, lo: number, hi: number): WriteVerdict {
    if (RULED.has(number)) return this.processorRule(number, lo, hi) === undefined ? OK : GP;
    switch (number) {
      case REGISTER.pkru:
        if ((this.registers[2 * REGISTER.cr4]! & CR4.PKE) === 0) return { kind: 'fault', vector: INVALID_OPCODE };
        return hi === 0 ? OK : GP;
      case REGISTER.pkrs:
        return hi === 0 ? OK : GP;
      default:
        return OK;
    }
  }

  /**
   * The rule by which the guest's own machine refuses a value, where bits that the host owns read as the read shadow has them
   * and nothing is fixed by VMX. `visibleLo`: low half of a register as the guest finds it.
   */
  brokenRule(number: number, lo: number, hi: number, visibleLo = (register: number): number => this.visibleLo(register)): string | undefined {
    const register = RULED.get(number);
    if (register === undefined) return undefined;
    const seen = { cr0: visibleLo(REGISTER.cr0), cr4: visibleLo(REGISTER.cr4), efer: visibleLo(REGISTER.efer), vmx: 'none' } as const;
    return brokenControlRule(register, { ...this.context(), ...seen }, lo, hi);
  }

  /** Does writing a value that `check` allows load the PDPTE registers? */
  loadsPdptes(number: number, lo: number): boolean {
    const { registers } = this;
    if (number !== REGISTER.cr0 && number !== REGISTER.cr3 && number !== REGISTER.cr4) return false;
    const after = (register: number): number => (number === register ? this.kept(number, lo) : registers[2 * register]!);
    const format = pagingMode(after(REGISTER.cr0), after(REGISTER.cr4), registers[2 * REGISTER.efer]!);
    if (format.registerLevel === undefined) return false;
    return number === REGISTER.cr3 || changesPdpteBits(number, registers[2 * number]!, after(number));
  }

  /** Writes a value that `check` allows. The caller invalidates and recomputes what is derived. */
  write(number: number, lo: number, hi: number): WriteFlush {
    const { registers } = this;
    const at = 2 * number;
    const old = registers[at]!;
    switch (number) {
      case REGISTER.cr0:
      case REGISTER.cr4: {
        const value = number === REGISTER.cr0 ? (this.kept(number, lo) & CR0_KNOWN) | CR0.ET : this.kept(number, lo);
        registers[at] = value;
        if (number === REGISTER.cr0) registers[2 * REGISTER.efer] = eferWithLma(value, registers[2 * REGISTER.efer]!);
        return invalidationOf(number === REGISTER.cr0 ? 'cr0' : 'cr4', old, value);
      }
      case REGISTER.cr3: {
        const keeps = (registers[2 * REGISTER.cr4]! & CR4.PCIDE) !== 0 && (hi & CR3_NO_FLUSH_HI) !== 0;
        registers[at] = lo;
        registers[at + 1] = hi & ~CR3_NO_FLUSH_HI;
        return keeps ? NO_FLUSH : { kind: 'row', row: 'movCr3', cause: FLUSH.movCr3 };
      }
      case REGISTER.efer:
        registers[at] = eferWithLma(registers[2 * REGISTER.cr0]!, lo);
        return NO_FLUSH;
      case REGISTER.rflags: {
        const flags = RFLAGS.AC | RFLAGS.CF | RFLAGS.ZF;
        const iopl = (old & RFLAGS.iopl) >>> RFLAGS.ioplShift;
        const writable = registers[2 * REGISTER.cpl]! <= iopl ? RFLAGS.IF | flags : flags;
        registers[at] = (old & ~writable) | (lo & writable) | RFLAGS.fixed;
        return NO_FLUSH;
      }
      default:
        registers[at] = lo;
        registers[at + 1] = hi;
        return NO_FLUSH;
    }
  }

  private owned(number: number): number {
    return this.registers[2 * REGISTER.nonRoot] === 0 ? 0 : ownedBits(this.vmcs, number);
  }

  /** The value to be written, with the bits that the host owns as they are. */
  private kept(number: number, lo: number): number {
    const owned = this.owned(number);
    return (this.registers[2 * number]! & owned) | (lo & ~owned);
  }

  private processorRule(number: number, lo: number, hi: number): string | undefined {
    const register = RULED.get(number);
    return register === undefined ? undefined : brokenControlRule(register, this.context(), this.kept(number, lo), hi);
  }

  /** A scenario has no far jump: CS is a 64-bit segment in IA-32e mode, and no other. */
  private context(): ControlContext {
    const { registers } = this;
    const { vendor, maxphyaddr, features } = this.processor;
    const efer = registers[2 * REGISTER.efer]!;
    return {
      vendor, maxphyaddr, features, efer, vmx: this.restriction(),
      cr0: registers[2 * REGISTER.cr0]!, cr3: registers[2 * REGISTER.cr3]!, cr4: registers[2 * REGISTER.cr4]!,
      cs: efer & EFER.LMA ? '64-bit' : 'other',
    };
  }

  /** Without a hypervisor the processor is not in VMX operation. SDM Vol. 3, "Changes to Instruction Behavior in VMX Non-Root Operation". */
  private restriction(): VmxRestriction {
    if (this.registers[2 * REGISTER.nonRoot] === 0 || this.processor.vendor === 'amd') return 'none';
    return secondaryControls(this.vmcs) & SECONDARY.unrestrictedGuest ? 'unrestricted' : 'restricted';
  }
}
