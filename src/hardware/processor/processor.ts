import { ACCESS, OPERATION } from '../paging/accessKinds';
import { CR0, RFLAGS } from './controlRegisters';
import { COUNTER, COUNTERS } from '../state/counters';
import type { EventBus } from '../events/eventBus';
import { ACTOR, KIND } from '../events/eventTable';
import { EXIT_REASON } from '../vmx/exitReasons';
import { FLUSH } from '../events/flushCauses';
import { EXCEPTION, Interruption, VECTOR } from './interruption';
import { OperandAccess } from '../memory/operandAccess';
import { PDPTES, PdpteRegisters } from '../paging/pdpteRegisters';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { ProcessorEvents } from '../events/processorEvents';
import { ProcessorSpaces } from './processorSpaces';
import { isCanonical } from '../paging/compiledFormat';
import { RegisterFile, type WriteFlush } from './registerFile';
import { ENDLESS, RegisterInstructions } from './registerInstructions';
import { REGISTER, REGISTER_WORDS } from './registers';
import type { Registry } from '../state/registry';
import { PendingOperation, type ProcessorSettings, RESUME, type RootMode, STATUS, type StoreObserver } from './rootMode';
import { Tlb } from '../caches/tlb';
import type { TranslationSpace } from '../paging/translationSpace';
import { Translator } from '../caches/translator';
import { claimVmcb } from '../svm/vmcb';
import { claimVmcs, PRIMARY, VMCS } from '../vmx/vmcs';
import { walk } from '../paging/walk';
import { EFFECTS, WALK } from '../paging/walkOutcome';

export { RESUME, STATUS, type ProcessorSettings, type RootMode, type StoreObserver } from './rootMode';

/** An instruction that is retried this often with nothing coming of it is given up. */
const RETRY_LIMIT = 1000;
/** Beside `RESUME` and EXCEPTION: the address is translated, and the operation still to be done. */
const TRANSLATED = 4;
const PAGE_MASK = 0xfff;
const PAGE_BYTES = 0x1000;

/**
 * One logical processor: registers, TLB, VMCS, and the instructions that touch memory or translation. An instruction
 * comes back with a `STATUS`. VM exits call `root` and, when the guest is entered again, go on from there. All state
 * is in the registry; what is derived from it (`reload`) or meaningful only within an instruction is in fields.
 */
export class Processor {
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  /** By `COUNTER`; exits by reason from EXIT_COUNTERS_AT on. */
  readonly counters: Float64Array;
  readonly tlb: Tlb;
  /** The translation in force, with the result of the last walk that the processor made. */
  readonly space: TranslationSpace;
  /** The same translation for questions: its result is that of the last `walkWithoutEffects`. */
  readonly inspection: TranslationSpace;
  storeObserver: StoreObserver | undefined;
  /** The operation under way, for an emulator in root mode. */
  readonly pending = new PendingOperation();
  /** Result of a load or of reading a register; what a read-modify-write found. Root mode may set it for an operation it completes. */
  valueLo = 0;
  valueHi = 0;
  /** Why the status is stopped, as a sentence; empty when root mode has the reason. */
  stopReason = '';
  /** Host-physical address of the first byte of the operation performed last. */
  performedLo = 0;
  performedHi = 0;
  private readonly spaces: ProcessorSpaces;
  private readonly translator: Translator;
  private readonly operand: OperandAccess;
  private readonly events: ProcessorEvents;
  private readonly file: RegisterFile;
  private readonly interruption: Interruption;
  private readonly instructions: RegisterInstructions;
  private readonly pdptes: PdpteRegisters;

  constructor(
    registry: Registry, private readonly memory: PhysicalMemory, private readonly bus: EventBus, readonly cpu: number,
    readonly settings: ProcessorSettings,
  ) {
    this.registers = registry.block(`cpu${cpu}.registers`, REGISTER_WORDS);
    this.vmcs = claimVmcs(registry, cpu);
    this.vmcb = claimVmcb(registry, cpu);
    this.counters = registry.numbers(`cpu${cpu}.counters`, COUNTERS);
    this.tlb = new Tlb(registry, `cpu${cpu}.tlb`, { entries: settings.tlbEntries, ways: settings.tlbWays });
    this.registers[2 * REGISTER.rflags] = RFLAGS.fixed;
    this.registers[2 * REGISTER.cr0] = CR0.PE | CR0.ET | CR0.NE;
    const { registers, vmcs, vmcb, counters, tlb, pending } = this;
    const { maxphyaddr, vendor } = settings;
    const events = new ProcessorEvents(bus, cpu);
    const pdptes = new PdpteRegisters(registers, memory, maxphyaddr);
    const spaces = new ProcessorSpaces({
      vendor, registers, pdptes: pdptes.words, vmcs, vmcb, tlb, memory, bus, cpu, maxphyaddr, counters,
    });
    const reload = (): void => this.reload();
    const interruption = new Interruption({
      cpu, vendor, registers, vmcs, vmcb, counters, spaces, events, reload,
      loadPdptes: () => this.loadPdptes(),
      flushAtEntry: (cause) => {
        this.tlb.invalidateVpid(0);
        this.countFlush(ACTOR.vmm, cause, 0, 0);
      },
    });
    this.events = events;
    this.pdptes = pdptes;
    this.spaces = spaces;
    this.space = spaces.linear;
    this.inspection = spaces.inspection;
    this.translator = new Translator(spaces, tlb, counters, events, settings.rewalkOnPermissionFault);
    this.operand = new OperandAccess(memory);
    this.file = new RegisterFile(registers, vmcs, maxphyaddr);
    this.interruption = interruption;
    this.instructions = new RegisterInstructions({
      registers, vmcs, pending, file: this.file, pdptes, spaces, events, interruption, reload,
      keep: (lo, hi) => {
        this.valueLo = lo;
        this.valueHi = hi;
      },
      flush: (what, when) => this.flush(what, when),
    }, RETRY_LIMIT);
    this.reload();
  }

  /** The hypervisor; undefined when there is none. */
  get root(): RootMode | undefined { return this.interruption.root; }
  set root(root: RootMode | undefined) { this.interruption.root = root; }
  /** The exception, when the status is one. */
  get vector(): number { return this.interruption.vector; }
  get errorCode(): number { return this.interruption.errorCode; }
  /** Current privilege level. */
  get level(): number { return this.registers[2 * REGISTER.cpl]!; }
  get cr2Lo(): number { return this.registers[2 * REGISTER.cr2]!; }
  get cr2Hi(): number { return this.registers[2 * REGISTER.cr2 + 1]!; }

  /** Loads `size` bytes at a linear address into `valueLo`, `valueHi`. */
  load(lo: number, hi: number, size: number): number {
    return this.access(OPERATION.load, lo, hi, size, 0, 0, 0);
  }

  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): number {
    return this.access(OPERATION.store, lo, hi, size, valueLo, valueHi, 0);
  }

  /** One read-modify-write (`rmw`: an `RMW`), a write access; the old value is left in `valueLo`, `valueHi`. */
  readModifyWrite(lo: number, hi: number, size: number, rmw: number, operandLo: number, operandHi: number): number {
    return this.access(OPERATION.readModifyWrite, lo, hi, size, operandLo, operandHi, rmw);
  }

  /** Fetches the byte at a linear address as an instruction. */
  fetch(lo: number, hi: number): number {
    return this.access(OPERATION.fetch, lo, hi, 1, 0, 0, 0);
  }

  /**
   * Does the pending memory operation at a host-physical address; bytes past the end of its page lie in the page at
   * (nextLo, nextHi), by default the one that follows. The processor's own last step, and an emulator's.
   */
  perform(hpaLo: number, hpaHi: number, nextLo = (hpaLo & ~PAGE_MASK) + PAGE_BYTES | 0, nextHi = hpaHi): void {
    const { pending, operand } = this;
    const { operation, size } = pending;
    if (!this.memory.isInstalled(hpaLo, hpaHi)) this.events.busError(hpaLo, hpaHi, operation);
    this.performedLo = hpaLo;
    this.performedHi = hpaHi;
    if (operation !== OPERATION.store) {
      operand.read(hpaLo, hpaHi, nextLo, nextHi, size);
      this.valueLo = operand.lo;
      this.valueHi = operand.hi;
      if (operation !== OPERATION.readModifyWrite) return;
    }
    this.makeWritten();
    operand.write(hpaLo, hpaHi, nextLo, nextHi, size, operand.lo, operand.hi);
  }

  /** Does the pending memory operation where no memory or device answers: a load gives ones, a store goes nowhere. */
  completeWithoutDevice(): void {
    const { pending, operand } = this;
    this.performedLo = -1;
    this.performedHi = -1;
    this.valueLo = pending.size >= 4 ? -1 : (1 << (pending.size << 3)) - 1;
    this.valueHi = pending.size === 8 ? -1 : 0;
    operand.take(this.valueLo, this.valueHi);
    this.makeWritten();
  }

  /** Low half of register `number` as the guest finds it, without reading it: read shadows in place of what is loaded. */
  visibleLo(number: number): number {
    return this.file.visibleLo(number);
  }

  /** MOV to a register (WRMSR for EFER, WRPKRU for PKRU); `number`: a `REGISTER`. */
  writeRegister(number: number, lo: number, hi: number): number {
    const next = this.instructions.write(number, lo, hi);
    return next === ENDLESS ? this.giveUp('the write to a register exits again and again') : this.statusOf(next);
  }

  /** Reads a register into `valueLo`, `valueHi`. */
  readRegister(number: number): number {
    const next = this.instructions.read(number);
    return next === ENDLESS ? this.giveUp('the read of a register exits again and again') : this.statusOf(next);
  }

  /** INVLPG of a linear address; of one that is not canonical it invalidates nothing. */
  invlpg(lo: number, hi: number): number {
    const { pending } = this;
    pending.operation = OPERATION.invlpg;
    pending.gvaLo = lo;
    pending.gvaHi = hi;
    if (this.level !== 0) return this.statusOf(this.interruption.raise(VECTOR.generalProtection, 0, 0, 0));
    this.events.invlpg(lo, hi);
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      if (this.registers[2 * REGISTER.nonRoot] === 0 || (this.vmcs[VMCS.primary_controls]! & PRIMARY.invlpgExiting) === 0) {
        this.tlb.invalidatePage(lo, hi);
        this.countFlush(ACTOR.guest, FLUSH.invlpg, lo, hi);
        return STATUS.done;
      }
      const next = this.interruption.exit(EXIT_REASON.invlpg, lo, hi);
      if (next !== RESUME.retry) return this.statusOf(next);
    }
    return this.giveUp('INVLPG exits again and again');
  }

  /** Enters or leaves user mode: the CPL, 0 to 3. */
  setLevel(cpl: number): void {
    this.registers[2 * REGISTER.cpl] = cpl;
  }

  /** STAC and CLAC; #UD outside CPL 0. */
  setAlignmentCheck(how: 'set' | 'clear'): number {
    this.pending.operation = OPERATION.alignmentCheck;
    if (this.level !== 0) return this.statusOf(this.interruption.raise(VECTOR.invalidOpcode, 0, 0, 0));
    const at = 2 * REGISTER.rflags;
    const rflags = this.registers[at]!;
    this.registers[at] = how === 'set' ? rflags | RFLAGS.AC : rflags & ~RFLAGS.AC;
    this.reload();
    return STATUS.done;
  }

  /** VMLAUNCH: guest state is loaded from the VMCS, and the processor runs in non-root operation from here on. */
  enterVirtualization(): void {
    this.registers[2 * REGISTER.nonRoot] = 1;
    this.interruption.enter();
  }

  /** INVEPT, single context, by root mode. */
  invept(eptpLo: number, eptpHi: number): void {
    this.tlb.invalidateEptRoot(eptpLo & ~PAGE_MASK, eptpHi);
    this.countFlush(ACTOR.vmm, FLUSH.invept, 0, 0);
  }

  /** INVVPID, single context, by root mode: the VPID in force. */
  invvpid(): void {
    this.tlb.invalidateVpid(this.spaces.vpid);
    this.countFlush(ACTOR.vmm, FLUSH.invvpid, 0, 0);
  }

  /** INVVPID, individual address, by root mode: one linear address of the VPID in force. */
  invvpidAddress(lo: number, hi: number): void {
    this.tlb.invalidateVpidAddress(this.spaces.vpid, lo, hi);
    this.countFlush(ACTOR.vmm, FLUSH.invvpidAddress, lo, hi);
  }

  /** Walks the current tables without effects, past the TLB: a `WALK` outcome, the rest in `inspection.result`. */
  walkWithoutEffects(lo: number, hi: number, access: number): number {
    const { inspection } = this;
    if (isCanonical(inspection.compiled, hi)) return walk(inspection, lo, hi, access, EFFECTS.none);
    inspection.result.outcome = WALK.nonCanonical;
    return WALK.nonCanonical;
  }

  /** Recomputes what is derived from registers and VMCS: after a checkpoint was restored, or either was edited. */
  reload(): void {
    this.spaces.refresh();
  }

  /**
   * Loads the PDPTE registers from the table that CR3 names in host-physical memory, as a MOV to CR3 did before the
   * machine was put together. Illegal ones, which a MOV would not have loaded, are a broken invariant.
   */
  loadPdptes(): void {
    const outcome = this.pdptes.load(this.registers[2 * REGISTER.cr3]!, undefined);
    if (outcome !== PDPTES.loaded) throw new Error('invariant: a PDPTE in memory at CR3 has a reserved bit set');
  }

  private access(
    operation: number, lo: number, hi: number, size: number, operandLo: number, operandHi: number, rmw: number,
  ): number {
    const { pending } = this;
    pending.operation = operation;
    pending.gvaLo = lo;
    pending.gvaHi = hi;
    pending.size = size;
    pending.operandLo = operandLo;
    pending.operandHi = operandHi;
    pending.rmw = rmw;
    const kind = operation === OPERATION.load ? ACCESS.read : operation === OPERATION.fetch ? ACCESS.fetch : ACCESS.write;
    this.events.access(pending, this.level === 3 ? kind | ACCESS.user : kind);
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      // VM entry may have changed the CPL.
      const next = this.attempt(lo, hi, size, this.level === 3 ? kind | ACCESS.user : kind);
      if (next === RESUME.completed) return this.complete();
      if (next !== RESUME.retry) return this.statusOf(next);
    }
    return this.giveUp('the access exits again and again and nothing comes of it');
  }

  /** Both pages are translated before anything is read or written. */
  private attempt(lo: number, hi: number, size: number, access: number): number {
    const { translator } = this;
    const first = this.translate(lo, hi, access);
    if (first !== TRANSLATED) return first;
    const hpaLo = translator.hpaLo;
    const hpaHi = translator.hpaHi;
    const inFirst = PAGE_BYTES - (lo & PAGE_MASK);
    if (size <= inFirst) {
      this.observe(lo, hi, hpaLo, hpaHi, size);
      this.perform(hpaLo, hpaHi);
      return RESUME.completed;
    }
    const nextLo = (lo & ~PAGE_MASK) + PAGE_BYTES | 0;
    // SDM Vol. 3, "Limit Checking": at 4 GBytes it is up to the processor; this one goes on at 0.
    const nextHi = nextLo === 0 && this.space.compiled.canonicalSign !== 0 ? hi + 1 | 0 : hi;
    const second = this.translate(nextLo, nextHi, access);
    if (second !== TRANSLATED) return second;
    this.observe(lo, hi, hpaLo, hpaHi, inFirst);
    this.observe(nextLo, nextHi, translator.hpaLo, translator.hpaHi, size - inFirst);
    this.perform(hpaLo, hpaHi, translator.hpaLo, translator.hpaHi);
    return RESUME.completed;
  }

  /** TRANSLATED, or what the fault or exit led to: RESUME.completed when root mode has done the whole operation. */
  private translate(lo: number, hi: number, access: number): number {
    const { translator } = this;
    const space = this.spaces.linear;
    if (!isCanonical(space.compiled, hi)) return this.interruption.raise(VECTOR.generalProtection, 0, lo, hi);
    const outcome = translator.translate(lo, hi, access);
    if (outcome === WALK.mapped) return TRANSLATED;
    this.tlb.invalidatePage(lo, hi);
    if (outcome === WALK.pageFault) {
      this.events.pageFault(lo, hi, VECTOR.pageFault, translator.errorCode, translator.level);
      return this.interruption.raise(VECTOR.pageFault, translator.errorCode, lo, hi);
    }
    const { vmcs } = this;
    if (outcome === WALK.nestedPageFault) {
      const { qualification, qualificationHi, gpaLo, gpaHi } = space.result;
      return this.interruption.exitNestedPageFault(qualification, qualificationHi, gpaLo, gpaHi);
    }
    vmcs[VMCS.guest_physical_address] = space.result.gpaLo;
    vmcs[VMCS.guest_physical_address + 1] = space.result.gpaHi;
    if (outcome === WALK.eptMisconfiguration) return this.interruption.exit(EXIT_REASON.ept_misconfiguration, 0, 0);
    vmcs[VMCS.guest_linear_address] = lo;
    vmcs[VMCS.guest_linear_address + 1] = hi;
    return this.interruption.exit(EXIT_REASON.ept_violation, space.result.qualification, 0);
  }

  /** Leaves in `operand` what is written: the value to store, or what a read-modify-write makes of what was found. */
  private makeWritten(): void {
    const { pending, operand } = this;
    if (pending.operation === OPERATION.readModifyWrite) operand.modify(pending.rmw, pending.operandLo, pending.operandHi);
    else operand.take(pending.operandLo, pending.operandHi);
  }

  private observe(lo: number, hi: number, hpaLo: number, hpaHi: number, size: number): void {
    if (this.bus.on[KIND.page_table_write] === 0 || this.storeObserver === undefined) return;
    const { operation } = this.pending;
    if (operation !== OPERATION.store && operation !== OPERATION.readModifyWrite) return;
    this.storeObserver.beforeStore(lo, hi, hpaLo, hpaHi, size);
  }

  private complete(): number {
    const { pending, operand } = this;
    this.counters[COUNTER.accesses]!++;
    const writes = pending.operation === OPERATION.store || pending.operation === OPERATION.readModifyWrite;
    this.events.accessDone(
      pending, this.performedLo, this.performedHi,
      writes ? operand.lo : this.valueLo, writes ? operand.hi : this.valueHi, this.valueLo, this.valueHi,
    );
    return STATUS.done;
  }

  /** What a MOV invalidates: everything by the VPID it ran under, a PCID's lines by the PCID that it made current. */
  private flush(what: WriteFlush, when: 'before reload' | 'after reload'): void {
    if (when === 'before reload' && what.kind === 'all') this.tlb.invalidateVpid(this.spaces.vpid);
    if (when === 'before reload' || what.kind === 'none') return;
    if (what.kind === 'pcid') this.tlb.invalidatePcid(this.spaces.pcid);
    this.countFlush(ACTOR.guest, what.cause, 0, 0);
  }

  private countFlush(actor: number, cause: number, lo: number, hi: number): void {
    this.counters[COUNTER['tlb.flushes']]!++;
    this.events.tlbFlush(actor, cause, lo, hi);
  }

  private statusOf(next: number): number {
    if (next === EXCEPTION) return STATUS.exception;
    if (next !== RESUME.stopped) return STATUS.done;
    this.stopReason = '';
    return STATUS.stopped;
  }

  private giveUp(reason: string): number {
    this.stopReason = reason;
    return STATUS.stopped;
  }
}
