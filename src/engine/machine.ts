import { Interconnect } from '../hardware/apic/interconnect';
import { EventBus } from '../hardware/events/eventBus';
import { PhysicalMemory, type MemoryRange } from '../hardware/memory/physicalMemory';
import { Processor, STATUS } from '../hardware/processor/processor';
import { Registry } from '../hardware/state/registry';
import { VMCS } from '../hardware/vmx/vmcs';
import type { Listing } from '../hypervisor/listing';
import { PhysicalHost, type PhysicalMachine } from '../hypervisor/physicalHost';
import type { Technique } from '../hypervisor/technique';
import { VirtualMachine, type VmParts } from '../hypervisor/virtualMachine';
import type { Program } from '../language/program';
import type { Configuration } from './configuration';
import { loadDeliveryTables } from './deliveryTables';
import { HostActions } from './hostActions';
import { Interpreter } from './interpreter';
import { loadGuest } from './loader';
import { lowRam, type MemorySlot } from './memoryMap';
import { DirectPrivilegeSwitch, MemoryPrivilegeSwitch } from './privilegeSwitch';
import { Questions } from './questions';
import { TableWatch } from './tableWatch';

const FRAME_BYTES = 4096;

/** One machine with a scenario loaded: processors, memory, hypervisor, and the program's interpreter. */
export class Machine {
  readonly registry = new Registry();
  readonly bus = new EventBus();
  readonly memory: PhysicalMemory;
  readonly processors: readonly Processor[];
  readonly technique: Technique;
  readonly questions: Questions;
  readonly interpreter: Interpreter;
  private readonly watches: readonly TableWatch[];

  constructor(readonly program: Program, readonly configuration: Configuration) {
    const { maxphyaddr, vendor, tlbEntries, tlbWays, tlbL2, tlbPageShifts, walkCaches, rewalkOnPermissionFault, hostRam, slots, tags, delivery } = configuration;
    const { registry, bus } = this;
    const memorySlots = slots.filter((slot): slot is MemorySlot & { readonly kind: 'ram' | 'rom' } => slot.kind !== 'mmio');
    this.memory = configuration.technique.ownsMachine && slots.length > 1
      ? new PhysicalMemory(registry, hostRam, memorySlots.map(rangeOf)) : new PhysicalMemory(registry, hostRam);
    this.processors = program.cpus.map((_, cpu) => new Processor(registry, this.memory, bus, cpu, {
      vendor, maxphyaddr, delivery, tlbEntries, tlbWays, walkCaches, rewalkOnPermissionFault,
      ...(tlbL2 === undefined ? {} : { tlbL2 }), ...(tlbPageShifts === undefined ? {} : { tlbPageShifts }),
    }));
    const interconnect = new Interconnect();
    for (const processor of this.processors) processor.connect(interconnect);
    const physical: PhysicalMachine = { registry, memory: this.memory, bus, maxphyaddr, tags };
    const guest: VmParts = { number: 0, processors: this.processors, slots: memorySlots };
    this.technique = configuration.technique.ownsMachine
      ? configuration.technique.make(physical, guest)
      : configuration.technique.make(new VirtualMachine(new PhysicalHost(physical, Math.floor(hostRam / FRAME_BYTES), 1), guest), configuration.settings);
    if (this.technique.vm !== undefined) this.technique.vm.notifier.listener = this.technique;
    this.questions = new Questions(this.memory, this.processors, this.technique);
    this.interpreter = new Interpreter(registry, program, {
      technique: this.technique.name, processors: this.processors, memory: this.memory, questions: this.questions, bus,
      privilege: delivery === 'memory' ? new MemoryPrivilegeSwitch() : new DirectPrivilegeSwitch(), hostActions: new HostActions(), hasTripleFaulted: (cpu) => this.technique.hasTripleFaulted(cpu),
    });
    this.interpreter.holds.reload = (cpu) => {
      this.processors[cpu]?.reload();
      this.forgetDerived();
    };
    this.watches = this.processors.map((processor) => new TableWatch(this.memory, bus, processor, this.technique, this.interpreter.processes));
    const { paging, kernel } = configuration;
    loadGuest(this.memory, this.technique.guestMemory, this.processors, { paging, kernel, ram: lowRam(slots) });
    if (delivery === 'memory') loadDeliveryTables(this.memory, this.technique.guestMemory, this.processors, { paging, kernel, handlers: program.handlers });
    const failed = this.processors.findIndex((processor, cpu) => this.failsToLaunch(processor, cpu));
    this.interpreter.start();
    if (failed >= 0) this.interpreter.stopAtLaunch(failed);
  }

  /** Listings of the hypervisor and the host by the number that events carry. */
  listing(number: number): Listing | undefined {
    return this.technique.listings.find((runner) => runner.number === number)?.listing;
  }

  /** Registry contents were put back: whatever is derived from them is made anew. */
  reload(): void {
    for (const processor of this.processors) processor.reload();
    this.forgetDerived();
  }

  /** Time has moved while nobody listened. */
  forgetDerived(): void {
    for (const watch of this.watches) watch.forget();
  }

  /** True when the hypervisor cannot enter the guest. */
  private failsToLaunch(processor: Processor, cpu: number): boolean {
    processor.storeObserver = this.watches[cpu];
    processor.reload();
    const root = this.technique.root;
    if (root === undefined) return false;
    this.technique.prepare(cpu);
    processor.root = {
      handleExit: (of) => {
        this.interpreter.happenings[of]!.noteExit(processor.vmcs[VMCS.exit_reason]!);
        return root.handleExit(of);
      },
    };
    return processor.launch() === STATUS.stopped;
  }
}

function rangeOf({ frame, frames, kind }: MemorySlot): MemoryRange {
  return { from: FRAME_BYTES * frame, to: FRAME_BYTES * (frame + frames), kind: kind === 'rom' ? 'rom' : 'ram' };
}
