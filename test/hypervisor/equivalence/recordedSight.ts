import type { GuestSightReader } from '../../../src/engine/run/guestSight';
import type { RunningVm } from '../../../src/engine/machine/runningVm';

const ACCESS = 1;
const FAULT = 2;
const TABLE = 3;
const ENTRY = 4;
/** Place of the tables, behind the logs of so many CPUs. */
const MOST_CPUS = 8;
const PAGE_FAULT = 14;

class WordLog {
  words = new Int32Array(4096);
  length = 0;

  push(kind: number, a: number, b: number, c: number, d: number, e: number, f: number): void {
    if (this.length + 7 > this.words.length) {
      const grown = new Int32Array(2 * this.words.length);
      grown.set(this.words);
      this.words = grown;
    }
    const { words, length } = this;
    words[length] = kind;
    words[length + 1] = a;
    words[length + 2] = b;
    words[length + 3] = c;
    words[length + 4] = d;
    words[length + 5] = e;
    words[length + 6] = f;
    this.length = length + 7;
  }

  equals(other: WordLog): boolean {
    if (this.length !== other.length) return false;
    for (let i = 0; i < this.length; i++) if (this.words[i] !== other.words[i]) return false;
    return true;
  }
}

/** What a guest saw as numbers, to be compared with what it saw under another technique: all that its log has, but for spurious faults. */
export class RecordedSight implements GuestSightReader {
  /** By CPU, then the tables. */
  private readonly logs = Array.from({ length: MOST_CPUS + 1 }, () => new WordLog());

  clear(): void {
    for (const log of this.logs) log.length = 0;
  }

  equals(other: RecordedSight): boolean {
    return this.logs.every((log, i) => log.equals(other.logs[i]!));
  }

  access(cpu: number, operation: number, gvaLo: number, gvaHi: number, size: number, valueLo: number, valueHi: number): void {
    this.logs[cpu]!.push(ACCESS | operation << 4, gvaLo, gvaHi, size, valueLo, valueHi, 0);
  }

  fault(cpu: number, vector: number, code: number, addressLo: number, addressHi: number, spurious: number): void {
    if (spurious === 0) this.logs[cpu]!.push(FAULT, vector, code, vector === PAGE_FAULT ? addressLo : 0, vector === PAGE_FAULT ? addressHi : 0, 0, 0);
  }

  table(vm: RunningVm, level: number, gfn: number): void {
    this.logs[MOST_CPUS]!.push(TABLE, vm.number, level, gfn, 0, 0, 0);
  }

  entry(index: number, lo: number, hi: number): void {
    this.logs[MOST_CPUS]!.push(ENTRY, index, lo, hi, 0, 0, 0);
  }

  tableEnds(): void {
    // The next one's beginning says so.
  }
}
