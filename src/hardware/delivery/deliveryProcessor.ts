import type { EventStack } from './eventStack';
import type { CompiledFormat } from '../paging/compiledFormat';
import type { DescriptorTables } from '../segments/descriptorTables';
import type { SegmentRegisters } from '../segments/segmentRegisters';
import type { SystemData } from './systemAccess';

/** Beside `RESUME`, EXCEPTION and TRANSLATED: the event's handler is entered, or the interrupted program is. */
export const DELIVERED = 8;

/** What asks for a task switch. SDM Vol. 3, "Exit Qualification for Task Switches". */
export const TASK_SWITCH = { iret: 1, gate: 3 } as const;

/** The parts of a processor that delivery of events, and the return from them, work on: of one of hardware, or of one that a hypervisor keeps by software. */
export interface DeliveryProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  /** What is canonical hangs on the format of its tables. */
  readonly spaces: { readonly linear: { readonly compiled: CompiledFormat } };
  readonly access: SystemData;
  readonly tables: DescriptorTables;
  readonly stack: EventStack;
  /** Recomputes derived state. */
  readonly reload: () => void;
  /** A fault of the delivery itself, or of IRET: what it leads to. */
  readonly raise: (vector: number, errorCode: number) => number;
  /** A switch of tasks by hardware, `source` a `TASK_SWITCH`: a VM exit, or the end. */
  readonly taskSwitch: (selector: number, source: number) => number;
}
