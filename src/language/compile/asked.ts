import type { Call, Expr, Field } from '../generated/ast';
import { OP, queries, type ValueType } from '../program';
import type { Body, Operand, Owner } from './body';
import { questions, walkFields } from './builtins';
import { compileAs, compileExpression } from './expressions';
import { dottedPath } from './names';
import { ownerNamed, ownerWord, sayWhoseOfSeveral } from './owners';
import { described, isNumeric, misfitAdvice } from './valueTypes';

/** Spaces that a question takes an address of; a bare number is a linear address, of `state_of` a host-physical one. */
const TAKES: Readonly<Record<string, readonly ValueType[]>> = {
  gpa_of: ['gva'], hva_of: ['gva', 'gpa'], hpa_of: ['gva', 'gpa', 'hva'], state_of: ['hpa'], 'tlb.holds': ['gva'],
};
/** What the answer depends on: the guest must not ask these. */
const TECHNIQUE_KNOWS: ReadonlySet<string> = new Set(['hva_of', 'hpa_of', 'state_of']);

/** `gpa_of(a)`, `p.gpa_of(a)`: a question about an address, in the tables that run or in the owner's. */
export function compileQuestion(body: Body, node: Call, name: string, owner: Owner | undefined, target?: number): Operand {
  const [address] = node.args;
  if (address === undefined || node.args.length !== 1) return body.fail(node, 'question-argument', { name });
  if (name === 'tlb.holds' && body.kind === 'host thread') return body.fail(node, 'no-cpu-tlb');
  if (TECHNIQUE_KNOWS.has(name)) noteTechnique(body, node, name);
  const mark = body.mark;
  const value = questionedAddress(body, address, TAKES[name] ?? ['gva']);
  const asked = owner === undefined ? value : { ...value, owner };
  sayWhoseOfSeveral(body, address, asked);
  const result = emitQuery(body, queryNumber(name), asked, mark, target);
  const type: ValueType = name === 'tlb.holds' ? 'truth' : (questions as Readonly<Record<string, ValueType>>)[name] ?? 'number';
  const whose = asked.owner;
  const isElsewhere = whose !== undefined && whose.vm !== body.vm.symbols.vm && type === 'gpa';
  return { type, register: result, ...(isElsewhere ? { owner: { written: whose.written.split('.')[0] ?? '', vm: whose.vm } } : {}) };
}

/** The guest's own code must not depend on the technique; where it may be asked, what is assigned from it is remembered. */
export function noteTechnique(body: Body, node: Expr, name: string): void {
  if (body.purpose === 'guest') body.fail(node, 'depends-on-technique', { written: name });
  body.usedTechnique = true;
}

function questionedAddress(body: Body, node: Expr, spaces: readonly ValueType[]): Operand {
  const value = compileExpression(body, node);
  const [wanted = 'gva'] = spaces;
  if (spaces.includes(value.type)) return value;
  if (isNumeric(value.type) && (value.type === 'number' || value.type === 'truth')) return { ...value, type: wanted };
  const written = body.written(node);
  body.fail(node, 'wrong-type', { written, type: described(value.type), wanted: described(wanted), advice: misfitAdvice(value.type, wanted, written) });
  return { type: wanted, constant: 0n };
}

/** A question about what a register or constant holds: the short form for the tables that run, else with its owner. */
function emitQuery(body: Body, question: number, asked: Operand, mark: number, target?: number): number {
  const { code } = body.unit;
  const isPlain = asked.owner === undefined && (asked.type === 'gva' || queries[question] === 'state_of');
  if (isPlain) {
    const register = body.inRegister(asked);
    body.releaseTo(mark);
    const result = target ?? body.allocate();
    code.emit(OP.query, result, question, register);
    return result;
  }
  const register = addressPair(body, asked);
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  code.emit(OP.queryOf, result, question, register);
  return result;
}

/** Two registers: the address, and whose it is. */
export function addressPair(body: Body, asked: Operand): number {
  const from = asked.constant === undefined ? asked.register : undefined;
  const register = body.allocate(2);
  if (asked.constant !== undefined) body.unit.code.loadConstant(register, asked.constant);
  else if (from !== undefined) body.unit.code.emit(OP.move, register, from);
  body.unit.code.loadConstant(register + 1, ownerWord(body, asked));
  return register;
}

function queryNumber(name: string): number {
  const number = queries.findIndex((query) => query === name);
  if (number < 0) throw new Error(`invariant: no question ${name}`);
  return number;
}

/** The address that `walk(a)` or `p.walk(a)` asks about, when the expression is such a call. */
export function walkCall(node: Expr): { readonly call: Call; readonly of: readonly string[] } | undefined {
  if (node.$type !== 'Call') return undefined;
  const path = dottedPath(node.of);
  return path !== undefined && path[path.length - 1] === 'walk' ? { call: node, of: path.slice(0, -1) } : undefined;
}

/** `walk(a).FIELD`. */
export function compileWalkField(body: Body, node: Field, asked: NonNullable<ReturnType<typeof walkCall>>, target?: number): Operand {
  const fields: Readonly<Record<string, ValueType>> = walkFields;
  const { field } = node;
  const names = walkFieldNames(body);
  const type = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (type === undefined) return body.failName(node, 'unknown-walk-field', field, names, { field, choices: names.join(', ') });
  if (!names.includes(field)) return body.fail(node, 'walk-field-mode', { field, mode: body.vm.symbols.mode.name, choices: names.join(', ') });
  const [address] = asked.call.args;
  if (address === undefined || asked.call.args.length !== 1) return body.fail(asked.call, 'question-argument', { name: 'walk' });
  const owner = asked.of.length === 0 ? undefined : ownerNamed(body, asked.call, asked.of);
  const mark = body.mark;
  const value = compileAs(body, address, 'gva');
  const linear: Operand = { ...value, type: 'gva', owner: owner ?? value.owner };
  sayWhoseOfSeveral(body, address, linear);
  const result = emitQuery(body, queryNumber(`walk.${field}`), linear, mark, target);
  return { type, register: result };
}

/** Fields of a walk in the VM's mode: those of entries that the mode has. */
export function walkFieldNames(body: Body): readonly string[] {
  const { entries } = body.vm.symbols;
  const levels = ['pte', 'pde', 'pdpte', 'pml4e', 'pml5e'];
  return Object.keys(walkFields).filter((name) => !levels.includes(name) || entries?.constructors.has(name) === true);
}
