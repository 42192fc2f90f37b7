import type { AstNode } from 'langium';
import type { FillingArguments, FillingsOf, MessageCode } from '../messages/messages';
import type { ProcedureKind, Variable, ValueType } from '../program';
import { writtenText, type SourceText } from '../syntax/sourceText';
import { CodeBuffer, type Label } from './codeBuffer';
import { spellingFix } from './fixes';
import { didYouMean } from './nearestName';
import type { Scope } from './scope';
import type { ProcedureSymbol } from './symbols';
import type { Unit, VmContext } from './unit';

/** Whose an address is, when it is not this VM's and the running process's. */
export interface Owner {
  /** As written: `alice.p`. */
  readonly written: string;
  readonly vm: number;
  readonly process?: number;
}

/** A value on its way: known at compile time, or in a register of the running frame. */
export type Operand = { readonly type: ValueType; readonly owner?: Owner | undefined } & (
  | { readonly constant: bigint }
  | { readonly register: number; readonly constant?: undefined }
);

/** What an expression may do where it stands. */
export type Purpose =
  /** Guest code: loads are accesses, procedures may be called. */
  | 'guest'
  /** `expect` and `print`: nothing is touched; counters are those of the statement above. */
  | 'judge'
  /** `host S` and host threads: nothing of the guest is touched but by host actions. */
  | 'host'
  /** Watches and hovers: nothing is touched; counters are those of the CPU. */
  | 'watch'
  /** Conditions of breakpoints: the same, and there is an `event`. */
  | 'condition';

interface VariableDraft {
  readonly name: string;
  readonly register: number;
  type: ValueType | undefined;
  owner: Owner | undefined;
  since: number;
  isRead: boolean;
  /** The host gave it a value that depends on the technique. */
  dependsOnTechnique: boolean;
}

export interface Loop {
  readonly again: Label;
  readonly out: Label;
  /** How many levels were entered outside it. */
  readonly levels: number;
}

/** What the expectations below a statement compare with: registers that were filled right before it. */
export interface Judged {
  readonly marks: ReadonlyMap<number, number>;
  readonly counters: ReadonlyMap<number, number>;
}

/**
 * A `cpu` block, procedure, handler or watched expression while it is compiled: its variables, its registers and
 * where in it the compiler stands. Parameters and variables come first, then registers for passing values.
 */
export class Body {
  purpose: Purpose = 'guest';
  judged: Judged | undefined;
  readonly loops: Loop[] = [];
  /** Registers that hold the CPL to return to, one for each `user` the compiler is inside of. */
  readonly levels: number[] = [];
  /** `stac()` stands above: the kernel touches user pages on purpose. */
  allowsUserPages = false;
  /** It is written as a handler, though another handler may stand before it and call it. */
  handlerOf: ProcedureKind | undefined;
  /** Values that depend on the technique were used since this was last cleared. */
  usedTechnique = false;
  /** What `original(…)` calls. */
  original: ProcedureSymbol | undefined;
  result: ValueType = 'none';
  private readonly variables = new Map<string, VariableDraft>();
  private nextRegister = 0;
  private mostRegisters = 0;

  constructor(
    public unit: Unit,
    readonly vm: VmContext,
    readonly source: SourceText,
    readonly scope: Scope,
    readonly kind: ProcedureKind,
    readonly procedure: number,
  ) {}

  get isHandler(): boolean {
    return this.handlerOf !== undefined;
  }

  get isUser(): boolean {
    return this.levels.length > 0;
  }

  /** A person looks at the machine: there are no lines around the expression, and nothing is run for it. */
  get isLooking(): boolean {
    return this.purpose === 'watch' || this.purpose === 'condition';
  }

  get registers(): number {
    return Math.max(1, this.mostRegisters);
  }

  /** The next register, until `releaseTo` goes back below it. */
  allocate(count = 1): number {
    const register = this.nextRegister;
    this.nextRegister += count;
    this.mostRegisters = Math.max(this.mostRegisters, this.nextRegister);
    return register;
  }

  get mark(): number {
    return this.nextRegister;
  }

  releaseTo(mark: number): void {
    this.nextRegister = mark;
  }

  declareVariable(name: string): VariableDraft {
    const known = this.variables.get(name);
    if (known !== undefined) return known;
    const variable: VariableDraft = { name, register: this.allocate(), type: undefined, owner: undefined, since: -1, isRead: false, dependsOnTechnique: false };
    this.variables.set(name, variable);
    return variable;
  }

  /** Names a variable that another compilation laid out, for a watch. */
  adoptVariable(variable: Variable): void {
    const { name, register, type, since } = variable;
    this.variables.set(name, { name, register, type, owner: undefined, since, isRead: false, dependsOnTechnique: false });
    this.nextRegister = Math.max(this.nextRegister, register + 1);
  }

  /** Names a variable that has no value where the watch stands. */
  adoptWithoutValue(name: string): void {
    this.variables.set(name, { name, register: 0, type: undefined, owner: undefined, since: -1, isRead: false, dependsOnTechnique: false });
  }

  variable(name: string): VariableDraft | undefined {
    return this.variables.get(name);
  }

  variableNames(): readonly string[] {
    return [...this.variables.keys()];
  }

  finishedVariables(): readonly Variable[] {
    return [...this.variables.values()].map(({ name, register, type, since }) => (
      { name, register, type: type ?? 'number', since }
    ));
  }

  /** Says a message at a node. The value it should have had is a number 0, so that the rest is still checked. */
  fail<Code extends MessageCode>(node: AstNode, code: Code, ...fillings: FillingArguments<Code>): Operand {
    this.unit.report.say(this.source, node, code, ...fillings);
    return { type: 'number', constant: 0n };
  }

  /** As `fail`, about a name: `hint` is filled with the candidate that it may be a slip of, and a fix writes that one. */
  failName<Code extends MessageCode>(
    node: AstNode, code: Code, name: string, candidates: Iterable<string>, fillings: Omit<FillingsOf<Code>, 'hint'>,
  ): Operand {
    const known = [...candidates];
    const all = { ...fillings, hint: didYouMean(name, known) };
    const failed = this.fail(node, code, ...([all] as unknown as FillingArguments<Code>));
    const fix = spellingFix(this.source, node, name, known);
    if (fix !== undefined) this.unit.report.mend(this.source, node, code, fix);
    return failed;
  }

  /** Compiles what can never run, for what is wrong with it. */
  withoutCode(work: () => void): void {
    const { unit } = this;
    this.unit = { ...unit, code: new CodeBuffer() };
    work();
    this.unit = unit;
  }

  written(node: AstNode): string {
    return writtenText(this.source, node);
  }

  /** The register that holds the operand, filled now if it is a constant. */
  inRegister(operand: Operand): number {
    if (operand.constant === undefined) return operand.register;
    const register = this.allocate();
    this.unit.code.loadConstant(register, operand.constant);
    return register;
  }
}
