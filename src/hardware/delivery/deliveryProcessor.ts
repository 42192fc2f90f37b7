import type { EventStack } from './eventStack';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import type { DescriptorTables } from '../segments/descriptorTables';
import type { SegmentRegisters } from '../segments/segmentRegisters';
import type { SystemAccess } from './systemAccess';

/** Beside `RESUME`, EXCEPTION and TRANSLATED: the event's handler is entered, or the interrupted program is. */
export const DELIVERED = 8;

/** What asks for a task switch. SDM Vol. 3, "Exit Qualification for Task Switches". */
export const TASK_SWITCH = { iret: 1, gate: 3 } as const;

/** The parts of a processor that delivery of events, and the return from them, work on. */
export interface DeliveryProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly spaces: ProcessorSpaces;
  readonly access: SystemAccess;
  readonly tables: DescriptorTables;
  readonly stack: EventStack;
  /** Recomputes derived state. */
  readonly reload: () => void;
  /** A fault of the delivery itself, or of IRET: what it leads to. */
  readonly raise: (vector: number, errorCode: number) => number;
  /** A switch of tasks by hardware, `source` a `TASK_SWITCH`: a VM exit, or the end. */
  readonly taskSwitch: (selector: number, source: number) => number;
}
