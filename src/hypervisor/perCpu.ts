import type { Processor } from '../hardware/processor/processor';

/**
 * One `T` for each CPU of a VM. A CPU is known by its number on the machine, which its events carry; those of a VM
 * need not begin at 0.
 */
export class PerCpu<T> implements Iterable<T> {
  private readonly first: number;
  private readonly all: readonly T[];

  /** `processors`: those of one VM, whose numbers run on without a gap. */
  constructor(processors: readonly Processor[], make: (processor: Processor) => T) {
    this.first = processors[0]?.cpu ?? 0;
    this.all = processors.map(make);
  }

  /** That of CPU `cpu`, which must be one of the VM's. */
  of(cpu: number): T {
    const found = this.all[cpu - this.first];
    if (found === undefined) throw new Error(`invariant: CPU ${cpu} is none of the VM's`);
    return found;
  }

  /** That of CPU `actor`, or of the VM's first CPU for an actor that is none of its CPUs: another VM's, or a host thread. */
  ofActor(actor: number): T {
    return this.all[actor - this.first] ?? this.of(this.first);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.all[Symbol.iterator]();
  }
}
