import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import type { RootMode } from '../hardware/processor/rootMode';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import type { TableSpace } from '../hardware/events/eventTable';
import { callAs } from './callAs';
import type { EmulatingVcpu } from './emulatingVcpu';
import { USE } from './host/hostFrames';
import { ListingRunner, type ListingProcedure } from './listing';
import { PerCpu } from './perCpu';
import type { TableRoot, Technique } from './technique';
import type { VirtualMachine } from './virtualMachine';

/** What one such technique is made of. */
export interface OwnTablesParts<M extends EmulatingVcpu> {
  /** Name of its listing. */
  readonly listing: string;
  /** Of the tables of the second dimension. */
  readonly space: TableSpace;
  /** As the processor calls what names their root. */
  readonly rootLabel: string;
  readonly procedures: readonly ListingProcedure<M>[];
  readonly unmapGfnRange: ListingProcedure<M>;
  readonly makeMmu: (processor: Processor, rootFrame: number) => M;
}

/**
 * A technique that leaves the guest its CR3 and its tables, which the processor reaches through tables of a second dimension
 * and no other way.
 */
export abstract class OwnTablesTechnique<M extends EmulatingVcpu> implements Technique, RootMode {
  abstract readonly name: string;
  readonly root = this;
  readonly listings: readonly ListingRunner<never>[];
  protected readonly mmus: PerCpu<M>;
  protected readonly runner: ListingRunner<M>;
  protected readonly rootFrame: number;

  constructor(readonly vm: VirtualMachine, private readonly parts: OwnTablesParts<M>) {
    const { listing } = parts;
    this.rootFrame = vm.frames.allocate(USE.eptTable, 0, 0);
    this.runner = new ListingRunner(listing, 'vmm', vm.host.listingNumber(listing), parts.procedures, vm.host.bus, vm.host.depth);
    this.mmus = new PerCpu(vm.processors, (processor) => parts.makeMmu(processor, this.rootFrame));
    for (const mmu of this.mmus) mmu.runner = this.runner;
    this.listings = [this.runner, vm.hostListing, vm.slotKeeper.runner] as readonly ListingRunner<never>[];
  }

  abstract handleExit(cpu: number): number;

  abstract prepare(cpu: number): void;

  get guestMemory(): Technique['guestMemory'] {
    return this.vm.memory;
  }

  get dirtyLogging(): Technique['dirtyLogging'] {
    return this.vm.slotKeeper;
  }

  unmapGfnRange(gfn: number, pages: number, actor: number): void {
    callAs(this.runner, this.parts.unmapGfnRange, this.mmus.ofActor(actor), actor, [gfn, 0, pages, 0]);
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
    return [{ space: this.parts.space, frame: this.rootFrame, label: this.parts.rootLabel }];
  }

  tablePages(kind: 'shadow' | 'ept' | 'host'): number {
    if (kind === 'ept') return this.vm.frames.count(USE.eptTable);
    return kind === 'host' ? this.vm.frames.count(USE.hostTable) : 0;
  }

  hasTripleFaulted(cpu: number): boolean {
    return this.vm.hasTripleFaulted(cpu);
  }

  stopReason(): string {
    return this.vm.stopReason();
  }
}
