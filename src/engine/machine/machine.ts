import { Interconnect } from '../../hardware/apic/interconnect';
import { EventBus } from '../../hardware/events/eventBus';
import { PhysicalMemory, type MemoryRange } from '../../hardware/memory/physicalMemory';
import { Processor, STATUS } from '../../hardware/processor/processor';
import { Registry } from '../../hardware/state/registry';
import { controlBlockOf } from '../../hypervisor/controlBlock';
import type { Listing } from '../../hypervisor/listing';
import type { NestingEpt } from '../../hypervisor/nested/nestingEpt';
import { Nested } from '../../hypervisor/nested/level1/nested';
import { NestedGuest } from '../../hypervisor/nested/nestedGuest';
import { PhysicalHost, type PhysicalMachine } from '../../hypervisor/physicalHost';
import type { Technique } from '../../hypervisor/technique';
import { VirtualMachine } from '../../hypervisor/virtualMachine';
import type { Program } from '../../language/program';
import type { Configuration } from '../settings/configuration';
import { loadDeliveryTables } from '../interpreter/deliveryTables';
import { HostActions } from '../host/hostActions';
import { Interpreter } from '../interpreter/interpreter';
import { loadGuest } from './loader';
import { lowRam, type MemorySlot } from '../settings/memoryMap';
import { enableVmx, loadNestedGuest } from './nestedLoader';
import { Nesting, nestedCpusOf } from './nesting';
import { privilegeSwitchFor } from '../interpreter/privilegeSwitch';
import { ProcessTable } from './processTable';
import { Questions } from '../questions/questions';
import type { RunningVm } from './runningVm';
import { TableWatch } from './tableWatch';

const FRAME_BYTES = 4096;

/** One machine with a scenario loaded: processors, memory, the VMs with their hypervisors, and the program's interpreter. */
export class Machine {
  readonly registry = new Registry();
  readonly bus = new EventBus();
  readonly memory: PhysicalMemory;
  /** Of all VMs: a CPU's number on the machine is its place here. */
  readonly processors: readonly Processor[];
  /** By number, as in Program.vms. */
  readonly vms: readonly RunningVm[];
  readonly questions: Questions;
  readonly interpreter: Interpreter;
  /** Nested guests, and on whose CPUs they are. */
  readonly nesting: Nesting;
  private readonly watches: readonly TableWatch[];

  constructor(readonly program: Program, readonly configuration: Configuration) {
    const { registry, bus } = this;
    this.memory = this.makeMemory();
    this.processors = this.makeAllProcessors();
    const hypervisors = new Map<number, NestingEpt>();
    this.vms = this.makeVms(hypervisors);
    this.nesting = new Nesting(program, hypervisors);
    for (const { technique } of this.vms) if (technique.vm !== undefined) technique.vm.notifier.listener = technique;
    const processes = new ProcessTable(registry, program.processes);
    this.questions = new Questions(this.memory, this.processors, this, processes);
    this.interpreter = new Interpreter(registry, program, {
      techniques: program.actors.map((_, actor) => this.techniquesOf(actor)), processors: this.processors, memory: this.memory,
      questions: this.questions, bus, processes, privilege: privilegeSwitchFor(this.processors.map((_, actor) => this.vmOf(actor).configuration.delivery)),
      hostActions: new HostActions(this), nesting: this.nesting, hasTripleFaulted: (cpu) => this.vmOf(cpu).technique.hasTripleFaulted(cpu),
    });
    this.interpreter.holds.cpuOf = (actor) => this.processors[actor]?.cpu ?? actor;
    this.interpreter.holds.hostChangesOf = (actor) => this.vmOf(actor).technique.vm?.notifier.sequence ?? 0;
    this.interpreter.holds.reload = (cpu) => {
      this.processors[cpu]?.reload();
      this.forgetDerived();
    };
    this.watches = this.processors.map((processor, actor) => new TableWatch(this.memory, bus, processor, this.vmOf(actor), processes));
    for (const vm of this.vms) if (vm.outer === undefined) this.load(vm);
    for (const vm of this.vms) this.loadNested(vm, hypervisors);
    for (const { technique } of this.vms) {
      if (technique instanceof Nested) technique.level0.onExit = (cpu, reason) => this.interpreter.happenings[cpu]!.noteExit(reason);
    }
    const failed = this.processors.filter((processor, actor) => processor.cpu === actor && this.failsToLaunch(processor, actor));
    this.interpreter.start();
    for (const { cpu } of failed) this.interpreter.stopAtLaunch(cpu);
  }

  /** The VM that an actor is of; of a host thread, which is of none, the first. */
  vmOf(actor: number): RunningVm {
    return this.vms[Math.max(0, this.program.actors[actor]?.vm ?? 0)]!;
  }

  /** The VM whose program CPU `cpu` of a VM on the host executes: that one, or a nested guest of it. */
  guestOn(cpu: number): RunningVm {
    return this.vmOf(this.nesting.runningOn(cpu));
  }

  /** Lines of listings that have run by now, also when time went back meanwhile: what makes steps take long. */
  get linesRun(): number {
    return this.vms[0]!.technique.vm?.host.depth.lines ?? 0;
  }

  /** Of the first VM. */
  get technique(): Technique {
    return this.vms[0]!.technique;
  }

  /** All listings, the hypervisors' and the host's; two VMs under one technique have the same. */
  get listings(): readonly Listing[] {
    const byName = new Map(this.vms.flatMap(({ technique }) => technique.listings.map(({ listing }) => [listing.name, listing] as const)));
    return [...byName.values()];
  }

  /** The listing by the number that events carry. */
  listing(number: number): Listing | undefined {
    for (const { technique } of this.vms) {
      const found = technique.listings.find((runner) => runner.number === number);
      if (found !== undefined) return found.listing;
    }
    return undefined;
  }

  /** Registry contents were put back: whatever is derived from them is made anew. */
  reload(): void {
    for (const processor of this.processors) processor.reload();
    this.forgetDerived();
  }

  /** Time has moved while nobody listened. */
  forgetDerived(): void {
    for (const watch of this.watches) watch.forget();
    for (const { technique } of this.vms) technique.reload?.();
  }

  /** Without a hypervisor the guest's slots are the physical memory map; there is one VM then. */
  private makeMemory(): PhysicalMemory {
    const { vms: [first], hostRam, swap } = this.configuration;
    if (first?.technique.ownsMachine === false && first.technique.below !== undefined) {
      return new PhysicalMemory(this.registry, FRAME_BYTES * first.technique.below.framesFor(Math.floor(hostRam / FRAME_BYTES)) + swap);
    }
    if (first?.technique.ownsMachine !== true || first.slots.length <= 1) return new PhysicalMemory(this.registry, hostRam + swap);
    return new PhysicalMemory(this.registry, hostRam, withMemory(first.slots).map(rangeOf));
  }

  /** A nested guest's CPUs are those of the VM around, which stands before it. */
  private makeAllProcessors(): readonly Processor[] {
    const { program: { vms } } = this;
    const all: Processor[] = [];
    vms.forEach(({ parent, cpus }, number) => {
      all.push(...(parent < 0 ? this.makeProcessors(number) : cpus.map((_, index) => all[vms[parent]!.cpus[index]!]!)));
    });
    return all;
  }

  /** The CPUs of a VM. They know each other, and those of no other VM. */
  private makeProcessors(number: number): readonly Processor[] {
    const { program, registry, memory, bus, configuration } = this;
    const { maxphyaddr, vendor, tlbEntries, tlbWays, tlbL2, tlbPageShifts, walkCaches, rewalkOnPermissionFault } = configuration;
    const { delivery } = configuration.vms[number]!;
    const interconnect = new Interconnect();
    return program.vms[number]!.cpus.map((cpu, apicId) => {
      const processor = new Processor(registry, memory, bus, cpu, {
        vendor, maxphyaddr, delivery, tlbEntries, tlbWays, walkCaches, rewalkOnPermissionFault, apicId,
        ...(tlbL2 === undefined ? {} : { tlbL2 }), ...(tlbPageShifts === undefined ? {} : { tlbPageShifts }),
      });
      processor.connect(interconnect);
      return processor;
    });
  }

  private makeVms(hypervisors: Map<number, NestingEpt>): readonly RunningVm[] {
    const { program, registry, memory, bus, configuration: { vms, maxphyaddr, tags, hostRam, swap, backing, sabotage } } = this;
    const nested = nestedCpusOf(program);
    const physical: PhysicalMachine = { registry, memory, bus, maxphyaddr, tags, sabotage };
    let host: PhysicalHost | undefined;
    return vms.map((configuration, number): RunningVm => {
      const { technique, settings, slots, name } = configuration;
      const processors = program.vms[number]!.cpus.map((cpu) => this.processors[cpu]!);
      const { parent } = program.vms[number]!;
      if (parent >= 0) {
        const regions = nested.filter(({ vm }) => vm === number).map(({ region }) => region);
        const guest = new NestedGuest(hypervisors.get(parent)!, processors, regions, lowRam(slots) / FRAME_BYTES);
        return { number, name, configuration, processors, technique: guest, outer: parent };
      }
      const guest = { number, processors, slots: withMemory(slots), devices: slots.filter(({ kind }) => kind === 'mmio') };
      if (technique.ownsMachine) return { number, name, configuration, processors, technique: technique.make(physical, guest) };
      const hostSettings = { frames: Math.floor(hostRam / FRAME_BYTES), swapPages: swap / FRAME_BYTES, backing, vms: vms.length };
      host ??= technique.below?.makeHost(physical, hostSettings, this.processors) ?? new PhysicalHost(physical, hostSettings);
      const vm = new VirtualMachine(host, guest);
      if (!program.vms.some((each) => each.parent === number)) return { number, name, configuration, processors, technique: technique.make(vm, settings) };
      if (technique.makeNesting === undefined) throw new Error(`invariant: a VM under ${technique.name} was let through with a nested guest`);
      const hypervisor = technique.makeNesting(vm, settings);
      hypervisors.set(number, hypervisor);
      return { number, name, configuration, processors, technique: hypervisor };
    });
  }

  private load({ technique: { guestMemory }, processors, configuration, number }: RunningVm): void {
    const { paging, kernel, slots, delivery } = configuration;
    loadGuest(this.memory, guestMemory, processors, { paging, kernel, ram: lowRam(slots) });
    if (delivery !== 'memory') return;
    loadDeliveryTables(this.memory, guestMemory, processors, { paging, kernel, handlers: this.program.vms[number]!.handlers });
  }

  private loadNested(guest: RunningVm, hypervisors: ReadonlyMap<number, NestingEpt>): void {
    const outer = guest.outer === undefined ? undefined : this.vms[guest.outer];
    const hypervisor = guest.outer === undefined ? undefined : hypervisors.get(guest.outer);
    if (outer === undefined || hypervisor === undefined) return;
    enableVmx(outer);
    loadNestedGuest(outer, hypervisor, guest, this.nesting.cpus.filter(({ vm }) => vm === guest.number).map(({ region }) => region));
  }

  /** What an actor's expectations are under: its VM's technique, those of all VMs for a host thread. */
  private techniquesOf(actor: number): readonly string[] {
    const isCpu = this.processors[actor] !== undefined;
    return (isCpu ? [this.vmOf(actor)] : this.vms).map(({ technique }) => technique.name);
  }

  /** True when the hypervisor cannot enter the guest. */
  private failsToLaunch(processor: Processor, cpu: number): boolean {
    const { technique } = this.vmOf(cpu);
    processor.storeObserver = { beforeStore: (...store) => this.watches[this.nesting.runningOn(cpu)]!.beforeStore(...store) };
    processor.reload();
    const { root } = technique;
    if (root === undefined) return false;
    technique.prepare(cpu);
    processor.root = {
      handleExit: (of) => {
        const reason = controlBlockOf(processor).writtenReason(processor);
        const running = this.nesting.runningOn(of);
        this.interpreter.happenings[of]!.noteExit(reason);
        if (running !== of) this.interpreter.happenings[running]!.noteExit(reason);
        return root.handleExit(of);
      },
      isWaiting: (of) => root.isWaiting?.(of) ?? 0,
    };
    return processor.launch() === STATUS.stopped;
  }
}

function withMemory(slots: readonly MemorySlot[]): readonly (MemorySlot & { readonly kind: 'ram' | 'rom' })[] {
  return slots.filter((slot): slot is MemorySlot & { readonly kind: 'ram' | 'rom' } => slot.kind !== 'mmio');
}

function rangeOf({ frame, frames, kind }: MemorySlot): MemoryRange {
  return { from: FRAME_BYTES * frame, to: FRAME_BYTES * (frame + frames), kind: kind === 'rom' ? 'rom' : 'ram' };
}
