import type { Call, Expr } from '../generated/ast';
import { OP, type ValueType } from '../program';
import { compileQuestion } from './asked';
import type { Body, Operand } from './body';
import { hostActions, instructions, questions } from './builtins';
import { compileEntryConstructor, compileEntryNumber } from './entries';
import { entryConstructors, namedFormats } from './entryFormat';
import { compileExpression, compileInto } from './expressions';
import { compileEptPointer, compileExtendedEntry } from './extendedEntries';
import { inserting } from './fixes';
import { compileHostAction } from './hostCalls';
import { compileInstruction } from './instructionCalls';
import { dottedPath } from './names';
import { isOwner, ownerNamed } from './owners';
import type { ProcedureSymbol } from './symbols';
import { tableNumber } from './tables';
import { procedureNamed } from './unit';
import { counted, signatureOf } from './valueTypes';

/** A name with parentheses: a procedure, an instruction, a question, a host action or an entry constructor. */
export function compileCall(body: Body, node: Call, target?: number): Operand {
  const path = dottedPath(node.of);
  if (path === undefined) {
    return body.fail(node.of, 'cannot-call', { written: body.written(node.of), advice: 'only a name has parentheses' });
  }
  const [first = '', second] = path;
  if (second !== undefined) return compileDottedCall(body, node, path, target);
  if (first === 'original') return compileOriginal(body, node, target);
  const procedure = procedureNamed(body.vm, first);
  if (procedure !== undefined) return compileProcedureCall(body, node, procedure, target);
  if (Object.hasOwn(questions, first)) return compileQuestion(body, node, first, undefined, target);
  if (first === 'walk') return body.fail(node, 'walk-alone');
  if (instructions.has(first)) return compileInstruction(body, node, first, target);
  if (entryConstructors.has(first)) return compileEntryConstructor(body, node, first, undefined, target);
  if (first === 'epte') return compileExtendedEntry(body, node, target);
  if (first === 'eptp') return compileEptPointer(body, node, target);
  if (first === 'key' || first === 'bit') return compileEntryNumber(body, node, first, target);
  if (hostActions.has(first)) return compileHostCall(body, node, first, target);
  return unknownCall(body, node, first);
}

function compileDottedCall(body: Body, node: Call, path: readonly string[], target?: number): Operand {
  const [root = '', name = ''] = path;
  if (path.length === 2 && root === 'tlb' && name === 'holds') return compileQuestion(body, node, 'tlb.holds', undefined, target);
  if (path.length === 2 && namedFormats.has(root) && entryConstructors.has(name)) {
    return compileEntryConstructor(body, node, name, root, target);
  }
  const last = path[path.length - 1] ?? '';
  if (isOwner(body, root) && (Object.hasOwn(questions, last) || last === 'walk')) {
    if (last === 'walk') return body.fail(node, 'walk-alone');
    const owner = ownerNamed(body, node, path.slice(0, -1));
    return owner === undefined ? { type: 'number', constant: 0n } : compileQuestion(body, node, last, owner, target);
  }
  return body.fail(node.of, 'cannot-call', { written: path.join('.'), advice: 'see docs/language.md for what can' });
}

function compileHostCall(body: Body, node: Call, name: string, target?: number): Operand {
  if (body.purpose === 'host') return compileHostAction(body, node, name, target);
  const failed = body.fail(node, 'host-only', { name });
  if (body.purpose === 'guest') body.unit.report.mend(body.source, node, 'host-only', inserting(body.source, node, 'host '));
  return failed;
}

function compileProcedureCall(body: Body, node: Call, procedure: ProcedureSymbol, target?: number): Operand {
  const { name, parameters } = procedure;
  if (body.purpose === 'host') return body.fail(node, 'host-runs-no-guest', { name });
  if (body.purpose !== 'guest') {
    const advice = body.isLooking ? 'step into it instead' : `assign it in a line above: x = ${name}(…)`;
    return body.fail(node, 'call-touches', { name, advice });
  }
  if (node.args.length !== parameters.length) {
    return body.fail(node, 'argument-count', {
      name, wanted: counted(parameters.length, 'argument'), count: node.args.length, shape: signatureOf(name, parameters),
    });
  }
  const mark = body.mark;
  const base = body.allocate(Math.max(1, parameters.length));
  node.args.forEach((argument, i) => {
    const inner = body.mark;
    compileArgument(body, argument, base + i, parameters[i]?.type ?? 'number');
    body.releaseTo(inner);
  });
  body.releaseTo(mark);
  const result = target ?? body.allocate();
  body.unit.code.emit(OP.call, procedure.index, base, result);
  return { type: procedure.result, register: result };
}

function compileArgument(body: Body, argument: Expr, register: number, type: ValueType): void {
  if (type !== 'table') {
    compileInto(body, argument, register, type);
    return;
  }
  const table = tableNumber(body, argument);
  if (table.constant !== undefined) body.unit.code.loadConstant(register, table.constant);
  else body.unit.code.emit(OP.move, register, table.register);
}

function compileOriginal(body: Body, node: Call, target?: number): Operand {
  if (body.original === undefined) return body.fail(node, 'original-of-nothing');
  return compileProcedureCall(body, node, body.original, target);
}

function unknownCall(body: Body, node: Call, name: string): Operand {
  if (body.unit.lost.has(name)) {
    for (const argument of node.args) compileExpression(body, argument);
    return { type: 'number', constant: 0n };
  }
  if (body.vm.symbols.withoutPaging.has(name)) {
    for (const argument of node.args) compileExpression(body, argument);
    return body.fail(node.of, 'needs-paging', { name });
  }
  const known = [
    ...body.vm.symbols.procedures.keys(), ...Object.keys(questions), ...instructions.keys(), ...hostActions,
    ...entryConstructors.keys(), 'walk', 'key', 'bit', 'original', 'epte', 'eptp',
  ];
  if (body.isLooking) {
    return body.failName(node.of, 'unknown-question', name, known, { name, choices: `${Object.keys(questions).join(', ')} or walk` });
  }
  if (body.purpose === 'host') {
    return body.failName(node.of, 'unknown-host-action', name, [...hostActions], { name, choices: [...hostActions].join(', ') });
  }
  const without = body.vm.symbols.paging === 'off at first' ? ' (with `kernel none` there is no library)' : '';
  return body.failName(node.of, 'unknown-procedure', name, known, { name, without });
}
