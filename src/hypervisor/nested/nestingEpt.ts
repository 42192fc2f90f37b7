import type { Processor } from '../../hardware/processor/processor';
import type { RootMode } from '../../hardware/processor/rootMode';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { VMCS, type VmcsFieldName, vmcsFields } from '../../hardware/vmx/vmcs';
import { Ept } from '../ept/ept';
import { USE } from '../host/hostFrames';
import { ListingRunner } from '../listing';
import { PerCpu } from '../perCpu';
import { ShadowPages } from '../shadowWp/shadowPages';
import type { PageTrack, TableRoot, Technique } from '../technique';
import type { VirtualMachine } from '../virtualMachine';
import type { OperandPart, WriteTracking } from '../writeTracking';
import { emulateNestedAccess, walkOperandOfL2 } from './emulateNestedAccess';
import { Ept02 } from './ept02';
import { fetch02 } from './fetch02';
import { flushShadowMemslot02 } from './flushShadowMemslot02';
import { getShadowPage02 } from './getShadowPage02';
import { handleNestedExit, isVmxInstruction } from './handleExit';
import { handleInvept, handleInvvpid } from './handleInvalidations';
import { handleNestedEptViolation } from './handleNestedEptViolation';
import { handleVmread, handleVmwrite } from './handleVmcsFields';
import { handleVmclear, handleVmptrld } from './handleVmcsRegion';
import { loadRoot02, makePagesAvailable02 } from './loadRoot02';
import { NestedMmu, type ProcessorModes } from './nestedMmu';
import { NestedSlots } from './nestedSlots';
import { reportTrappedWrite } from './nestedReports';
import { NestedState } from './nestedState';
import { trackWrite02, unprotectPage } from './trackWrite02';
import { unmapGfnRange02 } from './unmapGfnRange02';
import { nestedExternalInterrupt, nestedVmexit } from './vmexit';
import { nestedVmxRun } from './vmxRun';
import { GuestHypervisorMemory } from './guestHypervisorMemory';
import { Vmcs12 } from './vmcs12';

const LISTING = 'nested.vmm';
/** Words of a VMCS as a processor has it: the fields, and the launch state. */
const VMCS_WORDS = 2 * vmcsFields.length + 1;
/** Host frames of the MSR bitmaps that L2 runs with, one a CPU: memory of the host's kernel, behind the bitmaps of all VMs. */
const FIRST_BITMAP_FRAME = 0x20;
const MOST_BITMAPS = 0xe0;

export interface NestingSettings {
  /** How many shadow pages of EPT02 there may be at once. */
  readonly shadowPages: number;
  /** L1's guest frame with the VMXON region. */
  readonly vmxonFrame: number;
  /** The processors as L2 has them, when they are told apart from those that L1 has. */
  readonly l2?: readonly Processor[];
}

/** Of one CPU, in words as a processor has them. */
export interface NestedVmcss {
  readonly vmcs01: Int32Array;
  /** `gfn`: L1's frame that it lies in. */
  readonly vmcs12?: { readonly gfn: number; readonly words: Int32Array };
  readonly vmcs02?: Int32Array;
}

/**
 * EPT for a guest that is a hypervisor itself (L1): beside what `Ept` does, L0 does VMX for it. L1's VMCS lies in L1's
 * memory; L2 runs by a VMCS and an EPT of L0's that are made of L1's.
 */
export class NestingEpt implements Technique, RootMode, WriteTracking {
  readonly name = 'ept';
  readonly root = this;
  readonly listings: readonly ListingRunner<never>[];
  /** What has nothing to do with nesting. */
  readonly ept: Ept;
  readonly ept02: Ept02;
  /** What L0 knows of L1's VMX, by CPU. */
  readonly states: PerCpu<NestedState>;
  private readonly mmus: PerCpu<NestedMmu>;
  private readonly runner: ListingRunner<NestedMmu>;
  private readonly looked: Vmcs12;

  constructor(readonly vm: VirtualMachine, { shadowPages, vmxonFrame, l2 = vm.processors }: NestingSettings) {
    const { host, processors } = vm;
    const modes = processors.map((l1, index): ProcessorModes => ({ l1, l2: l2[index] ?? l1 }));
    // The log of a processor that runs L2 would hold L2's guest-physical addresses: writes fault instead, as with KVM.
    this.ept = new Ept(vm, { dirtyLog: 'wp', unrestrictedGuest: 'on', violationExceptions: 'off' }, this);
    vm.slotKeeper.listener = new NestedSlots(
      this.ept.slots, (gfn, pages, actor) => this.flushShadowMemslot(gfn, pages, actor), (gfn, pages, actor) => this.unmap02(gfn, pages, actor),
    );
    this.ept02 = new Ept02(new ShadowPages(vm.registry, shadowPages, vm.memory.frames), vm.frames, vm.writer, host.bus);
    this.states = new PerCpu(processors, ({ cpu }) => new NestedState(host.registry, cpu, VMCS_WORDS));
    const parts = { vm, ept02: this.ept02, outer: this.ept, vmxonFrame, modes, states: this.states, tracking: this };
    this.mmus = new PerCpu(processors, ({ cpu }) => {
      const index = cpu - processors[0]!.cpu;
      return new NestedMmu(cpu, modes[index]!, this.states.of(cpu), parts, FIRST_BITMAP_FRAME + (cpu % MOST_BITMAPS));
    });
    this.runner = new ListingRunner(LISTING, 'vmm', host.listingNumber(LISTING), [
      handleNestedExit, handleVmclear, handleVmptrld, handleVmread, handleVmwrite, handleInvept, handleInvvpid, nestedVmxRun, nestedVmexit,
      nestedExternalInterrupt, handleNestedEptViolation, emulateNestedAccess, walkOperandOfL2, makePagesAvailable02, loadRoot02, fetch02, getShadowPage02,
      trackWrite02, unprotectPage, unmapGfnRange02, flushShadowMemslot02,
    ], host.bus, host.depth);
    for (const mmu of this.mmus) mmu.runner = this.runner;
    this.looked = new Vmcs12(new GuestHypervisorMemory(host.memory, vm.memory, processors[0]!.cpu));
    this.listings = [this.runner, ...this.ept.listings];
  }

  handleExit(cpu: number): number {
    const mmu = this.mmus.of(cpu);
    const isOurs = mmu.state.guestMode === 1 || isVmxInstruction(mmu.vmcs(VMCS.exit_reason));
    return isOurs ? this.runner.run(handleNestedExit, mmu, cpu) : this.ept.handleExit(cpu);
  }

  get guestMemory(): Technique['guestMemory'] {
    return this.ept.guestMemory;
  }

  get dirtyLogging(): Technique['dirtyLogging'] {
    return this.vm.slotKeeper;
  }

  prepare(cpu: number): void {
    this.ept.prepare(cpu);
  }

  unmapGfnRange(gfn: number, pages: number, actor: number): void {
    this.ept.unmapGfnRange(gfn, pages, actor);
    this.unmap02(gfn, pages, actor);
  }

  private flushShadowMemslot(gfn: number, pages: number, actor: number): void {
    this.unmapGfnRange(gfn, pages, actor);
    this.runner.call(flushShadowMemslot02, this.mmus.ofActor(actor), actor, [gfn, 0, pages, 0]);
  }

  private unmap02(gfn: number, pages: number, actor: number): void {
    this.runner.call(unmapGfnRange02, this.mmus.ofActor(actor), actor, [gfn, 0, pages, 0]);
  }

  guestCr3Lo(cpu: number): number {
    return this.isInL2(cpu) ? this.states.of(cpu).vmcs01[VMCS.guest_cr3]! : this.ept.guestCr3Lo(cpu);
  }

  guestCr3Hi(cpu: number): number {
    return this.isInL2(cpu) ? this.states.of(cpu).vmcs01[VMCS.guest_cr3 + 1]! : this.ept.guestCr3Hi(cpu);
  }

  /** L1's; while the processor runs L2 its registers are in vmcs01. */
  guestTables(cpu: number): TranslationSpace {
    if (!this.isInL2(cpu)) return this.ept.guestTables(cpu);
    const { vmcs01 } = this.states.of(cpu);
    const space = this.vm.guestTables.of(cpu);
    const low = (name: VmcsFieldName): number => vmcs01[VMCS[name]]!;
    space.usePaging({
      cr0: low('guest_cr0'), cr4: low('guest_cr4'), efer: low('guest_ia32_efer'), rflags: low('guest_rflags'), pkru: 0,
      pkrs: low('guest_ia32_pkrs'),
    });
    space.useRoot(low('guest_cr3'), vmcs01[VMCS.guest_cr3 + 1]!);
    return space;
  }

  roots(cpu: number): readonly TableRoot[] {
    const frame = this.rootOf02(cpu);
    if (frame === undefined) return this.ept.roots();
    return [...this.ept.roots(), { space: 'ept', frame, label: 'EPT02, of the nested guest' }];
  }

  /** Host frame of the root of EPT02 that CPU `cpu` has had last; undefined: it has none. */
  rootOf02(cpu: number): number | undefined {
    const { rootPage } = this.states.ofActor(cpu);
    return rootPage === 0 ? undefined : this.ept02.pages.frameOf(rootPage);
  }

  tablePages(kind: 'shadow' | 'ept' | 'host'): number {
    return kind === 'shadow' ? this.vm.frames.count(USE.shadowTable) : this.ept.tablePages(kind);
  }

  hasTripleFaulted(cpu: number): boolean {
    return this.ept.hasTripleFaulted(cpu);
  }

  stopReason(): string {
    return this.ept.stopReason();
  }

  guestEfer(cpu: number): number {
    return this.isInL2(cpu) ? this.states.of(cpu).vmcs01[VMCS.guest_ia32_efer]! : this.ept.guestEfer(cpu);
  }

  registersAside(cpu: number): Int32Array | undefined {
    return this.isInL2(cpu) ? this.states.of(cpu).vmcs01 : undefined;
  }

  /** Half of a field of L1's current VMCS on CPU `cpu`, looked up without a trace; 0 when there is none. */
  field12(cpu: number, at: number): number {
    const { current } = this.states.of(cpu);
    if (current < 0) return 0;
    this.looked.use(current);
    return this.looked.at(at);
  }

  /** The VMCSs of CPU `cpu`, looked at without a trace: L0's for L1, L1's current one, and L0's for L2 while it runs. */
  structures(cpu: number): NestedVmcss {
    const { state: { current, guestMode, vmcs01 }, modes: { l1, l2 } } = this.mmus.of(cpu);
    if (current >= 0) {
      this.looked.use(current);
      this.looked.read();
    }
    return {
      vmcs01: guestMode === 1 ? vmcs01 : l1.vmcs,
      ...(current < 0 ? {} : { vmcs12: { gfn: current, words: this.looked.words.slice() } }),
      ...(guestMode === 1 ? { vmcs02: l2.vmcs } : {}),
    };
  }

  /** The processor runs L2, and not L1. */
  isInL2(cpu: number): boolean {
    return this.states.of(cpu).guestMode === 1;
  }

  isTracked(gfn: number): boolean {
    return this.ept02.isShadowed(gfn);
  }

  writes(cpu: number, part: OperandPart): void {
    reportTrappedWrite(this.mmus.of(cpu), part);
  }

  written(cpu: number, { gpaLo, gpaHi }: OperandPart, bytes: number): void {
    this.runner.call(trackWrite02, this.mmus.of(cpu), cpu, [gpaLo, gpaHi, bytes, 0]);
  }

  /** Writes to shadowed tables of EPT12 that L1 did not make. */
  readonly pageTrack: PageTrack = {
    isTracked: (gfn) => this.isTracked(gfn),
    written: (gpaLo, gpaHi, bytes, actor) => {
      this.runner.call(trackWrite02, this.mmus.ofActor(actor), actor, [gpaLo, gpaHi, bytes, 0]);
    },
  };

  unprotect(cpu: number, gfn: number): void {
    this.runner.call(unprotectPage, this.mmus.of(cpu), cpu, [gfn, 0]);
  }
}
