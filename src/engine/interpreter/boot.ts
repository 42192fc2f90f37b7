import type { Program } from '../../language/program';
import type { Deaths } from './deaths';
import { ACTOR_STATE, type Scheduler } from '../schedule/scheduler';

/** The VMs boot one after the other, each by its first CPU; the scenario's own lines begin when all have. */
export class Boot {
  /** Of each VM that boots its first CPU; a nested guest is its hypervisor's to start. */
  private readonly first: readonly number[];

  constructor(private readonly program: Program, private readonly scheduler: Scheduler, private readonly deaths: Deaths) {
    this.first = program.vms.flatMap(({ parent, cpus }) => (parent < 0 ? cpus.slice(0, 1) : []));
  }

  /** The first VM boots. */
  start(): void {
    this.scheduler.setState(this.first[0]!, ACTOR_STATE.running);
  }

  /** The VM of `cpu` has booted, or died of it: the next one's turn. True when none is left, and all may run. */
  isOver(cpu: number): boolean {
    const { scheduler, first } = this;
    const of = first.findIndex((each) => this.program.actors[each]!.vm === this.program.actors[cpu]!.vm);
    if (scheduler.state(cpu) === ACTOR_STATE.running && first.length > 1) scheduler.setState(cpu, ACTOR_STATE.waitsForBoot);
    const next = first[of + 1];
    if (next !== undefined) {
      scheduler.setState(next, ACTOR_STATE.running);
      scheduler.handOver(next);
      return false;
    }
    scheduler.start();
    const living = first.find((each) => !this.deaths.isGone(this.program.actors[each]!.vm));
    if (first.length > 1 && living !== undefined) scheduler.handOver(living);
    return true;
  }
}
