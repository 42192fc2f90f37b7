import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { CR0, CR4 } from '../../hardware/processor/controlRegisters';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { REGISTER } from '../../hardware/processor/registers';
import type { RootMode } from '../../hardware/processor/rootMode';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { PRIMARY, SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { USE } from '../host/hostFrames';
import { ListingRunner } from '../listing';
import { PerCpu } from '../perCpu';
import { brokeIntoDelivery } from '../commonExits';
import { HEARD_PIN, HEARD_PRIMARY, prepareVmcs } from '../prepareVmcs';
import type { Technique, TableRoot } from '../technique';
import { STOP_REASON, stopReasons } from '../vcpuState';
import type { VirtualMachine } from '../virtualMachine';
import { handleCrAccess, handleInvlpg, handleInvpcid, loadRoot } from './controlRegisters';
import { emulateAccess, walkOther } from './emulateAccess';
import { emulatePageTableWrite } from './emulatePageTableWrite';
import { fetch } from './fetch';
import { getShadowPage } from './getShadowPage';
import { completeInterrupts, handleExit, instructionHandlers } from './handleExit';
import { makePagesAvailable } from './makePagesAvailable';
import { handlePageFault } from './pageFault';
import { levelOf, roleOf } from './role';
import { ShadowMmu } from './shadowMmu';
import { ShadowPages } from './shadowPages';
import { Sptes } from './sptes';
import { trackWrite } from './trackWrite';
import { unmapGfnRange } from './unmapGfnRange';

/** Bit of #PF in the exception bitmap. */
const PAGE_FAULT_EXITS = 1 << 14;
/** Bits of CR0 and CR4 whose change changes what the guest's entries mean: the hypervisor must see it. */
const OWNED_CR0 = CR0.WP | CR0.PG | CR0.PE;
const OWNED_CR4 = CR4.PAE | CR4.PSE | CR4.PGE | CR4.LA57 | CR4.PCIDE | CR4.SMEP | CR4.SMAP;

export interface ShadowWpSettings {
  readonly shadowPages: number;
  readonly update: 'eager' | 'zap';
}

/**
 * Shadow paging with write-protected guest tables. Shadow pages are cached by guest frame and role;
 * every guest table that has one is write-protected, so each store to it exits and is emulated, and
 * the shadow never holds what the guest's tables do not.
 */
export class ShadowWp implements Technique, RootMode {
  readonly name = 'shadow-wp';
  readonly root = this;
  readonly listings: readonly ListingRunner<never>[];
  readonly pages: ShadowPages;
  private readonly sptes: Sptes;
  private readonly mmus: PerCpu<ShadowMmu>;
  private readonly runner: ListingRunner<ShadowMmu>;

  constructor(readonly vm: VirtualMachine, settings: ShadowWpSettings) {
    const { host: { bus }, processors } = vm;
    this.pages = new ShadowPages(vm.registry, settings.shadowPages, vm.memory.frames);
    this.sptes = new Sptes(this.pages, vm.frames, vm.writer, bus);
    this.mmus = new PerCpu(processors, (processor) => new ShadowMmu(
      processor.cpu, processor, bus, this.pages, this.sptes, vm.memory, vm.vcpus.of(processor.cpu), vm.guestTables.of(processor.cpu), settings.update, processors,
    ));
    this.runner = new ListingRunner('shadow-wp.vmm', 'vmm', vm.host.listingNumber('shadow-wp.vmm'), [
      handleExit, handlePageFault, makePagesAvailable, fetch, getShadowPage, emulatePageTableWrite, trackWrite, emulateAccess, walkOther,
      handleCrAccess, loadRoot, handleInvlpg, handleInvpcid, ...instructionHandlers, unmapGfnRange,
    ], bus, vm.host.depth);
    for (const mmu of this.mmus) mmu.runner = this.runner;
    this.listings = [this.runner, vm.hostListing] as readonly ListingRunner<never>[];
  }

  get guestMemory(): Technique['guestMemory'] {
    return this.vm.memory;
  }

  handleExit(cpu: number): number {
    const mmu = this.mmus.of(cpu);
    if (brokeIntoDelivery(mmu.processor)) this.runner.run(completeInterrupts, mmu, cpu);
    return this.runner.run(handleExit, mmu, cpu);
  }

  unmapGfnRange(gfn: number, pages: number, actor: number): void {
    const mmu = this.mmus.ofActor(actor);
    mmu.actor = actor;
    this.runner.call(unmapGfnRange, mmu, actor, [gfn, 0, pages, 0]);
    mmu.actor = mmu.cpu;
  }

  prepare(cpu: number): void {
    const mmu = this.mmus.of(cpu);
    const { registers } = mmu.processor;
    prepareVmcs(mmu.processor, {
      primary: PRIMARY.cr3LoadExiting | PRIMARY.cr3StoreExiting | PRIMARY.invlpgExiting | HEARD_PRIMARY,
      pin: HEARD_PIN,
      secondary: SECONDARY.enableInvpcid | (this.vm.host.tags === 'on' ? SECONDARY.enableVpid : 0),
      ownedCr0: OWNED_CR0, ownedCr4: OWNED_CR4, msrBitmap: this.vm.host.msrBitmap,
    });
    mmu.setVmcs(VMCS.vpid, this.vm.vpidOf(cpu), 0);
    mmu.setVmcs(VMCS.exception_bitmap, PAGE_FAULT_EXITS, 0);
    mmu.setVmcs(VMCS.guest_cr0, mmu.vmcs(VMCS.guest_cr0) | CR0.WP, 0);
    mmu.vcpu.setCr3(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    this.enterRoot(mmu);
  }

  guestCr3Lo(cpu: number): number {
    return this.vm.vcpus.of(cpu).cr3Lo;
  }

  guestCr3Hi(cpu: number): number {
    return this.vm.vcpus.of(cpu).cr3Hi;
  }

  guestTables(cpu: number): TranslationSpace {
    return this.mmus.of(cpu).guestTables();
  }

  roots(cpu: number): readonly TableRoot[] {
    const current = this.vm.vcpus.of(cpu).rootPage;
    const roots: TableRoot[] = [];
    for (let page = 1; page < this.pages.end; page++) {
      if (!this.pages.isInUse(page) || levelOf(this.pages.roleOf(page)) !== 4) continue;
      const label = `shadow root of gpa:0x${(this.pages.gfnOf(page) * 4096).toString(16)}`;
      roots.push({ space: 'shadow', frame: this.pages.frameOf(page), label: page === current ? `${label} (CR3)` : label });
    }
    return roots.sort((a, b) => Number(b.label.endsWith('(CR3)')) - Number(a.label.endsWith('(CR3)')));
  }

  tablePages(kind: 'shadow' | 'ept' | 'host'): number {
    if (kind === 'shadow') return this.vm.frames.count(USE.shadowTable);
    return kind === 'host' ? this.vm.frames.count(USE.hostTable) : 0;
  }

  hasTripleFaulted(cpu: number): boolean {
    return this.vm.vcpus.of(cpu).stop === STOP_REASON.tripleFault;
  }

  stopReason(): string {
    return stopReasons[this.vm.stopOf()]!;
  }

  /** The first root, before the guest runs: what `load_root` does at each load of CR3. */
  private enterRoot(mmu: ShadowMmu): void {
    const gfn = frameInEntry(mmu.vcpu.cr3Lo, mmu.vcpu.cr3Hi);
    const role = roleOf(mmu.mode, mmu.guestTables().compiled.levels, ALL_RIGHTS);
    const page = this.pages.find(gfn, role) || this.sptes.create(gfn, role, mmu.cpu);
    this.pages.addRoot(page, 1);
    mmu.vcpu.rootPage = page;
    const frame = this.pages.frameOf(page);
    mmu.setVmcs(VMCS.guest_cr3, frame << 12, frame >>> 20);
  }
}
