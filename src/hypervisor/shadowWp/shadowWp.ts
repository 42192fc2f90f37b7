import { CR0 } from '../../hardware/processor/controlRegisters';
import { REGISTER } from '../../hardware/processor/registers';
import { RESUME, type RootMode } from '../../hardware/processor/rootMode';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { PRIMARY, SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { pdptesOf } from '../guestRegisters';
import { USE } from '../host/hostFrames';
import { type ListingProcedure, ListingRunner } from '../listing';
import { PerCpu } from '../perCpu';
import { callAs } from '../callAs';
import { brokeIntoDelivery } from '../commonExits';
import { HEARD_PIN, HEARD_PRIMARY, prepareVmcs } from '../prepareVmcs';
import { followProtection, resumeRmode } from '../realMode/rmodeListing';
import { Rmode } from '../realMode/rmode';
import type { PageTrack, Technique, TableRoot } from '../technique';
import { STOP_REASON } from '../vcpuState';
import type { VirtualMachine } from '../virtualMachine';
import { enterPmode, enterRmode, handleInvlpg, handleInvpcid } from './controlRegisters';
import { fetchLarge } from './fetch';
import { getShadowPage } from './getShadowPage';
import { completeInterrupts, handleExit } from './handleExit';
import { MIN_FREE_MMU_PAGES } from './makePagesAvailable';
import { handlePageFault } from './pageFault';
import { OWNED_CR0, OWNED_CR4, PAE_ROOT_LEVEL, setGuestMode } from './guestMode';
import { loadPaeRoots, loadRoot, PAE_ROOTS } from './loadRoot';
import { injectRealmodeInterrupt } from './rmode';
import { listingOf } from './protectedTables';
import { handleForeignFault, loadRawRoot } from './rawGuestCr3';
import { levelOf } from './role';
import { ShadowMmu, type ShadowProcedures } from './shadowMmu';
import { ShadowPages } from './shadowPages';
import { ShadowPageTrack } from './shadowPageTrack';
import { ShadowSlots } from './shadowSlots';
import { Sptes } from './sptes';
import { trackWrite } from './trackWrite';
import { unmapGfnRange } from './unmapGfnRange';

/** Bit of #PF in the exception bitmap. */
const PAGE_FAULT_EXITS = 1 << 14;

export interface ShadowWpSettings {
  readonly shadowPages: number;
  readonly update: 'eager' | 'zap';
}

/** A way of keeping the shadow in step with the guest's tables. */
export interface ShadowFlavour {
  readonly name: string;
  /** Shadow pages that a vCPU with a fourth level of tables may keep as roots. */
  readonly mostRoots: number;
  readonly procedures: ShadowProcedures;
  /** Its listing, these among them. */
  readonly listing: readonly ListingProcedure<never>[];
  /** Left out: `Sptes`. */
  makeSptes?(...parts: ConstructorParameters<typeof Sptes>): Sptes;
  makeMmu(...parts: ConstructorParameters<typeof ShadowMmu>): ShadowMmu;
}

/** `sabotage load_guest_cr3_raw` puts procedures of its own in the place of two. */
function writeProtected(isRaw: boolean): ShadowFlavour {
  const own = { handlePageFault, fetch: fetchLarge, getShadowPage, loadRoot, handleInvlpg, handleInvpcid };
  const procedures = isRaw ? { ...own, handlePageFault: handleForeignFault, loadRoot: loadRawRoot } : own;
  return {
    name: 'shadow-wp',
    mostRoots: 1,
    procedures,
    listing: listingOf(procedures, { trackWrite, loadPaeRoots }),
    makeMmu: (...parts) => new ShadowMmu(...parts),
  };
}

/**
 * Shadow paging with write-protected guest tables. Shadow pages are cached by guest frame and role;
 * every guest table that has one is write-protected, so each store to it exits and is emulated, and
 * the shadow never holds what the guest's tables do not.
 */
export class ShadowWp implements Technique, RootMode {
  readonly name: string;
  readonly root = this;
  readonly listings: readonly ListingRunner<never>[];
  readonly pages: ShadowPages;
  readonly sptes: Sptes;
  private readonly mmus: PerCpu<ShadowMmu>;
  readonly pageTrack: PageTrack;
  protected readonly runner: ListingRunner<never>;

  constructor(readonly vm: VirtualMachine, settings: ShadowWpSettings, flavour: ShadowFlavour = writeProtected(vm.host.sabotage === 'load_guest_cr3_raw')) {
    this.name = flavour.name;
    const { host: { bus }, processors } = vm;
    // Roots cannot give way: beside them there is always room for what one fault needs.
    const least = processors.length * Math.max(PAE_ROOTS, flavour.mostRoots) + MIN_FREE_MMU_PAGES;
    this.pages = new ShadowPages(vm.registry, Math.max(settings.shadowPages, least), vm.memory.frames);
    const parts = [this.pages, vm.frames, vm.writer, bus] as const;
    this.sptes = flavour.makeSptes?.(...parts) ?? new Sptes(...parts);
    this.mmus = new PerCpu(processors, (processor) => flavour.makeMmu(
      processor.cpu, processor, bus, this.pages, this.sptes, vm.memory, vm.vcpus.of(processor.cpu),
      vm.guestSpace(processor, vm.vcpus.of(processor.cpu).pdptes), settings.update, processors, vm.notifier,
    ));
    const listing = `${flavour.name}.vmm`;
    this.runner = new ListingRunner<never>(listing, 'vmm', vm.host.listingNumber(listing), flavour.listing, bus, vm.host.depth);
    for (const mmu of this.mmus) {
      mmu.runner = this.runner;
      mmu.procedures = flavour.procedures;
      mmu.rmode = new Rmode(vm, mmu.processor, PAGE_FAULT_EXITS);
    }
    this.pageTrack = new ShadowPageTrack(this.mmus, this.runner, flavour.listing.find(({ name }) => name === trackWrite.name));
    vm.slotKeeper.listener = new ShadowSlots(this.pages, this.sptes, this.mmus, this.runner);
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
    if (brokeIntoDelivery(mmu.processor)) this.runner.run(completeInterrupts, mmu as never, cpu);
    const answer = this.runner.run(handleExit, mmu as never, cpu);
    return resumeRmode(mmu, answer, () => this.runner.run(injectRealmodeInterrupt, mmu as never, cpu));
  }

  unmapGfnRange(gfn: number, pages: number, actor: number): void {
    callAs(this.runner, unmapGfnRange, this.mmus.ofActor(actor) as never, actor, [gfn, 0, pages, 0]);
  }

  prepare(cpu: number): void {
    const mmu = this.mmus.of(cpu);
    const { registers } = mmu.processor;
    const registerLo = (register: number): number => registers[2 * register]!;
    prepareVmcs(mmu.processor, {
      primary: PRIMARY.cr3LoadExiting | PRIMARY.cr3StoreExiting | PRIMARY.invlpgExiting | HEARD_PRIMARY,
      pin: HEARD_PIN,
      secondary: SECONDARY.enableInvpcid | (this.vm.host.tags === 'on' ? SECONDARY.enableVpid : 0),
      ownedCr0: OWNED_CR0, ownedCr4: OWNED_CR4, msrBitmap: this.vm.host.msrBitmap,
    });
    mmu.setVmcs(VMCS.vpid, this.vm.vpidOf(cpu), 0);
    mmu.setVmcs(VMCS.exception_bitmap, PAGE_FAULT_EXITS, 0);
    mmu.vcpu.setCr3(registerLo(REGISTER.cr3), registers[2 * REGISTER.cr3 + 1]!);
    mmu.vcpu.pdptes.set(pdptesOf(registers));
    setGuestMode(mmu, { cr0: registerLo(REGISTER.cr0), cr4: registerLo(REGISTER.cr4), efer: registerLo(REGISTER.efer) });
    if ((registerLo(REGISTER.cr0) & CR0.PE) === 0 && !mmu.rmode.makeTss()) {
      mmu.vcpu.stop = STOP_REASON.hostMemory;
      return;
    }
    if (followProtection(mmu, { enterRmode, enterPmode }) === RESUME.stopped) return;
    // A guest that is in long mode cannot leave it: that takes a code segment of 32 bits.
    if (mmu.rootLevel === PAE_ROOT_LEVEL) mmu.addPaeRoot();
    // The first root, before the guest runs.
    mmu.call(mmu.procedures.loadRoot);
  }

  guestCr3Lo(cpu: number): number {
    return this.vm.vcpus.of(cpu).cr3Lo;
  }

  guestCr3Hi(cpu: number): number {
    return this.vm.vcpus.of(cpu).cr3Hi;
  }

  guestEfer(cpu: number): number {
    return this.vm.vcpus.of(cpu).efer;
  }

  guestTables(cpu: number): TranslationSpace {
    return this.mmus.of(cpu).guestTables();
  }

  /** Linear address at which the range of shadow page `page` begins, where that is what it is known by; else guest frame and role are. */
  coveredBy(_page: number): { readonly lo: number; readonly hi: number } | undefined {
    return undefined;
  }

  roots(cpu: number): readonly TableRoot[] {
    const { rootPage: current, paeRoot } = this.vm.vcpus.of(cpu);
    const { rootLevel } = this.mmus.of(cpu);
    if (rootLevel === PAE_ROOT_LEVEL) return [{ space: 'shadow', frame: paeRoot, label: 'shadow PDPTEs (CR3)' }];
    const roots: TableRoot[] = [];
    for (let page = 1; page < this.pages.end; page++) {
      if (!this.pages.isInUse(page) || levelOf(this.pages.roleOf(page)) !== rootLevel) continue;
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
    return this.vm.hasTripleFaulted(cpu);
  }

  stopReason(): string {
    return this.vm.stopReason();
  }
}
