import { REGISTER } from '../../hardware/processor/registers';
import type { RootMode } from '../../hardware/processor/rootMode';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { EPTP, SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { EPT4 } from '../../hardware/paging/formats/ept4';
import { USE } from '../host/hostFrames';
import { ListingRunner } from '../listing';
import { PerCpu } from '../perCpu';
import { brokeIntoDelivery } from '../commonExits';
import { HEARD_PIN, HEARD_PRIMARY, prepareVmcs } from '../prepareVmcs';
import type { EptPteWrite, TableRoot, Technique } from '../technique';
import { STOP_REASON, stopReasons } from '../vcpuState';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import { EptMmu } from './eptMmu';
import { EptSlots } from './eptSlots';
import { handleCrAccess } from './handleCrAccess';
import { completeInterrupts, handleExit, instructionHandlers } from './handleExit';
import { emulateAccess, walkOperand } from './emulateAccess';
import { handleEptMisconfig } from './handleEptMisconfig';
import { handleEptViolation } from './handleEptViolation';
import { enableLogDirty, flushPmlBuffer } from './logDirty';
import { unmapGfnRange } from './unmapGfnRange';

const WRITE_BACK = 6;
const NO_LOG = -1;

export interface EptSettings {
  /** How the first write to a page of a logged slot is noticed: it faults, or the processor logs it. */
  readonly dirtyLog: 'wp' | 'pml';
}

/**
 * Extended page tables: the guest's CR3 and tables are its own, the processor translates every
 * guest-physical address once more by tables that the hypervisor fills as they are first used.
 */
export class Ept implements Technique, RootMode {
  readonly name = 'ept';
  readonly root = this;
  readonly listings: readonly ListingRunner<never>[];
  readonly slots: EptSlots;
  private readonly mmus: PerCpu<EptMmu>;
  private readonly runner: ListingRunner<EptMmu>;
  private readonly rootFrame: number;

  /** `tracking`: guest frames whose writes somebody must see. */
  constructor(readonly vm: VirtualMachine, { dirtyLog }: EptSettings, tracking?: WriteTracking) {
    this.rootFrame = vm.frames.allocate(USE.eptTable, 0, 0);
    this.runner = new ListingRunner('ept.vmm', 'vmm', vm.host.listingNumber('ept.vmm'), [
      handleExit, handleEptViolation, walkOperand, handleCrAccess, ...instructionHandlers, unmapGfnRange, handleEptMisconfig, emulateAccess,
      enableLogDirty, flushPmlBuffer,
    ], vm.host.bus, vm.host.depth);
    this.mmus = new PerCpu(vm.processors, (processor) => new EptMmu(
      processor.cpu, processor, vm, this.rootFrame, dirtyLog === 'pml' ? vm.frames.allocate(USE.modificationLog, 0, processor.cpu) : NO_LOG, tracking,
    ));
    vm.dirty.noticedBy = dirtyLog === 'pml' ? 'processor' : 'fault';
    this.slots = new EptSlots(vm, this.mmus, this.runner, (gfn, pages, actor) => this.unmapGfnRange(gfn, pages, actor));
    vm.slotKeeper.listener = this.slots;
    for (const mmu of this.mmus) mmu.runner = this.runner;
    this.listings = [this.runner, vm.hostListing, vm.slotKeeper.runner] as readonly ListingRunner<never>[];
  }

  get guestMemory(): Technique['guestMemory'] {
    return this.vm.memory;
  }

  get dirtyLogging(): Technique['dirtyLogging'] {
    return this.vm.slotKeeper;
  }

  handleExit(cpu: number): number {
    const mmu = this.mmus.of(cpu);
    if (mmu.pml.hasEntries) this.runner.run(flushPmlBuffer, mmu, cpu);
    if (brokeIntoDelivery(mmu.processor)) this.runner.run(completeInterrupts, mmu, cpu);
    return this.runner.run(handleExit, mmu, cpu);
  }

  unmapGfnRange(gfn: number, pages: number, actor: number): void {
    const mmu = this.mmus.ofActor(actor);
    mmu.actor = actor;
    this.runner.call(unmapGfnRange, mmu, actor, [gfn, 0, pages, 0]);
    mmu.actor = mmu.cpu;
  }

  /** Clears W in the entry that maps `gfn`, in a step of `cpu`; true when it had it. */
  writeProtect(gfn: number, cpu: number): boolean {
    return this.mmus.of(cpu).leaves.writeProtect(gfn, cpu);
  }

  prepare(cpu: number): void {
    const { processor } = this.mmus.of(cpu);
    const { vmcs } = processor;
    const set = (at: number, lo: number, hi: number): void => {
      vmcs[at] = lo;
      vmcs[at + 1] = hi;
    };
    const tags = this.vm.host.tags === 'on' ? SECONDARY.enableVpid : 0;
    prepareVmcs(processor, {
      pin: HEARD_PIN, primary: HEARD_PRIMARY,
      secondary: SECONDARY.enableEpt | SECONDARY.unrestrictedGuest | SECONDARY.enableInvpcid | tags,
      ownedCr0: 0, ownedCr4: 0, msrBitmap: this.vm.host.msrBitmap,
    });
    set(VMCS.vpid, this.vm.vpidOf(cpu), 0);
    set(VMCS.eptp,
      (this.rootFrame << 12) | WRITE_BACK | ((EPT4.levels - 1) << EPTP.walkLengthShift) | EPTP.accessedDirty,
      this.rootFrame >>> 20);
    this.mmus.of(cpu).pml.prepare();
  }

  setEpte(gfn: number, lo: number, hi: number, actor: number): EptPteWrite {
    const mmu = this.mmus.ofActor(actor);
    if (mmu.leaves.find(gfn) && mmu.leaves.isLarge) return 'large page';
    const isWritten = mmu.leaves.put(gfn, lo, hi, actor);
    mmu.flushRemoteTlbs();
    return isWritten ? 'written' : 'no host frame';
  }

  guestCr3Lo(cpu: number): number {
    return this.mmus.of(cpu).processor.registers[2 * REGISTER.cr3]!;
  }

  guestCr3Hi(cpu: number): number {
    return this.mmus.of(cpu).processor.registers[2 * REGISTER.cr3 + 1]!;
  }

  guestEfer(cpu: number): number {
    return this.mmus.of(cpu).efer;
  }

  guestTables(cpu: number): TranslationSpace {
    return this.mmus.of(cpu).guestTables();
  }

  roots(): readonly TableRoot[] {
    return [{ space: 'ept', frame: this.rootFrame, label: 'EPTP' }];
  }

  tablePages(kind: 'shadow' | 'ept' | 'host'): number {
    if (kind === 'ept') return this.vm.frames.count(USE.eptTable);
    return kind === 'host' ? this.vm.frames.count(USE.hostTable) : 0;
  }

  hasTripleFaulted(cpu: number): boolean {
    return this.vm.vcpus.of(cpu).stop === STOP_REASON.tripleFault;
  }

  stopReason(): string {
    return stopReasons[this.vm.stopOf()]!;
  }
}
