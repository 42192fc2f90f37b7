import { operationNames } from '../../hardware/paging/accessKinds';
import { pairToBigInt } from '../arithmetic';
import { GuestSight, guestSightKinds, type GuestSightReader } from './guestSight';
import type { Machine } from '../machine/machine';
import type { RunningVm } from '../machine/runningVm';

export type GuestLogLine = Readonly<Record<string, unknown>>;

const PAGE_FAULT = 14;

/** Kinds of event that the guest log is made from. */
export const guestLogKinds = guestSightKinds;

/**
 * What the guest could see, as lines. A guest does not see other VMs: CPUs are numbered as its own, and where there are several VMs
 * each line says whose it is.
 */
export class GuestLog implements GuestSightReader {
  private readonly next: number[] = [];
  private readonly sight: GuestSight;
  /** Of the table that is being read. */
  private heading: GuestLogLine = {};
  private words: [number, string][] = [];

  constructor(private readonly machine: Machine, private readonly write: (line: GuestLogLine) => void) {
    this.sight = new GuestSight(machine, this);
  }

  note(record: Int32Array): void {
    this.sight.note(record);
  }

  /**
   * For each VM one line for each paging-structure page reachable from a process's root or CR3, by ascending address.
   * `meeting`: the barrier that was met, which is about those VMs only whose CPUs meet there.
   */
  noteTables(meeting?: number): void {
    this.sight.noteTables(meeting);
  }

  access(cpu: number, operation: number, gvaLo: number, gvaHi: number, size: number, valueLo: number, valueHi: number): void {
    this.write({
      ...this.cpu(cpu), seq: this.sequence(cpu), op: operationNames[operation]!, gva: hex(gvaLo, gvaHi), size, value: hex(valueLo, valueHi),
    });
  }

  fault(cpu: number, vector: number, code: number, addressLo: number, addressHi: number, spurious: number): void {
    this.write({
      ...this.cpu(cpu), seq: this.sequence(cpu), vector, code: hex(code, 0),
      ...(vector === PAGE_FAULT ? { cr2: hex(addressLo, addressHi) } : {}),
      spurious: spurious === 1,
    });
  }

  table(vm: RunningVm, level: number, gfn: number): void {
    const { levelNames: names } = vm.technique.guestTables(vm.processors[0]!.cpu).format;
    this.words = [];
    this.heading = { ...this.whose(vm), table: `${names[level] ?? ''} page`, gpa: hex(gfn << 12, gfn >>> 20) };
  }

  entry(index: number, lo: number, hi: number): void {
    this.words.push([index, hex(lo, hi)]);
  }

  tableEnds(): void {
    this.write({ ...this.heading, words: this.words });
  }

  /** The VM, where there are several. */
  private whose({ name }: RunningVm): GuestLogLine {
    return this.machine.vms.length > 1 ? { vm: name } : {};
  }

  /** CPU `cpu` as its guest numbers it. */
  private cpu(cpu: number): GuestLogLine {
    const vm = this.machine.guestOn(cpu);
    return { ...this.whose(vm), cpu: vm.processors.findIndex((processor) => processor.cpu === cpu) };
  }

  private sequence(cpu: number): number {
    const actor = this.machine.nesting.runningOn(cpu);
    const next = this.next[actor] ?? 0;
    this.next[actor] = next + 1;
    return next;
  }
}

function hex(lo: number, hi: number): string {
  return `0x${pairToBigInt(lo, hi).toString(16)}`;
}
