import type { Processor } from '../../../hardware/processor/processor';
import { RESUME, STATUS } from '../../../hardware/processor/rootMode';
import { COUNTER, EXIT_COUNTERS_AT } from '../../../hardware/state/counters';
import { VMCS } from '../../../hardware/vmx/vmcs';
import type { VmcsAccess } from '../../../hardware/vmx/vmcsAccess';
import { INVEPT } from '../../../hardware/vmx/vmxInvalidations';
import { type HostSettings, PhysicalHost, type PhysicalMachine } from '../../physicalHost';
import { VirtualMachine } from '../../virtualMachine';
import { NestingEpt } from '../nestingEpt';
import { GuestHypervisorMemory } from '../guestHypervisorMemory';
import { Vmcs12 } from '../vmcs12';
import { loadDirectMap } from './directMap';
import { GuestCpu } from './guestCpu';
import { GuestReach } from './guestReach';

/** L1's frame with its VMXON region; the VMCS of each CPU follows. */
const VMXON_FRAME = 0x3f;
const SHADOW_PAGES = 1000;

/** Below the host that a scenario knows: L0, and the processors as L1 has them, one more than L2 has for what is no CPU's doing. */
export class Level0 {
  readonly vm: VirtualMachine;
  readonly nesting: NestingEpt;
  readonly cpus: readonly GuestCpu[];
  /** Told of each exit of L1's, on a CPU. */
  onExit: (cpu: number, reason: number) => void = () => undefined;
  private current: GuestCpu;

  /** `frames`: of L0's machine; `l1Frames`: of L1's. */
  constructor(machine: PhysicalMachine, readonly processors: readonly Processor[], frames: number, l1Frames: number) {
    const { memory, bus } = machine;
    const registry = machine.registry.room('l0.');
    const host = new PhysicalHost({ ...machine, registry, sabotage: 'none' }, { frames, swapPages: 0, backing: '4K', vms: 1 });
    const l2 = [...processors, processors[0]!];
    this.cpus = l2.map((processor, cpu) => new GuestCpu({ registry: machine.registry.room('l1.'), memory, bus, cpu, l2: processor }));
    this.current = this.cpus[processors.length]!;
    this.vm = new VirtualMachine(host, {
      number: 0, processors: this.cpus.map(({ processor }) => processor), slots: [{ frame: 0, frames: l1Frames, kind: 'ram', id: 0 }], devices: [],
    });
    this.nesting = new NestingEpt(this.vm, { shadowPages: SHADOW_PAGES, vmxonFrame: VMXON_FRAME, l2 });
    this.vm.notifier.listener = this.nesting;
    loadDirectMap(memory, this.vm.memory, l1Frames);
    for (const { processor } of this.cpus) {
      processor.root = { handleExit: (cpu) => this.handleExitOfL1(cpu) };
      this.nesting.prepare(processor.cpu);
      if (processor.launch() !== STATUS.done) throw new Error(`invariant: L1 cannot be entered: ${processor.stopReason}`);
    }
  }

  get executing(): GuestCpu {
    return this.current;
  }

  /** What L1 does in `act` it does on CPU `cpu`, which must not run L2. */
  on<T>(cpu: number, act: () => T): T {
    const before = this.current;
    this.current = this.cpus[cpu]!;
    try {
      return act();
    } finally {
      this.current = before;
    }
  }

  /** L1's VMCS of CPU `cpu`. */
  regionOf(cpu: number): number {
    return VMXON_FRAME + 1 + cpu;
  }

  /** As L1 makes the page of CPU `cpu`'s VMCS ready, before VMPTRLD. */
  makeRegion(cpu: number): void {
    const l1 = new GuestHypervisorMemory(this.vm.host.memory, this.vm.memory, cpu);
    l1.back(this.regionOf(cpu));
    const region = new Vmcs12(l1);
    region.use(this.regionOf(cpu));
    region.initialize();
  }

  /** How L1's handlers reach the VMCS by which `cpu` runs L2. */
  accessOf(cpu: number): VmcsAccess {
    const guest = this.cpus[cpu]!;
    const region = this.lookedRegion(cpu);
    const isExecuting = (): boolean => this.current === guest;
    // Other CPUs are made to by IPI, and do it themselves before they run L2 again; which is done at once here.
    return {
      get hi(): number { return isExecuting() ? guest.hi : region.hi; },
      read: (at) => (isExecuting() ? guest : region).read(at),
      write: (at, lo, hi) => (isExecuting() ? guest : region).write(at, lo, hi),
      invept: (lo, hi) => {
        if (isExecuting()) guest.invept(lo, hi);
        else this.processors[cpu]!.vmxInvalidations.invept(INVEPT.all, 0, 0);
      },
    };
  }

  /** L0 has stopped L1. */
  isStopped(): boolean {
    return this.vm.stopOf() !== 0;
  }

  reload(): void {
    for (const { processor } of this.cpus) processor.reload();
  }

  /** The VMCS of CPU `cpu` as it lies in L1's memory. */
  private lookedRegion(cpu: number): Pick<VmcsAccess, 'read' | 'write'> & { hi: number } {
    const region = new Vmcs12(new GuestHypervisorMemory(this.vm.host.memory, this.vm.memory, cpu));
    region.use(this.regionOf(cpu));
    const access = {
      hi: 0,
      read: (at: number): number => {
        access.hi = region.at(at + 1);
        return region.at(at);
      },
      write: (at: number, lo: number, hi: number): void => region.set(at, lo, hi),
    };
    return access;
  }

  private handleExitOfL1(cpu: number): number {
    const l1 = this.cpus[cpu]!.processor;
    const reason = l1.vmcs[VMCS.exit_reason]!;
    // What L1 does for no CPU's exit, a host action, costs exits of a thread of L1's: no guest's CPU has them.
    if (cpu < this.processors.length) {
      const { counters } = this.processors[cpu]!;
      counters[COUNTER['exits.total']]!++;
      counters[EXIT_COUNTERS_AT + reason]!++;
      this.onExit(cpu, reason);
    }
    const answer = this.nesting.handleExit(cpu);
    // Behind VMLAUNCH and VMRESUME L1 does not go on: its processor is L2's.
    return answer === RESUME.switched ? RESUME.stopped : answer;
  }
}

/** The host that a scenario knows, which is a guest of L0's. */
export class GuestHost extends PhysicalHost {
  constructor(machine: PhysicalMachine, settings: HostSettings, readonly level0: Level0, machineFrames: number) {
    super(machine, settings, new GuestReach(
      machine.memory, level0.vm.memory, { from: settings.frames, machineFrame: machineFrames }, () => level0.executing,
    ));
  }
}
