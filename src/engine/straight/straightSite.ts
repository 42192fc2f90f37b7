import type { Processor } from '../../hardware/processor/processor';
import type { multiply, shiftLeft, shiftRight } from '../arithmetic';
import type { AccessSieve } from './accessSieve';
import type { FaultRepeats } from '../interpreter/faultRepeats';
import type { GuestStack } from '../interpreter/guestStack';
import type { NumberTables } from '../interpreter/numberTable';
import type { PrivilegeSwitch } from '../interpreter/privilegeSwitch';
import type { Whereabouts } from './whereabouts';

/** How straight code was left; a `STATUS`, which is not negative: with an access that others have to look after. */
export const LEFT = {
  /** At an instruction that may be straight code again. */
  here: -1,
  /** At an instruction that only the interpreter can do. */
  forInterpreter: -2,
} as const;

/** What straight code of one CPU works on, and what it leaves behind: nothing of it outlives a run of it. */
export interface StraightSite {
  readonly words: Int32Array;
  /** Of the running frame. */
  base: number;
  readonly globals: Int32Array;
  readonly tables: NumberTables;
  readonly processor: Processor;
  readonly stack: GuestStack;
  readonly attention: Int32Array;
  readonly repeats: FaultRepeats;
  readonly privilege: PrivilegeSwitch;
  readonly multiply: typeof multiply;
  readonly shiftLeft: typeof shiftLeft;
  readonly shiftRight: typeof shiftRight;
  /** Where events may be listened to: told before whatever may bring one about. */
  readonly whereabouts: Whereabouts;
  /** Accesses that it lets through are the interpreter's; undefined: none. */
  sieve: AccessSieve | undefined;
  /** 1 in word 0: somebody who has heard of an event wants the run to stop behind its step. */
  readonly stop: Int32Array;
  /** It ends soon behind so many steps. */
  most: number;
  /** Instruction to go on at. */
  pc: number;
  /** Steps and statements. */
  steps: number;
  counted: number;
  /** The statement that last began. */
  statement: number;
  /** Instruction of the last access, or -1, and its step, counted as `steps`. */
  accessAt: number;
  accessStep: number;
  /** A `LEFT` or a `STATUS`. */
  left: number;
}
