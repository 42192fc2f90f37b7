import type { Registry } from '../../hardware/state/registry';

/** Entries kept of each log; an expectation about more than that counts only. */
export const LOG_LENGTH = 256;
const FAULT_WORDS = 4;

const FAULTS = 0;
const EXITS = 1;
const REFUSALS = 2;
const STOPS = 3;
const LOGS = 4;

/**
 * What has happened to one CPU, in order: exceptions that a handler was called for, VM exits, refused accesses, stops of its VM. Rings
 * of the last entries, with counts that never wrap; `expect` reads them from a mark on.
 */
export class Happenings {
  private readonly faults: Int32Array;
  private readonly exits: Int32Array;
  private readonly stops: Int32Array;
  private readonly counts: Float64Array;

  constructor(registry: Registry, cpu: number) {
    this.faults = registry.block(`cpu ${cpu} faults`, FAULT_WORDS * LOG_LENGTH);
    this.exits = registry.block(`cpu ${cpu} exits`, LOG_LENGTH);
    this.stops = registry.block(`cpu ${cpu} stops`, 1);
    this.counts = registry.numbers(`cpu ${cpu} happenings`, LOGS);
  }

  /** How much has happened by now, for `putBack`: what comes in between has not happened then. */
  counted(): Float64Array {
    return this.counts.slice();
  }

  putBack(counted: Float64Array): void {
    this.counts.set(counted);
  }

  /** How many entries log `log` (the language's `LOG`) has had. */
  count(log: number): number {
    return this.counts[log]!;
  }

  noteFault(vector: number, code: number, lo: number, hi: number): void {
    this.faults.set([code, lo, hi, vector], (this.counts[FAULTS]!++ % LOG_LENGTH) * FAULT_WORDS);
  }

  noteExit(reason: number): void {
    this.exits[this.counts[EXITS]!++ % LOG_LENGTH] = reason;
  }

  noteRefusal(): void {
    this.counts[REFUSALS]!++;
  }

  /** The VM cannot go on. `cause`: index into the language's `stopCauses`. */
  noteStop(cause: number): void {
    this.stops[0] = cause;
    this.counts[STOPS]!++;
  }

  /** Why the VM stopped last. */
  get stopCause(): number {
    return this.stops[0]!;
  }

  /** Reason of exit number `n`, counted from 0. */
  exit(n: number): number {
    return this.exits[n % LOG_LENGTH]!;
  }

  faultCode(n: number): number {
    return this.faults[(n % LOG_LENGTH) * FAULT_WORDS]!;
  }

  faultAddressLo(n: number): number {
    return this.faults[(n % LOG_LENGTH) * FAULT_WORDS + 1]!;
  }

  faultAddressHi(n: number): number {
    return this.faults[(n % LOG_LENGTH) * FAULT_WORDS + 2]!;
  }

  faultVector(n: number): number {
    return this.faults[(n % LOG_LENGTH) * FAULT_WORDS + 3]!;
  }
}
