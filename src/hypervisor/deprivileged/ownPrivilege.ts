import type { GuestPrivilege } from '../../hardware/processor/guestPrivilege';
import type { StateClaims } from '../../hardware/state/registry';

const LEVEL = 0;
const INTERRUPT_FLAG = 1;
const WORDS = 2;

/** What the privilege of a guest hangs on besides: its root, and its control registers. */
export interface PrivilegeOwner {
  /** The guest has gone to the other of its levels. */
  switchRoot(): void;
  visibleLo(register: number): number | undefined;
}

/** Level and RFLAGS.IF of one virtual CPU, as the guest's own machine would have them. */
export class OwnPrivilege implements GuestPrivilege {
  owner: PrivilegeOwner | undefined;
  private readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number) {
    this.words = registry.block(`cpu${cpu}.privilege`, WORDS);
  }

  get level(): number {
    return this.words[LEVEL]!;
  }

  get interruptFlag(): number {
    return this.words[INTERRUPT_FLAG]!;
  }

  setLevel(cpl: number): void {
    if (this.words[LEVEL] === cpl) return;
    this.words[LEVEL] = cpl;
    this.owner?.switchRoot();
  }

  setInterruptFlag(flag: number): void {
    this.words[INTERRUPT_FLAG] = flag;
  }

  visibleLo(register: number): number | undefined {
    return this.owner?.visibleLo(register);
  }
}
