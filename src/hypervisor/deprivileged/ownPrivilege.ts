import type { GuestPrivilege } from '../../hardware/processor/guestPrivilege';
import { SEGMENT_STATE_WORDS, SegmentRegisters, type SegmentValue } from '../../hardware/segments/segmentRegisters';
import type { StateClaims } from '../../hardware/state/registry';

const LEVEL = 0;
const INTERRUPT_FLAG = 1;
const IO_LEVEL = 2;
const SEGMENTS = 3;

/** What the privilege of a guest hangs on besides: its root, its segments, and its control registers. */
export interface PrivilegeOwner {
  /** The guest has gone to the other of its levels. */
  switchRoot(): void;
  /** The guest has a segment register of this value, by a way that costs nothing. */
  useSegment(segment: number, value: SegmentValue): void;
  visibleLo(register: number): number | undefined;
}

/** Level, segment registers, RFLAGS.IF and IOPL of one virtual CPU, as the guest's own machine would have them. */
export class OwnPrivilege implements GuestPrivilege {
  owner: PrivilegeOwner | undefined;
  readonly segments: SegmentRegisters;
  private readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number) {
    this.words = registry.block(`cpu${cpu}.privilege`, SEGMENTS + SEGMENT_STATE_WORDS);
    const claims = registry.room('');
    this.segments = new SegmentRegisters({ ...claims, block: (_, words) => this.words.subarray(SEGMENTS, SEGMENTS + words) }, cpu);
  }

  get level(): number {
    return this.words[LEVEL]!;
  }

  get interruptFlag(): number {
    return this.words[INTERRUPT_FLAG]!;
  }

  /** RFLAGS.IOPL: 0 to 3. */
  get ioLevel(): number {
    return this.words[IO_LEVEL]!;
  }

  setLevel(cpl: number): void {
    if (this.words[LEVEL] === cpl) return;
    this.words[LEVEL] = cpl;
    this.owner?.switchRoot();
  }

  setInterruptFlag(flag: number): void {
    this.words[INTERRUPT_FLAG] = flag;
  }

  /** What an event, or the return from one, has made of them; the root is seen to with the return to the guest. */
  adopt(cpl: number, interruptFlag: number, ioLevel: number): void {
    this.words[LEVEL] = cpl;
    this.words[INTERRUPT_FLAG] = interruptFlag;
    this.words[IO_LEVEL] = ioLevel;
  }

  setSegment(segment: number, value: SegmentValue): void {
    this.segments.set(segment, value);
    this.owner?.useSegment(segment, value);
  }

  visibleLo(register: number): number | undefined {
    return this.owner?.visibleLo(register);
  }
}
