import { INSTRUCTION_WORDS, OP, type Program } from '../../language/program';
import { LEFT } from './straightSite';
import type { StraightWatch } from './straightWatch';
import { constantValue, isTrue, unitOperations, type UnitValue } from './unitOperations';

/** A run of instructions of one procedure that becomes one JavaScript function. */
export interface Unit {
  readonly from: number;
  /** One past its last instruction. */
  readonly to: number;
  /** Where it can be entered, ascending: its beginning, where jumps lead, and what stands behind an instruction that it leaves to others. */
  readonly leaders: readonly number[];
}

/** What a unit has to mind besides what it does. */
export interface Minded {
  readonly watch: StraightWatch;
  /** Accesses that the site's sieve lets through are the interpreter's. */
  readonly isSieved: boolean;
}

/** Operations that a unit does itself; at any other it ends, and the interpreter takes over. */
export function isOfUnit(operation: number): boolean {
  return unitOperations.has(operation) || others.has(operation);
}

const others: ReadonlySet<number> = new Set([
  OP.statement, OP.constant, OP.move, OP.multiply, OP.shiftLeft, OP.shiftRight, OP.jump, OP.jumpIf, OP.jumpUnless,
  OP.globalGet, OP.globalSet, OP.tableGet, OP.load, OP.store, OP.readModifyWrite, OP.enterLevel, OP.leaveLevel, OP.call, OP.return,
]);

const unary: ReadonlySet<number> = new Set([OP.not, OP.truth, OP.complement]);

/**
 * The body of a function of `site` (a `StraightSite`) and `at`, the number of a leader. It runs until it comes to what is
 * not its own, until something has to be looked after, or back to a leader with `site.most` steps done. A call leaves it
 * too, in the frame of the procedure. Every leader is a `case`; control falls from one into the next as it does in the program.
 * Nothing of the scenario's text gets into it: it is made of numbers. What the watch names is not the unit's own; and where
 * events may be listened to, all is in its place before whatever may bring one about.
 */
export function unitText(program: Program, unit: Unit, minded: Minded): string {
  return new UnitWriter(program, unit, minded).text();
}

/** A register as a block knows it. */
interface Known {
  readonly value: UnitValue;
  /** The stack has something else. */
  readonly isNewer: boolean;
}

class UnitWriter {
  private readonly lines: string[] = [];
  private readonly known = new Map<number, Known>();
  /** Of the block so far. */
  private steps = 0;
  private counted = 0;
  private statement: number | undefined;
  private accessAt: number | undefined;
  private accessStep = 0;
  private names = 0;

  constructor(private readonly program: Program, private readonly unit: Unit, private readonly minded: Minded) {}

  text(): string {
    const { leaders, to } = this.unit;
    leaders.forEach((leader, number) => {
      this.lines.push(`case ${number}: {`);
      this.block(leader, leaders[number + 1] ?? to);
      this.lines.push('}');
    });
    return [
      'const { words, base, globals, tables, processor, stack, attention, privilege, multiply, shiftLeft, shiftRight, whereabouts, stop, most } = site;',
      ...(this.minded.isSieved ? ['const { sieve } = site;'] : []),
      'let { steps, counted, statement, accessAt, accessStep } = site;',
      `let pc = 0, left = ${LEFT.here};`,
      'run: for (;;) switch (at) {', ...this.lines, '}',
      'site.pc = pc; site.steps = steps; site.counted = counted; site.left = left;',
      'site.statement = statement; site.accessAt = accessAt; site.accessStep = accessStep;',
    ].join('\n');
  }

  /** The instructions from a leader to the next one. */
  private block(from: number, to: number): void {
    this.known.clear();
    this.steps = 0;
    this.counted = 0;
    this.statement = undefined;
    this.accessAt = undefined;
    for (let pc = from; pc < to; pc++) {
      if (!isOfUnit(this.word(pc, 0)) || this.minded.watch.instructions.has(pc)) {
        this.settle();
        this.lines.push(`pc = ${pc}; break run;`);
        return;
      }
      this.steps++;
      if (this.instruction(pc)) return;
    }
    this.settle();
    if (to === this.unit.to) this.lines.push(`pc = ${to}; break run;`);
  }

  /** One instruction; true when nothing of the block comes behind it. */
  private instruction(pc: number): boolean {
    const operation = this.word(pc, 0);
    const [a, b, c] = [this.word(pc, 1), this.word(pc, 2), this.word(pc, 3)];
    switch (operation) {
      case OP.statement:
        this.statement = a;
        if (!this.program.statements[a]!.isExpect) this.counted++;
        return false;
      case OP.constant: return this.set(a, constantValue(this.program.constants[2 * b]!, this.program.constants[2 * b + 1]!));
      case OP.move: return this.set(a, this.get(b));
      case OP.multiply: return this.byFunction('multiply', a, b, c);
      case OP.jump:
        this.settle();
        this.jump(a, pc);
        return true;
      case OP.jumpIf:
      case OP.jumpUnless: {
        const condition = isTrue(this.get(a));
        this.settle();
        this.lines.push(operation === OP.jumpIf ? `if (${condition}) {` : `if (!(${condition})) {`);
        this.jump(b, pc);
        this.lines.push('}');
        return false;
      }
      case OP.globalGet: return this.set(a, this.named(`globals[${2 * b}]`, `globals[${2 * b + 1}]`));
      case OP.globalSet: {
        const { lo, hi } = this.get(b);
        this.lines.push(`globals[${2 * a}] = ${lo}; globals[${2 * a + 1}] = ${hi};`);
        return false;
      }
      case OP.tableGet: {
        const { lo, hi } = this.get(c);
        this.lines.push(`tables.get(${b}, ${lo}, ${hi});`);
        return this.set(a, this.named('tables.valueLo', 'tables.valueHi'));
      }
      case OP.load: return this.load(pc, a, b, c);
      case OP.store: return this.access(pc, a, `store(${this.pair(a)}, ${c}, ${this.pair(b)})`);
      case OP.readModifyWrite: return this.access(pc, a, `readModifyWrite(${this.pair(a)}, ${c & 0xff}, ${c >> 8}, ${this.pair(b)})`);
      case OP.enterLevel: {
        const old = this.named('processor.level', '0');
        this.set(a, old);
        return this.enterLevel(pc, `${b}`);
      }
      case OP.leaveLevel: return this.enterLevel(pc, this.get(a).lo);
      case OP.call:
        this.call(pc, a, b, c);
        return true;
      case OP.return: {
        const value = this.pair(a);
        this.settle();
        this.lines.push(`pc = stack.leave(${value}); break run;`);
        return true;
      }
      default: return this.compute(pc, operation, a, b, c);
    }
  }

  /** An operation that only computes. */
  private compute(pc: number, operation: number, a: number, b: number, c: number): false {
    const row = unitOperations.get(operation);
    if (row === undefined) throw new Error(`invariant: operation ${operation} at instruction ${pc} is not one of a unit's`);
    const result = row(this.get(b), unary.has(operation) ? this.get(b) : this.get(c), `l${this.names}`);
    if (result === undefined) return this.byFunction(operation === OP.shiftLeft ? 'shiftLeft' : 'shiftRight', a, b, c);
    const { lo, hi, ...rest } = result;
    return this.set(a, this.named(lo, hi, rest));
  }

  /** What is left to the function of `arithmetic.ts`, in the stack's own words. */
  private byFunction(name: 'multiply' | 'shiftLeft' | 'shiftRight', a: number, b: number, c: number): false {
    for (const register of [b, c]) this.write(register);
    this.lines.push(`${name}(words, ${at(a)}, ${at(b)}, ${at(c)});`);
    this.known.set(a, { value: this.named(`words[${at(a)}]`, `words[${at(a)} + 1]`), isNewer: false });
    return false;
  }

  private load(pc: number, to: number, address: number, size: number): false {
    const number = this.names++;
    this.access(pc, address, `load(${this.pair(address)}, ${size})`, { register: to, lo: `l${number}`, hi: `h${number}` });
    return this.set(to, { lo: `l${number}`, hi: `h${number}`, below: 0 });
  }

  /** An access at an address of this low half is the interpreter's where the sieve lets it through. */
  private sieve(pc: number, lo: string): void {
    this.steps--;
    this.lines.push(`if (sieve.letsThrough(${lo})) {`, ...this.unwritten(), ...this.progress(), `left = ${LEFT.forInterpreter}; pc = ${pc}; break run;`, '}');
    this.steps++;
  }

  /** Another privilege level: its flushes may be heard of. */
  private enterLevel(pc: number, level: string): false {
    this.tell(pc);
    this.lines.push(`privilege.enter(processor, ${level});`);
    if (this.minded.watch.isHeard) this.lines.push('if (stop[0] !== 0) {', ...this.unwritten(), ...this.progress(), `pc = ${pc + 1}; break run;`, '}');
    return false;
  }

  /** What comes may bring an event about: whoever hears of it finds all in its place. */
  private tell(pc: number): void {
    if (!this.minded.watch.isHeard) return;
    this.writeAll();
    const { counted, statement } = this;
    this.lines.push(`whereabouts.tell(${pc + 1}, steps + ${this.steps - 1}, counted${counted === 0 ? '' : ` + ${counted}`}, ${statement ?? 'statement'});`);
  }

  /** An access: where it does not complete, or asks for attention, all that others look at is put in its place. */
  private access(pc: number, address: number, call: string, result?: { readonly register: number; readonly lo: string; readonly hi: string }): false {
    const status = `s${this.names++}`;
    if (this.minded.isSieved) this.sieve(pc, this.get(address).lo);
    this.tell(pc);
    this.lines.push(`const ${status} = processor.${call};`);
    if (result !== undefined) this.lines.push(`const ${result.lo} = processor.valueLo, ${result.hi} = processor.valueHi;`);
    this.lines.push(`if ((${status} | attention[0]${this.minded.watch.isHeard ? ' | stop[0]' : ''}) !== 0) {`, ...this.unwritten());
    if (result !== undefined) this.lines.push(`if (${status} === 0) { ${written(result.register, result.lo, result.hi)} }`);
    this.accessAt = pc;
    this.accessStep = this.steps - 1;
    this.lines.push(...this.progress(), `left = ${status}; pc = ${pc + 1}; break run;`, '}');
    return false;
  }

  /** Where there is no room for another frame, the interpreter has to say so. */
  private call(pc: number, callee: number, firstArgument: number, result: number): void {
    const { entry, registers, parameters } = this.program.procedures[callee]!;
    const values = parameters.map((_, i) => this.get(firstArgument + i));
    this.steps--;
    this.settle();
    this.lines.push(
      `if (!stack.hasRoom(${registers})) { left = ${LEFT.forInterpreter}; pc = ${pc}; break run; }`,
      'steps++;',
      `const to = stack.push(${callee}, ${entry}, ${registers}, ${pc + 1}, ${result});`,
      ...values.map(({ lo, hi }, i) => `words[to + ${2 * i}] = ${lo}; words[to + ${2 * i + 1}] = ${hi};`),
      `pc = ${entry}; break run;`,
    );
  }

  /** To the instruction `target`; a way back ends where enough steps are done. */
  private jump(target: number, pc: number): void {
    const leader = this.unit.leaders.indexOf(target);
    if (leader < 0) {
      this.lines.push(`pc = ${target}; break run;`);
      return;
    }
    if (target <= pc) this.lines.push(`if (steps >= most) { pc = ${target}; break run; }`);
    this.lines.push(`at = ${leader}; continue run;`);
  }

  /** Puts the stack and the counts where the program is. */
  private settle(): void {
    this.writeAll();
    this.lines.push(...this.progress());
    this.steps = 0;
    this.counted = 0;
    this.accessAt = undefined;
  }

  private progress(): string[] {
    const { steps, counted, statement, accessAt, accessStep } = this;
    return [
      ...(accessAt === undefined ? [] : [`accessAt = ${accessAt}; accessStep = steps + ${accessStep};`]),
      ...(steps === 0 ? [] : [`steps += ${steps};`]),
      ...(counted === 0 ? [] : [`counted += ${counted};`]),
      ...(statement === undefined ? [] : [`statement = ${statement};`]),
    ];
  }

  private writeAll(): void {
    this.lines.push(...this.unwritten());
    for (const [register, { value }] of this.known) this.known.set(register, { value, isNewer: false });
  }

  private unwritten(): string[] {
    return [...this.known].filter(([, { isNewer }]) => isNewer).map(([register, { value }]) => written(register, value.lo, value.hi));
  }

  private write(register: number): void {
    const known = this.known.get(register);
    if (known === undefined || !known.isNewer) return;
    this.lines.push(written(register, known.value.lo, known.value.hi));
    this.known.set(register, { value: known.value, isNewer: false });
  }

  private set(register: number, value: UnitValue): false {
    this.known.set(register, { value, isNewer: true });
    return false;
  }

  private get(register: number): UnitValue {
    const known = this.known.get(register);
    if (known !== undefined) return known.value;
    const value = this.named(`words[${at(register)}]`, `words[${at(register)} + 1]`);
    this.known.set(register, { value, isNewer: false });
    return value;
  }

  /** Both halves as arguments. */
  private pair(register: number): string {
    const { lo, hi } = this.get(register);
    return `${lo}, ${hi}`;
  }

  /** A value of names that hold the given expressions. */
  private named(lo: string, hi: string, rest: Omit<UnitValue, 'lo' | 'hi'> = { below: 0 }): UnitValue {
    const number = this.names++;
    this.lines.push(`const l${number} = ${lo}${hi === '0' ? '' : `, h${number} = ${hi}`};`);
    return { ...rest, lo: `l${number}`, hi: hi === '0' ? '0' : `h${number}` };
  }

  private word(pc: number, which: number): number {
    return this.program.code[pc * INSTRUCTION_WORDS + which]!;
  }
}

/** Index of a register's low half. */
function at(register: number): string {
  return `base + ${2 * register}`;
}

function written(register: number, lo: string, hi: string): string {
  return `words[${at(register)}] = ${lo}; words[${at(register)} + 1] = ${hi};`;
}
