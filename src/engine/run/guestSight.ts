import { OPERATION } from '../../hardware/paging/accessKinds';
import { CPU_AT, KIND, KIND_AT, field } from '../../hardware/events/eventTable';
import { nextSetWord } from '../../hardware/memory/frameContents';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { ACCESS } from '../../hardware/paging/accessKinds';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK } from '../../hardware/paging/walkOutcome';
import { entriesOf, guestRoots, guestTablePages } from '../questions/guestTablePages';
import type { Machine } from '../machine/machine';
import type { RunningVm } from '../machine/runningVm';

const PAGE_FAULT = 14;

/** Kinds of event that the guest's sight is made of. */
export const guestSightKinds: readonly number[] = [KIND.access_done, KIND.exception_delivered];

/** Takes what a guest saw, as numbers; 64-bit ones as (lo, hi). `cpu`: its number on the machine. */
export interface GuestSightReader {
  /** An access that was completed: an `OPERATION`, load or store of `size` bytes, and as much of its value as they hold. */
  access(cpu: number, operation: number, gvaLo: number, gvaHi: number, size: number, valueLo: number, valueHi: number): void;
  /** A fault that was delivered; (addressLo, addressHi) is CR2's value of a page fault. `spurious`: 1 when the guest's tables allow by now what was refused. */
  fault(cpu: number, vector: number, code: number, addressLo: number, addressHi: number, spurious: number): void;
  /** A page of paging structures of `level`, whose entries that are not 0 follow, by ascending index, and then its end. */
  table(vm: RunningVm, level: number, gfn: number): void;
  entry(index: number, lo: number, hi: number): void;
  tableEnds(): void;
}

/**
 * What the guest can see and nothing else: completed accesses, faults delivered, and at barriers and the end the paging
 * structures that its roots reach. Two techniques agree when it is equal under them, but for spurious faults.
 */
export class GuestSight {
  constructor(private readonly machine: Machine, private readonly reader: GuestSightReader) {}

  note(record: Int32Array): void {
    const cpu = record[CPU_AT]!;
    if (record[KIND_AT] === KIND.access_done) this.noteAccess(cpu, record);
    else if (record[KIND_AT] === KIND.exception_delivered) this.noteFault(cpu, record);
  }

  /**
   * The tables of each VM, as pages by ascending address, reachable from a process's root or CR3.
   * `meeting`: the barrier that was met, which is about those VMs only whose CPUs meet there.
   */
  noteTables(meeting?: number): void {
    const { program, vms } = this.machine;
    const actors = meeting === undefined ? [] : program.meetings[meeting]!.actors;
    const met = new Set(actors.map((actor) => program.actors[actor]!.vm).filter((vm) => vm >= 0));
    for (const vm of vms) if (met.size === 0 || met.has(vm.number)) this.noteTablesOf(vm);
  }

  private noteTablesOf(vm: RunningVm): void {
    const { machine: { memory, interpreter }, reader } = this;
    const { technique, processors } = vm;
    const cpus = processors.map(({ cpu }) => cpu);
    const first = cpus[0]!;
    const roots = guestRoots(vm, cpus, interpreter.processes);
    const { format } = technique.guestTables(first);
    const { entryBytes } = format;
    const pages = [...guestTablePages(memory, technique, first, roots)].sort(([a], [b]) => a - b);
    for (const [gfn, level] of pages) {
      const frame = technique.guestMemory.contentsOf(gfn);
      const end = entriesOf(format, level) * entryBytes;
      reader.table(vm, level, gfn);
      for (let at = nextSetWord(memory, frame, 0); at >= 0 && at < end; at = nextSetWord(memory, frame, at + entryBytes)) {
        at -= at % entryBytes;
        const address = (frame << 12) | at;
        reader.entry(at / entryBytes, memory.load32(address, frame >>> 20), entryBytes === 4 ? 0 : memory.load32(address | 4, frame >>> 20));
      }
      reader.tableEnds();
    }
  }

  private noteAccess(cpu: number, record: Int32Array): void {
    const operation = record[field.what.at]!;
    if (operation === OPERATION.readModifyWrite) {
      this.noteValue(cpu, OPERATION.load, record, field.old.at);
      this.noteValue(cpu, OPERATION.store, record, field.value.at);
    } else {
      this.noteValue(cpu, operation, record, field.value.at);
    }
  }

  /** The operand may be wider than the access: what memory takes of it counts. */
  private noteValue(cpu: number, operation: number, record: Int32Array, at: number): void {
    const size = record[field.size.at]!;
    this.reader.access(cpu, operation, record[field.gva.at]!, record[field.gva.at + 1]!, size, record[at]! & bytesMask(size), record[at + 1]! & bytesMask(size - 4));
  }

  private noteFault(cpu: number, record: Int32Array): void {
    const vector = record[field.vector.at]!;
    const isSpurious = vector === PAGE_FAULT && this.isSpurious(cpu, record);
    this.reader.fault(cpu, vector, record[field.code.at]!, record[field.gva.at]!, record[field.gva.at + 1]!, isSpurious ? 1 : 0);
  }

  /** The guest's tables allow by now what the fault says they do not. */
  private isSpurious(cpu: number, record: Int32Array): boolean {
    const code = record[field.code.at]!;
    const kind = code & PFEC.ID ? ACCESS.fetch : code & PFEC.W ? ACCESS.write : ACCESS.read;
    const access = code & PFEC.U ? kind | ACCESS.user : kind;
    const space = this.machine.guestOn(cpu).technique.guestTables(cpu);
    return walk(space, record[field.gva.at]!, record[field.gva.at + 1]!, access, EFFECTS.none) === WALK.mapped;
  }
}

/** Mask of the low half of an operand of so many bytes: 0 for none. */
function bytesMask(bytes: number): number {
  return bytes >= 4 ? -1 : bytes <= 0 ? 0 : (1 << (8 * bytes)) - 1;
}
