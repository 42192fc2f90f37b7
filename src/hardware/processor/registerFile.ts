import { CR4, RFLAGS } from './controlRegisters';
import { changesPdpteBits, eferWithLma, invalidationOf, isIllegalValue } from './controlRegisterRules';
import { FLUSH } from '../events/flushCauses';
import type { InvalidationName } from '../caches/invalidationRows';
import { pagingMode } from '../paging/pagingMode';
import { REGISTER } from './registers';
import { ownedBits, readShadow } from '../vmx/vmxTransitions';

const CONTROL_REGISTER_INDEX = new Map<number, number>([
  [REGISTER.cr0, 0], [REGISTER.cr2, 2], [REGISTER.cr3, 3], [REGISTER.cr4, 4],
]);
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
/** Bit 63 of a value for CR3: keep what the TLB has of the new PCID. */
const NO_FLUSH_HI = 1 << 31;

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

/** Rules of reading and writing the registers of one processor, once it is settled that no VM exit takes them. */
export class RegisterFile {
  constructor(private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly maxphyaddr: number) {}

  /** Only CPL 0 may read or write it. */
  isPrivileged(number: number): boolean {
    return number === REGISTER.efer || CONTROL_REGISTER_INDEX.has(number);
  }

  /** 0, 2, 3 or 4; -1 for a register that is no control register. */
  controlRegisterIndex(number: number): number {
    return CONTROL_REGISTER_INDEX.get(number) ?? -1;
  }

  /** Does translation depend on it? */
  decidesTranslation(number: number): boolean {
    return number >= REGISTER.rflags && number !== REGISTER.cr2;
  }

  /** Low half as the guest reads it: bits of CR0 and CR4 that the host owns read as the read shadow has them. */
  visibleLo(number: number): number {
    const value = this.registers[2 * number]!;
    const owned = this.owned(number);
    return owned === 0 ? value : (value & ~owned) | (readShadow(this.vmcs, number) & owned);
  }

  check(number: number, lo: number, hi: number): WriteVerdict {
    const cr0 = this.registers[2 * REGISTER.cr0]!;
    const cr4 = this.registers[2 * REGISTER.cr4]!;
    const efer = this.registers[2 * REGISTER.efer]!;
    const now = { cr0, cr4, efer };
    switch (number) {
      case REGISTER.cr0:
        return isIllegalValue('cr0', now, lo, hi) ? GP : OK;
      case REGISTER.cr4:
        if (isIllegalValue('cr4', now, lo, hi)) return GP;
        if (lo & ~cr4 & CR4.PCIDE && this.registers[2 * REGISTER.cr3]! & 0xfff) return GP;
        return OK;
      case REGISTER.efer:
        return isIllegalValue('efer', now, lo, hi) ? GP : OK;
      case REGISTER.cr3: {
        const tolerated = cr4 & CR4.PCIDE ? NO_FLUSH_HI : 0;
        const beyond = this.maxphyaddr >= 64 ? 0 : ~((1 << (this.maxphyaddr - 32)) - 1);
        return (hi & beyond & ~tolerated) === 0 ? OK : GP;
      }
      case REGISTER.pkru:
        if ((cr4 & CR4.PKE) === 0) return { kind: 'fault', vector: INVALID_OPCODE };
        return hi === 0 ? OK : GP;
      default:
        return OK;
    }
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
        const value = this.kept(number, lo);
        registers[at] = value;
        if (number === REGISTER.cr0) registers[2 * REGISTER.efer] = eferWithLma(value, registers[2 * REGISTER.efer]!);
        return invalidationOf(number === REGISTER.cr0 ? 'cr0' : 'cr4', old, value);
      }
      case REGISTER.cr3: {
        const keeps = (registers[2 * REGISTER.cr4]! & CR4.PCIDE) !== 0 && (hi & NO_FLUSH_HI) !== 0;
        registers[at] = lo;
        registers[at + 1] = hi & ~NO_FLUSH_HI;
        return keeps ? NO_FLUSH : { kind: 'row', row: 'movCr3', cause: FLUSH.movCr3 };
      }
      case REGISTER.efer:
        registers[at] = eferWithLma(registers[2 * REGISTER.cr0]!, lo);
        return NO_FLUSH;
      case REGISTER.rflags: {
        const writable = registers[2 * REGISTER.cpl] === 0 ? RFLAGS.IF | RFLAGS.AC : RFLAGS.AC;
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
}
