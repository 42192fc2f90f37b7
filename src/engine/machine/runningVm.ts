import type { Processor } from '../../hardware/processor/processor';
import type { Technique } from '../../hypervisor/technique';
import type { VmConfiguration } from '../settings/vmConfiguration';

/** One VM of a machine at work. */
export interface RunningVm {
  /** As in Program.vms. */
  readonly number: number;
  /** Empty when its parts stand at the top of the file. */
  readonly name: string;
  readonly configuration: VmConfiguration;
  /** Its CPUs, in order. */
  readonly processors: readonly Processor[];
  readonly technique: Technique;
  /** Of a nested guest: the number of the VM around it, whose CPUs its own are. */
  readonly outer?: number;
}

/** What the VMs run under: one name when they agree, else all of them in order. */
export function techniqueText(vms: readonly RunningVm[]): string {
  const names = new Set(vms.map(({ technique }) => technique.name));
  return names.size === 1 ? [...names].join() : vms.map(({ technique }) => technique.name).join(', ');
}
