import type { Registry } from '../../hardware/state/registry';

const STATUS = 0;
const CPU = 1;
const STATEMENT = 2;
const VECTOR = 3;
const CODE = 4;
const ADDRESS = 5;
const IS_MEANT = 7;
const WORDS = 8;
/** Behind those of the VMs: how many deaths no expectation meant, and the VM of the last of them. */
const TAIL_WORDS = 2;

/** What a VM, or the run, came to an end of. */
export interface Death {
  /** A `RUN` past `ended`. */
  readonly status: number;
  readonly cpu: number;
  readonly statement: number;
  readonly vector: number;
  readonly code: number;
  readonly addressLo: number;
  readonly addressHi: number;
}

/** The VMs that cannot go on, while the others do. */
export class Deaths {
  private readonly words: Int32Array;

  constructor(registry: Registry, private readonly vms: number) {
    this.words = registry.block('deaths', WORDS * vms + TAIL_WORDS);
  }

  /** VM `vm` does nothing more. `kind`: whether an `expect stopped` says so. */
  note(vm: number, kind: 'meant' | 'not meant', { status, cpu, statement, vector, code, addressLo, addressHi }: Death): void {
    this.words.set([status, cpu, statement, vector, code, addressLo, addressHi, kind === 'meant' ? 1 : 0], WORDS * vm);
    if (kind === 'meant') return;
    this.words[WORDS * this.vms]!++;
    this.words[WORDS * this.vms + 1] = vm;
  }

  /** How many no expectation meant. */
  get count(): number {
    return this.words[WORDS * this.vms]!;
  }

  isGone(vm: number): boolean {
    return vm >= 0 && this.words[WORDS * vm + STATUS] !== 0;
  }

  /** Those that no expectation meant, by VM. */
  unexpected(): readonly Death[] {
    return Array.from({ length: this.vms }, (_, vm) => vm)
      .filter((vm) => this.isGone(vm) && this.words[WORDS * vm + IS_MEANT] === 0)
      .map((vm) => this.of(vm));
  }

  /** The last of those; there must be one. */
  get last(): Death {
    return this.of(this.words[WORDS * this.vms + 1]!);
  }

  /** What VM `vm`, which is gone, died of. */
  of(vm: number): Death {
    const word = (at: number): number => this.words[WORDS * vm + at]!;
    return {
      status: word(STATUS), cpu: word(CPU), statement: word(STATEMENT), vector: word(VECTOR), code: word(CODE),
      addressLo: word(ADDRESS), addressHi: word(ADDRESS + 1),
    };
  }
}
