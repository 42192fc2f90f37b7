import { OPERATION, operationNames } from '../hardware/paging/accessKinds';
import { CPU_AT, KIND, KIND_AT, field } from '../hardware/events/eventTable';
import { PFEC } from '../hardware/paging/pageFaultErrorCode';
import { ACCESS } from '../hardware/paging/accessKinds';
import { walk } from '../hardware/paging/walk';
import { EFFECTS, WALK } from '../hardware/paging/walkOutcome';
import { pairToBigInt } from './arithmetic';
import { entriesOf, guestRoots, guestTablePages } from './guestTablePages';
import type { Machine } from './machine';
import type { RunningVm } from './runningVm';

export type GuestLogLine = Readonly<Record<string, unknown>>;

const PAGE_FAULT = 14;

/** Kinds of event that the guest log is made from. */
export const guestLogKinds: readonly number[] = [KIND.access_done, KIND.exception_delivered];

/**
 * What the guest could see and nothing else: completed accesses, faults delivered, and at barriers and the end the
 * paging structures that its roots reach. Two techniques agree when their logs do. A guest does not see other VMs: CPUs are
 * numbered as its own, and where there are several VMs each line says whose it is.
 */
export class GuestLog {
  private readonly next: number[] = [];

  constructor(private readonly machine: Machine, private readonly write: (line: GuestLogLine) => void) {}

  note(record: Int32Array): void {
    const cpu = record[CPU_AT]!;
    if (record[KIND_AT] === KIND.access_done) this.noteAccess(cpu, record);
    else if (record[KIND_AT] === KIND.exception_delivered) this.noteFault(cpu, record);
  }

  /**
   * For each VM one line for each paging-structure page reachable from a process's root or CR3, by ascending address.
   * `meeting`: the barrier that was met, which is about those VMs only whose CPUs meet there.
   */
  noteTables(meeting?: number): void {
    const { program, vms } = this.machine;
    const actors = meeting === undefined ? [] : program.meetings[meeting]!.actors;
    const met = new Set(actors.map((actor) => program.actors[actor]!.vm).filter((vm) => vm >= 0));
    for (const vm of vms) if (met.size === 0 || met.has(vm.number)) this.noteTablesOf(vm);
  }

  private noteTablesOf(vm: RunningVm): void {
    const { machine: { memory, interpreter } } = this;
    const { technique, processors } = vm;
    const cpus = processors.map(({ cpu }) => cpu);
    const first = cpus[0]!;
    const roots = guestRoots(vm, cpus, interpreter.processes);
    const { format } = technique.guestTables(first);
    const { levelNames: names, entryBytes } = format;
    const pages = [...guestTablePages(memory, technique, first, roots)].sort(([a], [b]) => a - b);
    for (const [gfn, level] of pages) {
      const frame = technique.guestMemory.contentsOf(gfn);
      const words: [number, string][] = [];
      const entries = frame < 0 ? 0 : entriesOf(format, level);
      for (let index = 0; index < entries; index++) {
        const at = (frame << 12) | (index * entryBytes);
        const value = pairToBigInt(memory.load32(at, frame >>> 20), entryBytes === 4 ? 0 : memory.load32(at | 4, frame >>> 20));
        if (value !== 0n) words.push([index, hex(value)]);
      }
      this.write({ ...this.whose(vm), table: `${names[level] ?? ''} page`, gpa: hex(BigInt(gfn) << 12n), words });
    }
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

  private noteAccess(cpu: number, record: Int32Array): void {
    const operation = record[field.what.at]!;
    const size = record[field.size.at]!;
    // The operand may be wider than the access: what memory takes of it counts.
    const value = (at: number): string => hex(BigInt.asUintN(8 * size, pairToBigInt(record[at]!, record[at + 1]!)));
    const line = (op: string, at: number): void => this.write({
      ...this.cpu(cpu), seq: this.sequence(cpu), op, gva: pair(record, field.gva.at), size, value: value(at),
    });
    if (operation === OPERATION.readModifyWrite) {
      line('load', field.old.at);
      line('store', field.value.at);
    } else {
      line(operationNames[operation]!, field.value.at);
    }
  }

  private noteFault(cpu: number, record: Int32Array): void {
    const vector = record[field.vector.at]!;
    const isPageFault = vector === PAGE_FAULT;
    this.write({
      ...this.cpu(cpu), seq: this.sequence(cpu), vector, code: hex(BigInt(record[field.code.at]! >>> 0)),
      ...(isPageFault ? { cr2: pair(record, field.gva.at) } : {}),
      spurious: isPageFault && this.isSpurious(cpu, record),
    });
  }

  /** The guest's tables allow by now what the fault says they do not. */
  private isSpurious(cpu: number, record: Int32Array): boolean {
    const code = record[field.code.at]!;
    const kind = code & PFEC.ID ? ACCESS.fetch : code & PFEC.W ? ACCESS.write : ACCESS.read;
    const access = code & PFEC.U ? kind | ACCESS.user : kind;
    const space = this.machine.guestOn(cpu).technique.guestTables(cpu);
    return walk(space, record[field.gva.at]!, record[field.gva.at + 1]!, access, EFFECTS.none) === WALK.mapped;
  }

  private sequence(cpu: number): number {
    const actor = this.machine.nesting.runningOn(cpu);
    const next = this.next[actor] ?? 0;
    this.next[actor] = next + 1;
    return next;
  }
}

function pair(record: Int32Array, at: number): string {
  return hex(pairToBigInt(record[at]!, record[at + 1]!));
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
