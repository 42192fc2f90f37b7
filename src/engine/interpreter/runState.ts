import type { Registry } from '../../hardware/state/registry';

/** How a run stands. Anything past `ended` is a death, with the words below telling of what. */
export const RUN = {
  running: 0,
  ended: 1,
  /** A vector for which the guest has no handler: double and triple fault. */
  tripleFault: 2,
  /** The guest's handler gave an access up and no `expect refused` stood below it. */
  refused: 3,
  divideByZero: 4,
  callsTooDeep: 5,
  /** The handler returns without repairing anything. */
  handlerLoop: 6,
  /** The hypervisor could not go on. */
  hypervisorStopped: 7,
  /** Nobody can go on: all wait for each other. */
  deadlock: 8,
  /** A host action found what it cannot do; its sentence is the machine's to tell. */
  hostActionRefused: 9,
  /** VMLAUNCH or VMRESUME of a nested guest while another one's VMCS is current. */
  otherVmcs: 10,
} as const;

const STATUS = 0;
const CPU = 1;
const STATEMENT = 2;
const VECTOR = 3;
const CODE = 4;
const ADDRESS = 5;
const EXPECT_PASSED = 7;
const EXPECT_FAILED = 8;
const COUNTING = 9;
const LAST_ACCESS_STATEMENT = 10;
/** Level at which a load in an expectation found nothing, plus 1; then its address, and the VM. */
const UNMAPPED = 11;
/** Actor whose access was the last. */
const LAST_ACCESS_ACTOR = 15;
const WORDS = 16;

const STEP = 0;
const LAST_ACCESS_STEP = 1;

/** What the run has come to: step count, expectations, the end and its cause. */
export class RunState {
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;

  constructor(registry: Registry) {
    this.words = registry.block('run', WORDS);
    this.numbers = registry.numbers('run clock', 2);
  }

  /** Instructions executed since the run began. */
  get step(): number {
    return this.numbers[STEP]!;
  }

  set step(value: number) {
    this.numbers[STEP] = value;
  }

  /** Step of the last instruction that made an access, or -1; its statement; and whose it was. */
  get lastAccessStep(): number {
    return this.numbers[LAST_ACCESS_STEP]! - 1;
  }

  get lastAccessStatement(): number {
    return this.words[LAST_ACCESS_STATEMENT]!;
  }

  get lastAccessActor(): number {
    return this.words[LAST_ACCESS_ACTOR]!;
  }

  /** `actor`'s instruction of this step, of this statement, made an access. */
  noteAccess(step: number, statement: number, actor: number): void {
    this.words[LAST_ACCESS_ACTOR] = actor;
    this.numbers[LAST_ACCESS_STEP] = step + 1;
    this.words[LAST_ACCESS_STATEMENT] = statement;
  }

  get status(): number {
    return this.words[STATUS]!;
  }

  end(): void {
    this.words[STATUS] = RUN.ended;
  }

  die(status: number, cpu: number, statement: number, vector: number, code: number, lo: number, hi: number): void {
    this.words.set([status, cpu, statement, vector, code, lo, hi]);
  }

  get cpu(): number {
    return this.words[CPU]!;
  }

  get statement(): number {
    return this.words[STATEMENT]!;
  }

  get vector(): number {
    return this.words[VECTOR]!;
  }

  get code(): number {
    return this.words[CODE]!;
  }

  get addressLo(): number {
    return this.words[ADDRESS]!;
  }

  get addressHi(): number {
    return this.words[ADDRESS + 1]!;
  }

  get passed(): number {
    return this.words[EXPECT_PASSED]!;
  }

  get failed(): number {
    return this.words[EXPECT_FAILED]!;
  }

  judge(held: boolean): void {
    this.words[held ? EXPECT_PASSED : EXPECT_FAILED]!++;
  }

  /** True once boot is over and the scenario's own program runs. */
  get isCounting(): boolean {
    return this.words[COUNTING] === 1;
  }

  startCounting(): void {
    this.words[COUNTING] = 1;
  }

  /** A load in an expectation found no translation: an entry of `level` of VM `vm` was not present. */
  noteUnmapped(vm: number, level: number, lo: number, hi: number): void {
    if (this.words[UNMAPPED] === 0) this.words.set([level + 1, lo, hi, vm], UNMAPPED);
  }

  /** The first load since the last call that found nothing. */
  takeUnmapped(): { readonly vm: number; readonly level: number; readonly lo: number; readonly hi: number } | undefined {
    const level = this.words[UNMAPPED]!;
    this.words[UNMAPPED] = 0;
    return level === 0 ? undefined : { vm: this.words[UNMAPPED + 3]!, level: level - 1, lo: this.words[UNMAPPED + 1]!, hi: this.words[UNMAPPED + 2]! };
  }
}
