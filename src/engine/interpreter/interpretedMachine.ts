import type { EventBus } from '../../hardware/events/eventBus';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Processor } from '../../hardware/processor/processor';
import type { HostActions } from '../host/hostActions';
import type { Nesting } from '../machine/nesting';
import type { PrivilegeSwitch } from './privilegeSwitch';
import type { ProcessTable } from '../machine/processTable';
import type { Questions } from '../questions/questions';

/** What the program runs on. */
export interface InterpretedMachine {
  /** What an actor's expectations are under: one technique, for a host thread those of all VMs. */
  readonly techniques: readonly (readonly string[])[];
  readonly processors: readonly Processor[];
  readonly memory: PhysicalMemory;
  readonly questions: Questions;
  readonly bus: EventBus;
  readonly processes: ProcessTable;
  readonly privilege: PrivilegeSwitch;
  readonly hostActions: HostActions;
  readonly nesting: Nesting;
  readonly hasTripleFaulted: (cpu: number) => boolean;
}
