import { frameInEntry } from '../../hardware/memory/frameNumber';
import type { Registry } from '../../hardware/state/registry';
import type { ProcessRow } from '../../language/virtualMachines';
import { setPairAt } from '../arithmetic';

/** Words of a process: its root, then its PCID, as pairs of halves. */
const PROCESS_WORDS = 4;

/** A process whose tables the guest kernel has made. */
export interface ProcessRoot {
  readonly process: number;
  readonly name: string;
  /** Guest frame of its root table. */
  readonly frame: number;
}

/** The processes of all VMs, by number: root and PCID as the kernel library sets them; 0 before it has. */
export class ProcessTable {
  private readonly words: Int32Array;

  constructor(registry: Registry, private readonly rows: readonly ProcessRow[]) {
    this.words = registry.block('processes', PROCESS_WORDS * Math.max(1, rows.length));
  }

  /** Puts field `field` (0 root, 1 pcid) of `process` into the pair at `at`; 0 for a number that is no process's. */
  get(process: number, field: number, words: Int32Array, at: number): void {
    const from = PROCESS_WORDS * process + 2 * field;
    setPairAt(words, at, this.words[from] ?? 0, this.words[from + 1] ?? 0);
  }

  set(process: number, field: number, lo: number, hi: number): void {
    setPairAt(this.words, PROCESS_WORDS * process + 2 * field, lo, hi);
  }

  /** Guest frame of the root table of `process`, or 0 when it has none yet. */
  rootFrame(process: number): number {
    return frameInEntry(this.words[PROCESS_WORDS * process]!, this.words[PROCESS_WORDS * process + 1]!);
  }

  /** The processes of VM `vm` that have a root table: number, name and guest frame of it. */
  rootsOf(vm: number): readonly ProcessRoot[] {
    return this.rows.flatMap((row, process) => {
      const frame = row.vm === vm ? this.rootFrame(process) : 0;
      return frame === 0 ? [] : [{ process, name: row.name, frame }];
    });
  }
}
