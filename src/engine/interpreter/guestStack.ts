import type { ReachedWords } from '../../hardware/state/reachedWords';
import type { Registry } from '../../hardware/state/registry';

/** Words of a frame's header, right below its registers. */
const HEADER = 12;
const PROCEDURE = 12;
const RETURN_TO = 11;
const CALLER_BASE = 10;
const RESULT = 9;
const SAVED_LEVEL = 8;
const IS_HANDLER = 7;
const ERROR_CODE = 6;
const FAULT_ADDRESS = 5;
const SAVED_FLAGS = 3;
const VECTOR = 2;

const STACK_WORDS = 16384;

const PC = 0;
const BASE = 1;
const DEPTH = 2;
const TOP = 3;
const STATEMENT = 4;
const CPU_WORDS = 16;

/** Calls may nest this deep; the scenario stops past it. */
export const MAX_DEPTH = 200;

/** A frame as it lies on the stack; `pc`: the instruction that it goes on with. */
export interface GuestFrame {
  readonly procedure: number;
  readonly base: number;
  readonly pc: number;
  readonly isHandler: boolean;
}

/**
 * Where one CPU is in the program: program counter and the frames of procedures and handlers, with
 * their registers. The unit is the 32-bit word; a register is two. Frame 0 is the `cpu` block.
 */
export class GuestStack {
  readonly words: Int32Array;
  private readonly stack: ReachedWords;
  private readonly state: Int32Array;

  constructor(registry: Registry, cpu: number) {
    this.stack = registry.reached(`cpu ${cpu} stack`, STACK_WORDS);
    this.words = this.stack.words;
    this.state = registry.block(`cpu ${cpu} program`, CPU_WORDS);
  }

  /** Instruction number that runs next. */
  get pc(): number {
    return this.state[PC]!;
  }

  set pc(value: number) {
    this.state[PC] = value;
  }

  /** Word index of register 0 of the running frame. */
  get base(): number {
    return this.state[BASE]!;
  }

  /** Number of the procedure that the running frame is of. */
  get procedure(): number {
    return this.words[this.base - PROCEDURE]!;
  }

  /** Frames above the `cpu` block's. */
  get depth(): number {
    return this.state[DEPTH]!;
  }

  /** The statement that last began, of whatever frame. */
  get statement(): number {
    return this.state[STATEMENT]!;
  }

  set statement(value: number) {
    this.state[STATEMENT] = value;
  }

  /** The first frame: the `cpu` block `procedure`. */
  start(procedure: number, entry: number, registers: number): void {
    this.state.fill(0);
    this.state[PC] = entry;
    this.state[BASE] = HEADER;
    this.state[TOP] = HEADER + 2 * registers;
    this.stack.reach(HEADER + 2 * registers);
    this.words[HEADER - PROCEDURE] = procedure;
    this.words.fill(0, HEADER, HEADER + 2 * registers);
  }

  /** True when a frame of `registers` registers still fits. */
  hasRoom(registers: number): boolean {
    return this.depth < MAX_DEPTH && this.state[TOP]! + HEADER + 2 * registers <= STACK_WORDS;
  }

  /**
   * Enters a frame at `entry`. `returnTo` is where the caller goes on; `result` the caller's
   * register that takes the value. The new frame's registers are zero; arguments are the caller's
   * to copy. Gives the new base.
   */
  push(procedure: number, entry: number, registers: number, returnTo: number, result: number): number {
    const base = this.state[TOP]! + HEADER;
    this.stack.reach(base + 2 * registers);
    this.words.fill(0, base - HEADER, base + 2 * registers);
    this.words[base - PROCEDURE] = procedure;
    this.words[base - RETURN_TO] = returnTo;
    this.words[base - CALLER_BASE] = this.base;
    this.words[base - RESULT] = result;
    this.state[BASE] = base;
    this.state[TOP] = base + 2 * registers;
    this.state[DEPTH]!++;
    this.state[PC] = entry;
    return base;
  }

  /** Marks the running frame as the handler of `vector`, entered from CPL `level` with RFLAGS `flags`, for a fault at (lo, hi) with `errorCode`. */
  markHandler(vector: number, level: number, flags: number, errorCode: number, lo: number, hi: number): void {
    this.words[this.base - SAVED_LEVEL] = level;
    this.words[this.base - SAVED_FLAGS] = flags;
    this.words[this.base - VECTOR] = vector;
    this.words[this.base - IS_HANDLER] = 1;
    this.words[this.base - ERROR_CODE] = errorCode;
    this.words[this.base - FAULT_ADDRESS] = lo;
    this.words[this.base - FAULT_ADDRESS + 1] = hi;
  }

  /** The fault that handler frame `base` was entered for: its parameters may have been assigned since. */
  faultOf(base: number): { readonly vector: number; readonly errorCode: number; readonly lo: number; readonly hi: number } {
    const { words } = this;
    return { vector: words[base - VECTOR]!, errorCode: words[base - ERROR_CODE]!, lo: words[base - FAULT_ADDRESS]!, hi: words[base - FAULT_ADDRESS + 1]! };
  }

  /** Leaves the running frame: its caller goes on where the frame said. */
  pop(): void {
    const base = this.base;
    this.state[PC] = this.words[base - RETURN_TO]!;
    this.state[TOP] = base - HEADER;
    this.state[BASE] = this.words[base - CALLER_BASE]!;
    this.state[DEPTH]!--;
  }

  /** Leaves the running frame, and gives its caller the result; the instruction that the caller goes on at. */
  leave(lo: number, hi: number): number {
    const result = this.resultRegister;
    this.pop();
    const at = this.base + 2 * result;
    this.words[at] = lo;
    this.words[at + 1] = hi;
    return this.pc;
  }

  /** Register of the caller that takes the running frame's result. */
  get resultRegister(): number {
    return this.words[this.base - RESULT]!;
  }

  /** CPL that the running handler interrupted. */
  get savedLevel(): number {
    return this.words[this.base - SAVED_LEVEL]!;
  }

  /** RFLAGS that the running handler interrupted. */
  get savedFlags(): number {
    return this.words[this.base - SAVED_FLAGS]!;
  }

  /** Vector that the running handler is for. */
  get savedVector(): number {
    return this.words[this.base - VECTOR]!;
  }

  /** Word index of register 0 of the frame at `depth`, from 0 at the bottom; -1: there is none so high. */
  baseAt(depth: number): number {
    if (depth < 0 || depth > this.depth) return -1;
    let { base } = this;
    for (let at = this.depth; at > depth; at--) base = this.words[base - CALLER_BASE]!;
    return base;
  }

  /** Number of the procedure that the frame at a base is of. */
  procedureAt(base: number): number {
    return this.words[base - PROCEDURE]!;
  }

  isHandlerAt(base: number): boolean {
    return this.words[base - IS_HANDLER] === 1;
  }

  /** Frames from the running one down: procedure, its base, and the instruction it stands at. */
  frames(): GuestFrame[] {
    const frames: GuestFrame[] = [];
    let base = this.base;
    let pc = this.pc;
    for (let depth = this.depth; depth >= 0; depth--) {
      frames.push({ procedure: this.words[base - PROCEDURE]!, base, pc, isHandler: this.isHandlerAt(base) });
      pc = this.words[base - RETURN_TO]!;
      base = this.words[base - CALLER_BASE]!;
    }
    return frames;
  }
}
