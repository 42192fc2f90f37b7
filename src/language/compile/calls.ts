import type { Call, Expr } from '../generated/ast';
import { OP, queries } from '../program';
import type { Body, Operand } from './body';
import { hostActions, instructions, otherModes, questions, unsupportedInstructions, unsupportedLibrary } from './builtins';
import { compileEntryConstructor, compileEntryNumber } from './entries';
import { entryConstructors } from './entryFormat';
import { compileAs, compileInto } from './expressions';
import { dottedPath } from './names';
import { didYouMean } from './nearestName';
import type { ProcedureSymbol } from './symbols';
import { procedureNamed } from './unit';

/** A name with parentheses: a procedure, an instruction, a question or an entry constructor. */
export function compileCall(body: Body, node: Call, target?: number): Operand {
  const path = dottedPath(node.of);
  if (path === undefined) {
    return body.fail(node.of, `\`${body.written(node.of)}\` cannot be called; only a name has parentheses.`);
  }
  const [first = '', second] = path;
  if (second !== undefined) return compileDottedCall(body, node, path, target);
  if (first === 'original') return compileOriginal(body, node, target);
  const procedure = procedureNamed(body.unit, first);
  if (procedure !== undefined) return compileProcedureCall(body, node, procedure, target);
  if (Object.hasOwn(questions, first)) return compileQuestion(body, node, first, target);
  if (first === 'walk') return body.fail(node, 'A walk has no value of its own; ask for a field: walk(a).frame, walk(a).size, walk(a).fault.');
  if (instructions.has(first)) return compileInstruction(body, node, first);
  if (entryConstructors.has(first)) return compileEntryConstructor(body, node, first, target);
  if (first === 'key' || first === 'bit') return compileEntryNumber(body, node, first, target);
  return unknownCall(body, node, first);
}

/** The address that `walk(a)` asks about, when the expression is such a call. */
export function walkArgument(node: Expr): Expr | undefined {
  if (node.$type !== 'Call' || node.of.$type !== 'NameRef' || node.of.name !== 'walk') return undefined;
  return node.args[0];
}

function compileDottedCall(body: Body, node: Call, path: readonly string[], target?: number): Operand {
  const [root = '', name = ''] = path;
  if (path.length === 2 && root === 'tlb' && name === 'holds') return compileQuestion(body, node, 'tlb.holds', target);
  if (path.length === 2 && root === 'long' && entryConstructors.has(name)) {
    return compileEntryConstructor(body, node, name, target);
  }
  if (otherModes.has(root)) {
    return body.fail(node, `Entries of other paging modes are not supported yet; write ${name}(…) for the 4-level format.`);
  }
  if (Object.hasOwn(questions, name)) {
    return body.fail(node, `A question about another process is not supported yet; switch to it first and ask ${name}(…) alone.`);
  }
  return body.fail(node.of, `\`${path.join('.')}\` cannot be called; see docs/language.md for what can.`);
}

function compileProcedureCall(body: Body, node: Call, procedure: ProcedureSymbol, target?: number): Operand {
  const { name, parameters } = procedure;
  if (body.purpose !== 'guest') {
    const advice = body.isLooking ? 'step into it instead' : `assign it in a line above: x = ${name}(…)`;
    return body.fail(node, `\`${name}\` is a procedure that the guest runs, and nothing may be touched here; ${advice}.`);
  }
  if (node.args.length !== parameters.length) {
    const wanted = parameters.map((parameter) => (parameter.type === 'number' ? parameter.name : `${parameter.type} ${parameter.name}`));
    return body.fail(node, `\`${name}\` takes ${count(parameters.length)} and gets ${node.args.length}; write ${name}(${wanted.join(', ')}).`);
  }
  const mark = body.mark;
  const base = body.allocate(Math.max(1, parameters.length));
  node.args.forEach((argument, i) => {
    const inner = body.mark;
    compileInto(body, argument, base + i, parameters[i]?.type ?? 'number');
    body.releaseTo(inner);
  });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.call, procedure.index, base, result);
  return { type: procedure.result, register: result };
}

function compileOriginal(body: Body, node: Call, target?: number): Operand {
  if (body.original === undefined) {
    return body.fail(node, '`original` calls what this procedure or handler replaces, and it replaces nothing; remove the call.');
  }
  return compileProcedureCall(body, node, body.original, target);
}

function compileQuestion(body: Body, node: Call, name: string, target?: number): Operand {
  const question = queries.findIndex((query) => query === name);
  const [address] = node.args;
  if (address === undefined || node.args.length !== 1) return body.fail(node, `\`${name}\` asks about one address; write ${name}(a).`);
  if (body.purpose === 'guest' && (name === 'hva_of' || name === 'hpa_of')) {
    return body.fail(node, `\`${name}\` depends on the technique and may stand only in expect and print; move it there.`);
  }
  const mark = body.mark;
  const register = body.inRegister(compileAs(body, address, 'gva'));
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.query, result, question, register);
  return { type: name === 'gpa_of' ? 'gpa' : name === 'hva_of' ? 'hva' : name === 'hpa_of' ? 'hpa' : 'truth', register: result };
}

function compileInstruction(body: Body, node: Call, name: string): Operand {
  const operands = instructions.get(name) ?? 0;
  if (body.purpose !== 'guest') {
    const advice = body.isLooking ? 'ask a question such as walk(a) instead' : 'write it in a line above';
    return body.fail(node, `\`${name}\` is an instruction, and nothing may be touched here; ${advice}.`);
  }
  if (node.args.length !== operands) {
    return body.fail(node, `\`${name}\` takes ${count(operands, 'operand')}; write ${name}(${operands === 0 ? '' : 'a'}).`);
  }
  const { code } = body.unit;
  const mark = body.mark;
  const [address] = node.args;
  const register = address === undefined ? 0 : body.inRegister(compileAs(body, address, 'gva'));
  if (name === 'invlpg') code.emit(OP.invlpg, register);
  else if (name === 'stac') code.emit(OP.stac);
  else if (name === 'clac') code.emit(OP.clac);
  else code.emit(OP.fetch, register);
  body.allowsUserPages = name === 'stac' || (body.allowsUserPages && name !== 'clac');
  body.releaseTo(mark);
  return { type: 'none', register };
}

function unknownCall(body: Body, node: Call, name: string): Operand {
  if (body.unit.lost.has(name)) return { type: 'number', constant: 0n };
  if (hostActions.has(name)) return body.fail(node, `The host action \`${name}\` is not supported yet; remove it.`);
  if (unsupportedInstructions.has(name)) return body.fail(node, `\`${name}\` is not supported yet; remove it.`);
  if (unsupportedLibrary.has(name)) {
    return body.fail(node, `The library has no \`${name}\` yet; declare a procedure of that name, or use map, unmap and switch.`);
  }
  const known = [
    ...body.unit.symbols.procedures.keys(), ...Object.keys(questions), ...instructions.keys(),
    ...entryConstructors.keys(), 'walk', 'key', 'bit', 'original',
  ];
  if (body.isLooking) {
    const asked = `${Object.keys(questions).join(', ')} or walk`;
    return body.fail(node.of, `There is no question \`${name}\`${didYouMean(name, known)}; ask ${asked}.`);
  }
  const without = body.unit.symbols.paging === 'off at first' ? ' (with `kernel none` there is no library)' : '';
  return body.fail(node.of, `There is no procedure \`${name}\`${didYouMean(name, known)}${without}; declare it with \`procedure ${name}(…)\`.`);
}

function count(number: number, noun = 'argument'): string {
  return number === 0 ? `no ${noun}` : number === 1 ? `one ${noun}` : `${number} ${noun}s`;
}
