import { OPERATION } from '../paging/accessKinds';
import { CR0, RFLAGS } from './controlRegisters';
import { COUNTERS } from '../state/counters';
import type { EventBus } from '../events/eventBus';
import { EptExits } from '../vmx/eptExits';
import { EventUnit } from '../delivery/eventUnit';
import type { Interconnect } from '../apic/interconnect';
import type { LocalApic } from '../apic/localApic';
import { InstructionEnd } from './instructionEnd';
import { Interruption } from './interruption';
import { IoPermission } from './ioPermission';
import { ModelSpecificRegisters } from './modelSpecificRegisters';
import { Ports } from './ports';
import { RootState } from '../vmx/rootState';
import { CurrentVmcs, type VmcsAccess } from '../vmx/vmcsAccess';
import { VmcsInstructions } from '../vmx/vmcsInstructions';
import { SystemAccess } from '../delivery/systemAccess';
import { SystemInstructions } from './systemInstructions';
import { SegmentRegisters } from '../segments/segmentRegisters';
import { SensitiveInstructions } from '../segments/sensitiveInstructions';
import { InvalidationInstructions } from './invalidationInstructions';
import { InvpcidInstruction } from './invpcidInstruction';
import { Invalidations } from '../caches/invalidations';
import { LinearTranslation } from './linearTranslation';
import { MemoryInstructions } from './memoryInstructions';
import { PDPTES, PdpteRegisters } from '../paging/pdpteRegisters';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { ProcessorEvents } from '../events/processorEvents';
import { featuresWith, type ProcessorFeatures } from './processorFeatures';
import { ProcessorSpaces } from './processorSpaces';
import { isCanonical } from '../paging/compiledFormat';
import { RMW } from '../memory/readModifyWrite';
import { RegisterFile } from './registerFile';
import { RegisterInstructions } from './registerInstructions';
import { REGISTER, REGISTER_WORDS } from './registers';
import type { StateClaims } from '../state/registry';
import { PendingOperation, type ProcessorSettings, type RootMode, STATUS, type StoreObserver } from './rootMode';
import { RootModeAccess } from './rootModeAccess';
import type { Tlb } from '../caches/tlb';
import { TranslationCaches } from '../caches/translationCaches';
import { cacheSettings } from '../caches/cacheSettings';
import type { TranslationSpace } from '../paging/translationSpace';
import { Translator } from '../caches/translator';
import { GuestView } from './guestView';
import { GuestVmxInstructions } from '../vmx/guestVmxInstructions';
import { SvmInstructions } from '../svm/svmInstructions';
import { claimVmcb } from '../svm/vmcb';
import { VmxInvalidations } from '../vmx/vmxInvalidations';
import { claimVmcs } from '../vmx/vmcs';
import { VmFunctions } from '../vmx/vmfunc';
import { walk } from '../paging/walk';
import { EFFECTS, WALK } from '../paging/walkOutcome';

export { RESUME, STATUS, type ProcessorSettings, type RootMode, type StoreObserver } from './rootMode';

/**
 * One logical processor: registers, TLB, VMCS, and the instructions that touch memory or translation. An instruction
 * comes back with a `STATUS`. VM exits call `root` and, when the guest is entered again, go on from there. All state
 * is in the registry; what is derived from it (`reload`) or meaningful only within an instruction is in fields.
 */
export class Processor {
  readonly features: ProcessorFeatures;
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  /** Segment registers, GDTR and IDTR. */
  readonly segments: SegmentRegisters;
  readonly msrs: ModelSpecificRegisters;
  /** What VM exits load from the host-state area. */
  readonly rootState: RootState;
  /** VMREAD, VMWRITE, VMCLEAR and VMPTRLD, by root mode. */
  readonly vmcsInstructions: VmcsInstructions;
  /** The guest's VMCS as its hypervisor reaches it: this processor's, unless that hypervisor is a guest too. */
  hypervisor: VmcsAccess;
  /** I/O ports: devices may be attached. */
  readonly ports = new Ports();
  /** By `COUNTER`; exits by reason from EXIT_COUNTERS_AT on. */
  readonly counters: Float64Array;
  /** Everything that it caches of translations; `tlb`, its first level. */
  readonly caches: TranslationCaches;
  readonly tlb: Tlb;
  /** The translation in force, with the result of the last walk that the processor made. */
  readonly space: TranslationSpace;
  /** The same translation for questions: its result is that of the last `walkWithoutEffects`. */
  readonly inspection: TranslationSpace;
  /** The operation under way, for an emulator in root mode. */
  readonly pending = new PendingOperation();
  /** Privilege and mode as the guest has them. */
  readonly guest: GuestView;
  /** INVEPT and INVVPID of every type, by root mode. */
  readonly vmxInvalidations: VmxInvalidations;
  private readonly spaces: ProcessorSpaces;
  private readonly end = new InstructionEnd();
  private readonly file: RegisterFile;
  private readonly interruption: Interruption;
  private readonly invalidations: Invalidations;
  private readonly pdptes: PdpteRegisters;
  private readonly onMemory: MemoryInstructions;
  private readonly onRegisters: RegisterInstructions;
  private readonly system: SystemInstructions;
  private readonly eventUnit: EventUnit;
  private readonly invalidating: InvalidationInstructions;
  private readonly byDescriptor: InvpcidInstruction;
  /** SVM instructions of the guest's, and VMX instructions of a hypervisor's that is the guest. */
  readonly svm: SvmInstructions;
  readonly vmx: GuestVmxInstructions;
  /** SGDT, SIDT, SLDT, STR and SMSW. */
  readonly sensitive: SensitiveInstructions;
  private readonly functions: VmFunctions;

  constructor(
    registry: StateClaims, memory: PhysicalMemory, bus: EventBus, readonly cpu: number,
    readonly settings: ProcessorSettings,
  ) {
    this.registers = registry.block(`cpu${cpu}.registers`, REGISTER_WORDS);
    this.vmcs = claimVmcs(registry, cpu);
    this.vmcsInstructions = new VmcsInstructions(this.vmcs, this.pending);
    this.hypervisor = new CurrentVmcs(this.vmcs, (lo, hi) => this.invept(lo, hi));
    this.vmcb = claimVmcb(registry, cpu);
    this.segments = new SegmentRegisters(registry, cpu);
    this.rootState = new RootState(registry, cpu);
    this.counters = registry.numbers(`cpu${cpu}.counters`, COUNTERS);
    this.caches = new TranslationCaches(registry, `cpu${cpu}.tlb`, cacheSettings(settings));
    this.tlb = this.caches.l1;
    this.registers[2 * REGISTER.rflags] = RFLAGS.fixed;
    this.registers[2 * REGISTER.cr0] = CR0.PE | CR0.ET | CR0.NE;
    const { registers, vmcs, vmcb, counters, caches, pending, end } = this;
    const { maxphyaddr, vendor } = settings;
    const features = featuresWith(settings.features);
    this.features = features;
    const events = new ProcessorEvents(bus, cpu);
    const pdptes = new PdpteRegisters(registers, memory, events, maxphyaddr);
    const spaces = new ProcessorSpaces({
      vendor, registers, pdptes: pdptes.words, vmcs, vmcb, caches, memory, bus, cpu, maxphyaddr, features, counters,
    });
    const reload = (): void => this.reload();
    const invalidations = new Invalidations(caches, spaces, counters, events);
    const interruption = new Interruption({
      cpu, vendor, registers, segments: this.segments, vmcs, vmcb, maxphyaddr, features, memory, pdptes, counters, spaces, events, reload,
      rootState: this.rootState,
      // A trap and the return from it are no transitions of VMX: they leave the TLB alone.
      flushAtTransition: (cause) => { if (this.interruption.privilege === undefined) invalidations.byTransition(cause); },
      flushByTlbControl: (control) => invalidations.byTlbControl(control),
    });
    const translator = new Translator({ memory, spaces, caches, counters, events, invalidations, rewalkOnPermissionFault: settings.rewalkOnPermissionFault });
    const file = new RegisterFile(registers, vmcs, { vendor, maxphyaddr, features });
    const eptExits = new EptExits(vmcs, { registers, memory, bus, cpu }, interruption);
    this.pdptes = pdptes;
    this.spaces = spaces;
    this.space = spaces.linear;
    this.inspection = spaces.inspection;
    this.file = file;
    this.interruption = interruption;
    this.invalidations = invalidations;
    const shared = { registers, vmcs, vmcb, counters, pending, memory, bus, spaces, events, interruption, invalidations, end };
    const translation = new LinearTranslation({ ...shared, translator, eptExits });
    this.onMemory = new MemoryInstructions({ ...shared, translation, translator });
    this.onRegisters = new RegisterInstructions({ ...shared, file, pdptes, eptExits, reload });
    const rootMode = new RootModeAccess({ ...shared, translation, onMemory: this.onMemory });
    const access = new SystemAccess({ translation, rootMode, memory, events, bus, observer: () => this.storeObserver });
    this.msrs = new ModelSpecificRegisters(registry, cpu, { vendor, features, segments: this.segments });
    const permission = new IoPermission({
      registers, segments: this.segments, access,
      // A TSS that is a hypervisor's permits nothing to the guest's CPL 3.
      taskState: () => (settings.delivery === 'memory' && interruption.privilege === undefined ? 'in memory' : 'none'),
      raise: (vector, errorCode) => interruption.raise(vector, errorCode, 0, 0),
    });
    this.system = new SystemInstructions({
      ...shared, cpu: this.apicId, vendor, maxphyaddr, features, msrs: this.msrs, ports: this.ports, permission, onRegisters: this.onRegisters,
    });
    this.eventUnit = new EventUnit(registry, {
      ...shared, cpu, apicId: this.apicId, vendor, segments: this.segments, access, msrs: this.msrs, onMemory: this.onMemory, reload,
    }, settings.delivery);
    this.invalidating = new InvalidationInstructions(shared);
    this.byDescriptor = new InvpcidInstruction({ ...shared, vendor, features, translation, rootMode });
    this.vmxInvalidations = new VmxInvalidations({ ...shared, maxphyaddr, features });
    this.svm = new SvmInstructions({ ...shared, vendor });
    this.vmx = new GuestVmxInstructions({ ...shared, segments: this.segments });
    this.sensitive = new SensitiveInstructions({ ...shared, file, segments: this.segments });
    this.guest = new GuestView({ ...shared, segments: this.segments, file, pdptes, reload });
    this.functions = new VmFunctions({ ...shared, cpu, maxphyaddr, features, reload });
    this.reload();
  }

  /** The hypervisor; undefined when there is none. */
  get root(): RootMode | undefined { return this.interruption.root; }
  set root(root: RootMode | undefined) { this.interruption.root = root; }
  /** The exception, when the status is one. */
  get vector(): number { return this.interruption.vector; }
  get errorCode(): number { return this.interruption.errorCode; }
  /** Current privilege level as the guest has it: 0 in real-address mode, though virtual-8086 mode stand in for it. */
  get level(): number { return this.guest.level; }
  get isRealMode(): boolean { return this.guest.isRealMode; }
  get cr2Lo(): number { return this.registers[2 * REGISTER.cr2]!; }
  get cr2Hi(): number { return this.registers[2 * REGISTER.cr2 + 1]!; }

  /** Result of a load or of reading a register; what a read-modify-write found. Root mode may set it for an operation it completes. */
  get valueLo(): number { return this.pending.valueLo; }
  set valueLo(lo: number) { this.pending.valueLo = lo; }
  get valueHi(): number { return this.pending.valueHi; }
  set valueHi(hi: number) { this.pending.valueHi = hi; }
  /** Host-physical address of the first byte of the operation performed last. */
  get performedLo(): number { return this.onMemory.performedLo; }
  get performedHi(): number { return this.onMemory.performedHi; }
  get storeObserver(): StoreObserver | undefined { return this.onMemory.storeObserver; }
  set storeObserver(observer: StoreObserver | undefined) { this.onMemory.storeObserver = observer; }
  /** Why the status is stopped, as a sentence; empty when root mode has the reason. */
  get stopReason(): string { return this.end.stopReason === '' ? this.interruption.entryFailure : this.end.stopReason; }

  /** Loads `size` bytes at a linear address into `valueLo`, `valueHi`. */
  load(lo: number, hi: number, size: number): number { return this.onMemory.load(lo, hi, size); }

  store(lo: number, hi: number, size: number, valueLo: number, valueHi: number): number {
    return this.onMemory.store(lo, hi, size, valueLo, valueHi);
  }

  /** One read-modify-write (`rmw`: an `RMW`), a write access; the old value is left in `valueLo`, `valueHi`. */
  readModifyWrite(lo: number, hi: number, size: number, rmw: number, operandLo: number, operandHi: number): number {
    return this.onMemory.access(OPERATION.readModifyWrite, lo, hi, size, operandLo, operandHi, rmw);
  }

  /**
   * CMPXCHG and CMPXCHG8B: the operand takes the new value where it has the expected one, and is written back else. The old
   * value is left in `valueLo`, `valueHi`.
   */
  compareExchange(
    lo: number, hi: number, size: number, expectedLo: number, expectedHi: number, newLo: number, newHi: number,
  ): number {
    this.pending.expectedLo = expectedLo;
    this.pending.expectedHi = expectedHi;
    return this.onMemory.access(OPERATION.readModifyWrite, lo, hi, size, newLo, newHi, RMW.compareExchange);
  }

  /** Fetches the byte at a linear address as an instruction. */
  fetch(lo: number, hi: number): number {
    return this.onMemory.access(OPERATION.fetch, lo, hi, 1, 0, 0, 0);
  }

  /**
   * Does the pending memory operation at a host-physical address; bytes past the end of its page lie in the page at
   * (nextLo, nextHi), by default the one that follows. The processor's own last step, and an emulator's. `readOnly`: pages
   * of the operand (`OPERAND_PAGE`) that are read as ever, and take no write.
   */
  perform(hpaLo: number, hpaHi: number, nextLo?: number, nextHi?: number, readOnly?: number): void {
    this.onMemory.perform(hpaLo, hpaHi, nextLo, nextHi, readOnly);
  }

  /** Does the pending memory operation where no memory or device answers: a load gives ones, a store goes nowhere. */
  completeWithoutDevice(): void { this.onMemory.completeWithoutDevice(); }

  /** Low half of register `number` as the guest finds it, without reading it: read shadows in place of what is loaded. */
  visibleLo(number: number): number { return this.guest.visibleLo(number); }

  /** Name of the rule by which a write of a value to register `number` would be #GP(0) now; undefined when there is none. */
  brokenRule(number: number, lo: number, hi: number): string | undefined {
    return this.file.brokenRule(number, lo, hi, (register) => this.guest.visibleLo(register));
  }

  /** MOV to a register (WRMSR for EFER, WRPKRU for PKRU); `number`: a `REGISTER`. */
  writeRegister(number: number, lo: number, hi: number): number {
    return this.onRegisters.write(number, lo, hi);
  }

  /** Reads a register into `valueLo`, `valueHi`. */
  readRegister(number: number): number {
    return this.onRegisters.read(number);
  }

  /** INVLPG of a linear address; of one that is not canonical it invalidates nothing. */
  invlpg(lo: number, hi: number): number { return this.invalidating.invlpg(lo, hi); }

  /** VMFUNC, with EAX and ECX as the registers have them. */
  vmfunc(): number { return this.functions.vmfunc(); }

  /** INVPCID; (lo, hi): linear address of its descriptor. */
  invpcid(type: number, lo: number, hi: number): number { return this.byDescriptor.invpcid(type, lo, hi); }

  /** INVPCID whose descriptor is given: its bits 63:0, and the linear address in it. */
  invpcidOf(type: number, pcidLo: number, pcidHi: number, lo: number, hi: number): number {
    return this.byDescriptor.invpcidOf(type, pcidLo, pcidHi, lo, hi);
  }

  /** CPUID of EAX and ECX, into EAX, EBX, ECX and EDX. */
  cpuid(): number { return this.system.cpuid(); }
  /** HLT; the processor then is in activity state HLT. */
  hlt(): number { return this.system.hlt(); }
  /** VMCALL, on AMD VMMCALL. */
  vmcall(): number { return this.system.vmcall(); }
  /** IN of 1, 2 or 4 bytes from the port in DX. */
  input(size: number): number { return this.system.input(size); }
  /** OUT of 1, 2 or 4 bytes to the port in DX. */
  output(size: number): number { return this.system.output(size); }
  /** RDMSR of the MSR in ECX to EDX:EAX. */
  rdmsr(): number { return this.system.rdmsr(); }
  /** WRMSR of EDX:EAX to the MSR in ECX. */
  wrmsr(): number { return this.system.wrmsr(); }

  /** INT n. */
  softwareInterrupt(vector: number): number { return this.eventUnit.instructions.softwareInterrupt(vector); }
  /** INT3. */
  breakpoint(): number { return this.eventUnit.instructions.breakpoint(); }
  /** An exception that an instruction comes to by itself: #DE, #UD, #DB …; `errorCode` where its vector has one. */
  raiseException(vector: number, errorCode: number): number { return this.eventUnit.instructions.exception(vector, errorCode); }
  /** A double fault whose delivery faults: a VM exit in a guest, else shutdown. */
  tripleFault(): number { return this.end.statusOf(this.interruption.tripleFault()); }
  /** IRET, with the operand size of the mode. */
  interruptReturn(): number { return this.eventUnit.instructions.interruptReturn(); }
  /** STI and CLI. */
  setInterruptFlag(how: 'set' | 'clear'): number { return this.eventUnit.instructions.setInterruptFlag(how); }
  /** What waits to be taken between two instructions: NMI, interrupts, and the exits that wait for a window. */
  deliverPending(): number { return this.eventUnit.pending.deliver(); }
  /** True when `deliverPending` would take something now: what wakes a processor that halts. */
  get hasPending(): boolean { return this.eventUnit.pending.hasWork; }

  /** MOV of a selector to a segment register; `segment`: a `SEGMENT`. */
  loadSegment(segment: number, selector: number): number { return this.eventUnit.onSegments.loadSegment(segment, selector); }

  /** As `load`, `store`, `readModifyWrite` and `fetch`, by `operation` (an `OPERATION`), at [segment:offset]. */
  accessThrough(
    segment: number, operation: number, offsetLo: number, offsetHi: number, size: number, operandLo = 0, operandHi = 0, rmw = 0,
  ): number {
    return this.eventUnit.onSegments.access(operation, segment, offsetLo, offsetHi, size, operandLo, operandHi, rmw);
  }

  /** Outside 64-bit mode: #GP(0), or #SS(0) of SS, unless an operand at [segment:offset] lies within the segment's limit. */
  checkLimit(segment: number, offsetLo: number, offsetHi: number, size: number): number {
    return this.eventUnit.onSegments.checkLimit(segment, offsetLo, offsetHi, size);
  }

  /** By which the guest and its IPIs know the processor. */
  get apicId(): number { return this.settings.apicId ?? this.cpu; }
  get apic(): LocalApic { return this.eventUnit.apic; }

  /** Joins the processors of a machine, between which IPIs go. */
  connect(interconnect: Interconnect): void { this.eventUnit.connect(interconnect); }

  /** Root mode has delivered an event of this interruption information by software: as it answers `RESUME.delivered`. */
  noteDelivered(information: number, errorCode: number): void { this.interruption.noteDelivered(information, errorCode); }

  /** Enters or leaves user mode: the CPL, 0 to 3. Real-address mode, and virtual-8086 mode in its place, have one. */
  setLevel(cpl: number): void { this.guest.setLevel(cpl); }

  /** STAC and CLAC; #UD outside CPL 0. */
  setAlignmentCheck(how: 'set' | 'clear'): number {
    return this.onRegisters.setAlignmentCheck(how);
  }

  /**
   * VMLAUNCH of the VMCS, or VMRUN: from here on the processor runs the guest, in non-root operation. A `STATUS`: stopped,
   * with the reason, when a check fails. VM entries behind exits are VMRESUME.
   */
  launch(): number { return this.end.statusOf(this.interruption.begin('launch')); }

  /** VMRESUME by root mode, of a guest that it has left for another. A `STATUS`. */
  resume(): number { return this.end.statusOf(this.interruption.enter()); }

  /**
   * The same for a guest that a loader puts in the middle of things: of the VMCS it has filled in the guest's control
   * registers and what controls it wants, the rest of the guest is as the processor has it, and no VM entry is checked.
   */
  enterVirtualization(): number { return this.end.statusOf(this.interruption.begin('load')); }

  /** INVEPT, single context, by root mode. */
  invept(eptpLo: number, eptpHi: number): void { this.invalidations.invept(eptpLo, eptpHi); }

  /** INVVPID, single context, by root mode: the VPID in force. */
  invvpid(): void { this.invalidations.invvpid(); }

  /** INVVPID, single context retaining globals, by root mode: the VPID in force. */
  invvpidRetainingGlobals(): void { this.invalidations.invvpidRetainingGlobals(); }

  /** INVVPID, individual address, by root mode: one linear address of the VPID in force. */
  invvpidAddress(lo: number, hi: number): void { this.invalidations.invvpidAddress(lo, hi); }

  /** INVLPGA by the host: one linear address of an ASID. */
  invlpga(lo: number, hi: number, asid: number): void { this.invalidations.invlpga(asid, lo, hi); }

  /** Walks the current tables without effects, past the TLB: a `WALK` outcome, the rest in `inspection.result`. */
  walkWithoutEffects(lo: number, hi: number, access: number): number {
    const { inspection } = this;
    if (isCanonical(inspection.compiled, hi)) return walk(inspection, lo, hi, access, EFFECTS.none);
    inspection.result.outcome = WALK.nonCanonical;
    return WALK.nonCanonical;
  }

  /** Recomputes what is derived from registers and VMCS: after a checkpoint was restored, or either was edited. */
  reload(): void { this.spaces.refresh(); }

  /**
   * Loads the PDPTE registers from the table that CR3 names in host-physical memory, as a MOV to CR3 did before the
   * machine was put together. A `STATUS`: stopped, with the reason, when one is illegal, which a MOV would not have loaded.
   */
  loadPdptes(): number {
    const outcome = this.pdptes.load(this.registers[2 * REGISTER.cr3]!, undefined);
    if (outcome === PDPTES.loaded) return STATUS.done;
    return this.end.giveUp('a PDPTE in memory at CR3 has a reserved bit set (SDM Vol. 3, "PDPTE Registers")');
  }
}
