import type { PagingModeName } from './pagingModes';
import type { SettingValue } from './program';

/** Exceptions that a guest can have handlers of, by the vector's number. SDM Vol. 3, "Exception and Interrupt Reference". */
export const EXCEPTION_VECTORS = {
  double_fault: 8, general_protection: 13, page_fault: 14, virtualization_exception: 20,
} as const;
export type ExceptionName = keyof typeof EXCEPTION_VECTORS;

/** A process, and the VM (`Program.vms`) it lives in. */
export interface ProcessRow {
  readonly name: string;
  readonly vm: number;
}

/** Procedure numbers of a VM's handlers; what is absent has none. */
export interface Handlers {
  readonly exceptions: Readonly<Partial<Record<ExceptionName, number>>>;
  readonly interrupts: ReadonlyMap<number, number>;
}

/** One VM. Its globals, tables, processes, areas and procedures are numbered with those of the others. */
export interface VirtualMachine {
  /** Empty when its parts stand at the top of the file. */
  readonly name: string;
  /** The VM whose nested guest it is, or -1. */
  readonly parent: number;
  readonly machine: readonly SettingValue[];
  readonly paging: PagingModeName;
  /** `kernel none`: paging is off at first, and nothing is mapped. */
  readonly kernel: 'library' | 'none';
  readonly handlers: Handlers;
  /** Numbers of its actors: its CPUs in order. */
  readonly cpus: readonly number[];
}

/** What takes turns: the CPUs of all VMs in order, then the host threads. */
export interface Actor {
  readonly name: string;
  readonly kind: 'cpu' | 'host thread';
  /** Procedure number of its block. */
  readonly procedure: number;
  /** Of a CPU; -1 for a host thread. */
  readonly vm: number;
}

/** A name that actors meet at: a `barrier`, or a gate of `await`, `hold` and `release`. */
export interface Meeting {
  readonly name: string;
  readonly kind: 'barrier' | 'gate';
  /** Numbers of the actors whose blocks name it, procedures that they call included; of a gate those that wait and those that release. */
  readonly actors: readonly number[];
}

/** A memslot's name, and its VM. Those of `slot` settings first, in order, then those that only `add_slot` names. */
export interface SlotName {
  readonly name: string;
  readonly vm: number;
}
