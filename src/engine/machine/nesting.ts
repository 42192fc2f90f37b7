import type { Processor } from '../../hardware/processor/processor';
import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { REGISTER } from '../../hardware/processor/registers';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { NestingEpt } from '../../hypervisor/nested/nestingEpt';
import { vmcsFrame } from '../../hypervisor/nested/vmcsRegions';
import type { Program } from '../../language/program';

/** One CPU of a nested guest. */
export interface NestedCpu {
  /** Its number among the actors. */
  readonly actor: number;
  /** Actor of the CPU of the VM around that it is on: the one of the same number there. */
  readonly outer: number;
  readonly vm: number;
  /** L1's guest frame with its VMCS. */
  readonly region: number;
}

/** VMLAUNCH and VMRESUME give this when no exit came of them: VMfail. */
const NO_EXIT = -1;
const PAGE_BYTES = 4096;
const BASIC_REASON = 0xffff;

/** The CPUs of a program's nested guests, in the order of the text. */
export function nestedCpusOf({ vms }: Program): readonly NestedCpu[] {
  const counts = new Map<number, number>();
  return vms.flatMap(({ parent, cpus }, vm) => (parent < 0 ? [] : cpus.map((actor, index) => {
    const count = counts.get(parent) ?? 0;
    counts.set(parent, count + 1);
    return { actor, outer: vms[parent]!.cpus[index]!, vm, region: vmcsFrame(count) };
  })));
}

/**
 * Which of two programs a processor executes: that of a CPU of L1, or that of a nested guest's CPU which L1 has entered on it.
 * A nested CPU is no processor beside: it is L1's in another mode.
 */
export class Nesting {
  readonly cpus: readonly NestedCpu[];
  private readonly byActor: ReadonlyMap<number, NestedCpu>;

  /** `hypervisors`: L0's of each VM that has nested guests, by the VM's number. */
  constructor(private readonly program: Program, private readonly hypervisors: ReadonlyMap<number, NestingEpt>) {
    this.cpus = nestedCpusOf(program);
    this.byActor = new Map(this.cpus.map((cpu) => [cpu.actor, cpu]));
  }

  /** The nested CPU that `actor` is; undefined for any other. */
  of(actor: number): NestedCpu | undefined {
    return this.byActor.get(actor);
  }

  /** The actor whose processor `actor` has: for a nested CPU the one around, else itself. */
  outerOf(actor: number): number {
    return this.byActor.get(actor)?.outer ?? actor;
  }

  /** The actor that runs on the processor of CPU `cpu` of a VM on the host. */
  runningOn(cpu: number): number {
    const hypervisor = this.hypervisors.get(this.program.actors[cpu]?.vm ?? -1);
    if (hypervisor?.isInL2(cpu) !== true) return cpu;
    const { current } = hypervisor.states.of(cpu);
    return this.cpus.find(({ outer, region }) => outer === cpu && region === current)?.actor ?? cpu;
  }

  /** Guest-physical address of the VMCS region of VM `vm`'s CPU on L1's CPU `cpu`; undefined: that VM has no such CPU. */
  regionOf(vm: number, cpu: number): number | undefined {
    const found = this.cpus.find((each) => each.vm === vm && each.outer === cpu);
    return found === undefined ? undefined : found.region * PAGE_BYTES;
  }

  /** L1's CPU `cpu` has another VMCS current than that of `vm`'s CPU on it; none at all is the processor's to judge. */
  hasOtherCurrent(vm: number, cpu: number): boolean {
    const current = this.hypervisors.get(this.program.actors[cpu]!.vm)?.states.of(cpu).current ?? NO_EXIT;
    return current >= 0 && current * PAGE_BYTES !== this.regionOf(vm, cpu);
  }

  /** 1: L1 has skipped the instruction of L2 that had exited. */
  skips(cpu: number): number {
    return this.hypervisors.get(this.program.actors[cpu]!.vm)?.states.of(cpu).skips ?? 0;
  }

  /** What VMLAUNCH or VMRESUME gives on CPU `cpu`: the basic reason of the exit that came, or all ones when it failed. */
  entryResult({ registers }: Processor, cpu: number): number {
    const hypervisor = this.hypervisors.get(this.program.actors[cpu]!.vm);
    if (hypervisor === undefined || (registers[2 * REGISTER.rflags]! & (RFLAGS.CF | RFLAGS.ZF)) !== 0) return NO_EXIT;
    return hypervisor.field12(cpu, VMCS.exit_reason) & BASIC_REASON;
  }

  /** Half of a field of L1's current VMCS on CPU `cpu`, without an exit; 0 when there is none. */
  peek(cpu: number, at: number): number {
    return this.hypervisors.get(this.program.actors[this.outerOf(cpu)]!.vm)?.field12(cpu, at) ?? 0;
  }
}
