/**
 * The compiled scenario: what the language hands to the engine.
 *
 * A register is 64 bits: words 2r and 2r+1 (low half first) above its frame's base. An instruction
 * is four words: operation, a, b, c. Instructions never span an access and its repair: when an
 * access faults, the program counter stays on it, the guest's handler runs in a frame of its own,
 * and the instruction runs again. That makes the access the unit of restart.
 */

import type { PagingModeName } from './pagingModes';
import type { Actor, ExceptionName, Handlers, Meeting, ProcessRow, SlotName, VirtualMachine } from './virtualMachines';

export const INSTRUCTION_WORDS = 4;

/** Operations. `r…` are registers of the running frame; `#…` are plain numbers. */
export const OP = {
  /** #statement: a statement starts here. The unit of stepping, of scheduling and of breakpoints. */
  statement: 0,
  /** r := constant #k */
  constant: 1,
  /** ra := rb */
  move: 2,

  // ra := rb op rc, unsigned 64-bit, wrapping. divide and remainder by zero stop the scenario.
  add: 3, subtract: 4, multiply: 5, divide: 6, remainder: 7,
  and: 8, or: 9, xor: 10, shiftLeft: 11, shiftRight: 12,
  // ra := 1 or 0
  equal: 13, notEqual: 14, less: 15, lessOrEqual: 16,
  /** ra := not rb, as a truth value (1 when rb is 0) */
  not: 17,
  /** ra := ~rb */
  complement: 18,
  /** ra := 1 when rb is not 0 */
  truth: 19,

  /** to instruction #a */
  jump: 20,
  /** to instruction #b when ra is not 0 */
  jumpIf: 21,
  /** to instruction #b when ra is 0 */
  jumpUnless: 22,
  /** to instruction #b unless the running technique is in the set `techniqueSets[#a]` */
  jumpUnlessTechnique: 23,

  /** ra := global #b */
  globalGet: 24,
  /** global #a := rb */
  globalSet: 25,
  /** ra := table #b at key rc (a pair of keys is folded by the compiler: key1 * 2^32 ^ key2) */
  tableGet: 26,
  /** table #a at key rb := rc */
  tableSet: 27,
  /** ra := field #b of process rc (0 root, 1 pcid) */
  processGet: 28,
  /** field #a of process rb := rc */
  processSet: 29,

  /** ra := load of #c bytes at linear address rb */
  load: 30,
  /** store of #c bytes at linear address ra of value rb */
  store: 31,
  /** read-modify-write at linear address ra with operand rb; #c is size | operation << 8 (`RMW`) */
  readModifyWrite: 32,
  /** instruction fetch at linear address ra */
  fetch: 33,
  /** ra := register #b (an index into `registerNames`); reading CR3 may exit */
  registerGet: 34,
  /** register #a := rb; MOV to CR0, CR3, CR4 and WRMSR EFER may exit */
  registerSet: 35,
  invlpg: 36, // linear address ra
  /** CPL := #b, the old one into ra */
  enterLevel: 37,
  /** CPL := ra */
  leaveLevel: 38,
  stac: 39, clac: 40,

  /** procedure #a, arguments from register rb of this frame on, result into rc; the new frame's other registers are 0 */
  call: 45,
  /** leave the procedure with ra (0 when it gives nothing) */
  return: 46,
  /** end of a handler: IRET, the faulting access runs again */
  iret: 47,
  /** in a handler: the access is given up, and the statement of the cpu block with it */
  refuse: 48,
  /** end of a cpu block */
  end: 49,

  /** ra := question #b about rc (`QUERY`); touches nothing */
  query: 50,
  /** ra := what lies at linear address rb, #c bytes, looked up in the current tables without an
   *  access. Unmapped: ra := 0 and the expectation that is being judged fails, naming the level. */
  peek: 51,
  /** ra := counter #b (`counterNames`); #c is a `COUNTER_SCOPE` */
  counter: 52,
  /** ra := position in log #b (`LOG`) */
  mark: 53,
  /** judge expectation #a */
  expect: 54,
  /** print number #a */
  print: 55,
  /** ra := field #b (index into `eventFieldNames`) of the event a condition is judged on */
  eventField: 56,
  /** boot has ended: counters start from zero here */
  startCounting: 57,
  /** ra := register #b as the guest would read it; no instruction, no exit (expect, print and watches) */
  peekRegister: 58,

  /** instruction #a (`instructionRows`), operands from register rb on, result into rc */
  instruction: 59,
  /** meeting #b (`Program.meetings`): wait at it, wait for its release, or release it, by #a (`MEET`) */
  meet: 60,
  /** arms the CPU's next statement: it stops inside itself before its #c-th event of kind #b, until meeting #a is released */
  hold: 61,
  /** host action #a (`hostActionRows`), operands from register rb on, result into rc */
  hostAction: 62,

  // Tables by a number in a register: parameters, and what host actions give.
  /** ra := table (number in rb) at key rc */
  tableGetOf: 63,
  /** table (number in ra) at key rb := rc */
  tableSetOf: 64,
  /** rb := the least key of table (number in rc) that is not below rb and holds something else than 0; ra := 1, or 0 when there is none */
  tableNext: 65,

  /** ra := question #b (`QUERY`) about the address in rc; the register behind says whose it is (`addressOwner`) */
  queryOf: 66,
  /** ra := VMCS field #b (index into `vmcsFields`): VMREAD; a look without an exit when #c is 1 (in expect and print) */
  vmcsGet: 67,
  /** VMCS field #a := rb: VMWRITE */
  vmcsSet: 68,
  /** as `peek`; the register behind rb says whose the address is (`addressOwner`) */
  peekOf: 69,

  /** #GP(0), or #SS(0) of SS, unless #b bytes at offset ra lie within the limit of segment register #c (`SEGMENT`): real-address mode */
  segmentLimit: 70,
} as const;

/** What `OP.meet` does at its meeting. */
export const MEET = { barrier: 0, await: 1, release: 2 } as const;

/** `registerGet`, `registerSet` and `peekRegister` mean the selector of segment register n (`SEGMENT`) by this number + n. */
export const SEGMENT_SELECTORS_AT = 64;

/** Operation of a read-modify-write. */
export { RMW } from '../hardware/memory/readModifyWrite';

/** What `mark` remembers the end of. `faults` are all exceptions that a handler of the guest was called for. */
export const LOG = { faults: 0, exits: 1, refusals: 2, stops: 3 } as const;

export const COUNTER_SCOPE = {
  /** of the running CPU since the scenario's own program started */
  cpu: 0,
  /** of all CPUs */
  total: 1,
  /** as it stands now (table pages) */
  now: 2,
} as const;

/** Fields that a condition finds on `event`; absent ones read 0. `kind`'s value is the index into the event table. */
export const eventFieldNames = [
  'kind', 'reason', 'qualification', 'gva', 'gpa', 'hva', 'hpa', 'address', 'value', 'level', 'vector', 'code',
] as const;

export { COUNTERS, counterNames, EXIT_COUNTERS_AT } from '../hardware/state/counters';
export { type RegisterName, registerNames } from '../hardware/processor/registers';

/**
 * Questions that touch nothing. Walk fields take the linear address and walk the current tables without effects:
 * `fault` 1 when nothing is mapped there, `size` in bytes, `frame` the page's guest-physical address, `user`,
 * `writable` and `executable` the combined rights (1 or 0), `pte` … the entries' values (0 when not reached).
 */
export const queries = [
  'gpa_of', 'hva_of', 'hpa_of', 'tlb.holds',
  'walk.fault', 'walk.references', 'walk.size', 'walk.frame', 'walk.user', 'walk.writable', 'walk.executable',
  'walk.pte', 'walk.pde', 'walk.pdpte', 'walk.pml4e', 'walk.pml5e',
  // About a host-physical address: what kind of frame it lies in, a number of `frameStateRows`.
  'state_of',
] as const;

/** Types of values. An address says its space; a number none. */
export type ValueType = 'number' | 'truth' | 'gva' | 'gpa' | 'hva' | 'hpa' | 'process' | 'text' | 'walk' | 'table' | 'none';

/** Where text stands: zero-based lines and columns, end exclusive, as LSP counts. */
export interface SourceRange {
  readonly file: number; // index into Program.files
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface Variable {
  readonly name: string;
  readonly type: ValueType;
  readonly register: number;
  /** First instruction (in code order) at which it has a value; a parameter's is the procedure's entry. */
  readonly since: number;
}

/**
 * What a procedure is. The processor fills a handler's first registers: page_fault the linear address and the error
 * code, general_protection and double_fault the error code, virtualization_exception the guest-physical address and the
 * exit qualification, interrupt nothing. A handler that another one replaces is a `procedure`.
 */
export type ProcedureKind = 'cpu' | 'host thread' | 'procedure' | 'interrupt' | ExceptionName;

export interface Procedure {
  readonly name: string;
  readonly kind: ProcedureKind;
  /** First instruction. */
  readonly entry: number;
  /** One past its last instruction. */
  readonly end: number;
  readonly parameters: readonly Variable[];
  /** Parameters and variables; a variable exists from its first assignment on. */
  readonly variables: readonly Variable[];
  readonly registers: number;
  readonly result: ValueType;
  readonly range: SourceRange;
  readonly documentation: string;
}

export interface Statement {
  readonly range: SourceRange;
  readonly procedure: number;
  /**
   * Its `statement` instruction, and one past its last instruction. A `for`, `repeat` or `while` executes a
   * `statement` instruction with its number at each turn. The `leaveLevel` of `user S` stands at `end`, outside S:
   * a refused access goes on at `end` with CPL `user ? 3 : 0`.
   */
  readonly entry: number;
  readonly end: number;
  readonly user: boolean;
  /** The host acts: no instruction of the guest, no exit. */
  readonly host: boolean;
  readonly isExpect: boolean;
  /** Expectations in the run right below it that read `expect refused` (indices), for judging a refused access. */
  readonly refusedBelow: readonly number[];
  /** The same of `expect stopped`: when the VM cannot go on, and one of them holds, its CPU goes on at `end` to judge, and ends. */
  readonly stoppedBelow: readonly number[];
}

/** An access as it is written. */
export interface WrittenAccess {
  readonly instruction: number;
  readonly range: SourceRange;
}

/** One side of a judged comparison, kept so that a failure can print it. */
export interface Operand {
  readonly text: string;
  readonly register: number;
  readonly type: ValueType;
}

/** `register`, `mark` and `at` are registers of the frame; `code` is the error code itself. */
export type Claim =
  | { readonly kind: 'holds'; readonly register: number; readonly operator?: string; readonly operands: readonly Operand[] }
  /** Exactly one page fault since the mark, with these error-code bits (when `code` is given) and address. */
  | { readonly kind: 'page_fault'; readonly mark: number; readonly code?: number; readonly at?: number }
  | { readonly kind: 'no_page_fault'; readonly mark: number }
  /** The same of the other exceptions; their error code is a number, and `at` an address of the kind that the handler gets. */
  | { readonly kind: 'exception'; readonly vector: number; readonly mark: number; readonly at?: number }
  | { readonly kind: 'no_exception'; readonly vector: number; readonly mark: number }
  | { readonly kind: 'no_exits'; readonly mark: number }
  /** Basic exit reasons in order. */
  | { readonly kind: 'exits_are'; readonly mark: number; readonly reasons: readonly number[] }
  | { readonly kind: 'refused'; readonly mark: number }
  | { readonly kind: 'stopped'; readonly mark: number; readonly why?: StopCause };

/** Why a VM cannot go on: `stopped(triple_fault)`. */
export const stopCauses = ['triple_fault', 'internal_error'] as const;
export type StopCause = (typeof stopCauses)[number];

export interface Expectation {
  readonly statement: number;
  /** The claim as written. */
  readonly text: string;
  /** Index into `techniqueSets`, or -1: holds under every technique. */
  readonly techniques: number;
  readonly claim: Claim;
}

export type PrintPart = { readonly text: string } | { readonly register: number; readonly type: ValueType };

/** A value of a machine setting: `tlb 64 entries 4 ways` is words and numbers in order. */
export interface SettingValue {
  readonly name: string;
  readonly values: readonly (string | number)[];
  readonly range: SourceRange;
}

export interface Area {
  readonly process: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly rights: 'ro' | 'rw' | 'rx' | 'rwx';
  readonly user: boolean;
  readonly lazy: boolean;
  /** `shared NAME`: number of the name plus one; areas of one number have the same frames. 0: its own. */
  readonly shared: number;
  /** `pages 2M`: bytes of the pages that map it. */
  readonly pageBytes: number;
}

export interface Program {
  readonly name: string;
  /** Paths as given; 0 is the scenario, then imports and the library. `text` is what was compiled. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly documentation: string;
  readonly code: Int32Array;
  /** Constants as pairs of halves. */
  readonly constants: Int32Array;
  readonly procedures: readonly Procedure[];
  readonly statements: readonly Statement[];
  /** Accesses to memory that the guest's statements make, in the order of the code: several in one statement are told apart. */
  readonly accesses: readonly WrittenAccess[];
  readonly expectations: readonly Expectation[];
  readonly techniqueSets: readonly (readonly string[])[];
  readonly prints: readonly (readonly PrintPart[])[];
  /** `isOwn`: of the scenario or an import, not of the kernel library. */
  readonly globals: readonly { readonly name: string; readonly type: ValueType; readonly value: bigint; readonly isOwn: boolean }[];
  /** Names; the first ones are filled by the loader from `areas` (see `bootTables`). */
  readonly tables: readonly { readonly name: string; readonly values: ReadonlyMap<bigint, bigint> }[];
  readonly processes: readonly ProcessRow[];
  readonly areas: readonly Area[];
  readonly machine: readonly SettingValue[];
  readonly platform: readonly SettingValue[];
  readonly schedule: { readonly kind: 'every'; readonly statements: number } | { readonly kind: 'random'; readonly seed: number };
  /** Procedure number of each CPU's block; the first CPU of each VM calls boot at its start, by the compiler. */
  readonly cpus: readonly number[];
  /** The CPUs, then the host threads. */
  readonly actors: readonly Actor[];
  readonly meetings: readonly Meeting[];
  readonly slotNames: readonly SlotName[];
  readonly vms: readonly VirtualMachine[];
  /** Of the first VM, as `machine`. */
  readonly paging: PagingModeName;
  /** Of the first VM. */
  readonly handlers: Handlers;
  /** Handler of page faults of the first VM, or -1. */
  readonly pageFaultHandler: number;
}

/** A change of the text that mends what a diagnostic is about. */
export interface Fix {
  /** What it does, as an editor lists it: `Write invlpg`. */
  readonly title: string;
  readonly edits: readonly { readonly range: SourceRange; readonly text: string }[];
}

/** A diagnostic: one sentence that says what is wrong and what to do. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Which row of the table of messages it is, as docs/language.md lists them. */
  readonly code?: string;
  readonly message: string;
  readonly range: SourceRange;
  readonly path: string;
  readonly fix?: Fix;
}

/**
 * An expression compiled against a stopped program, for watch, hover and conditions. Loads are peeks.
 * Jump targets count from the fragment's first instruction; it ends where its code ends.
 */
export interface Fragment {
  readonly code: Int32Array;
  readonly constants: Int32Array;
  /** Registers it needs above the frame's own ones. */
  readonly registers: number;
  readonly result: number;
  readonly type: ValueType;
  /** Of an address that the expression says to be another VM's or process's: the number of that VM. */
  readonly vm?: number;
  /** Named values of a listing line that it may read: value number n goes into register `at` + n. */
  readonly values?: { readonly at: number; readonly read: readonly { readonly number: number; readonly name: string }[] };
}
