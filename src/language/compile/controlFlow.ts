import { isLeave, type Expr, type For, type If, type Leave, type Repeat, type While } from '../generated/ast';
import { OP } from '../program';
import { numberOf } from '../syntax/literals';
import { nodesOf } from '../syntax/nodes';
import type { Body, Operand } from './body';
import { compileAs, compileCondition, compileExpression, compileInto } from './expressions';
import { assignVariable } from './assignments';
import { compileBlock, headRange, type Flow } from './statements';
import { beginStatement, endStatement, headStatementRange, repeatStatement } from './statementRows';
import { namesLayout } from './kernelLayout';
import { tableNumber } from './tables';
import { described, isAddress, isNumeric } from './valueTypes';

/** `if`: the condition is a step of its own, and so is that of each `else if`. */
export function compileIf(body: Body, node: If): Flow {
  const { code } = body.unit;
  const otherwise = code.newLabel();
  const out = code.newLabel();
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.then)), 'own level');
  const said = body.unit.report.diagnostics.length;
  const tested = compileCondition(body, node.condition);
  const decided = body.unit.report.diagnostics.length > said ? undefined : decidedBranch(body, node, tested);
  const condition = body.inRegister(tested);
  code.jumpOn(OP.jumpUnless, condition, otherwise);
  endStatement(body, row);
  body.releaseTo(mark);
  const then = decided === 'else' ? 'goes on' : compileBlock(body, node.then);
  let other: Flow = 'goes on';
  if (decided !== 'then' && (node.else !== undefined || node.elseIf !== undefined)) {
    if (then === 'goes on') code.jump(out);
    code.place(otherwise);
    other = node.elseIf === undefined ? (node.else === undefined ? other : compileBlock(body, node.else)) : compileIf(body, node.elseIf);
  } else {
    code.place(otherwise);
  }
  code.place(out);
  const hasBoth = node.else !== undefined || node.elseIf !== undefined;
  if (decided !== undefined) return !hasBoth ? 'goes on' : decided === 'then' ? then : other;
  return then === 'leaves' && other === 'leaves' ? 'leaves' : 'goes on';
}

/**
 * Which branch alone can run, when the mode of the VM decides it: the other one is not compiled, and need not mean
 * anything in this mode. Another constant condition is a slip, and said.
 */
function decidedBranch(body: Body, node: If, tested: Operand): 'then' | 'else' | undefined {
  if (tested.constant === undefined) return undefined;
  const holds = tested.constant !== 0n;
  if (namesLayout(body, node.condition)) return holds ? 'then' : 'else';
  warnOfConstant(body, node.condition, holds, holds ? 'the lines always run' : 'the lines never run');
  return undefined;
}

function warnOfConstant(body: Body, node: Expr, holds: boolean, consequence: string): void {
  // A literal is meant: `while 1`, `if true`.
  if (node.$type === 'NumberLiteral' || node.$type === 'NameRef') return;
  body.fail(node, 'condition-constant', { value: holds ? 'true' : 'false', consequence });
}

export function compileWhile(body: Body, node: While): Flow {
  const { code } = body.unit;
  const again = code.newLabel();
  const out = code.newLabel();
  code.place(again);
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.body)), 'own level');
  const said = body.unit.report.diagnostics.length;
  const tested = compileCondition(body, node.condition);
  if (body.unit.report.diagnostics.length === said && tested.constant === 0n && !namesLayout(body, node.condition)) warnOfConstant(body, node.condition, false, 'the lines never run');
  code.jumpOn(OP.jumpUnless, body.inRegister(tested), out);
  body.releaseTo(mark);
  body.loops.push({ again, out, levels: body.levels.length });
  compileBlock(body, node.body);
  body.loops.pop();
  code.jump(again);
  code.place(out);
  endStatement(body, row);
  const isEndless = tested.constant !== undefined && tested.constant !== 0n && !namesLayout(body, node.condition);
  return isEndless && !nodesOf(node.body).some((each) => isLeave(each) && each.what === 'break') ? 'leaves' : 'goes on';
}

/** `for a in A .. B step S`: B is not included; each turn is a step. */
export function compileFor(body: Body, node: For): Flow {
  const { code } = body.unit;
  if (node.to === undefined) return compileTableLoop(body, node);
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.body)), 'own level');
  const variable = body.declareVariable(node.name);
  const first = body.allocate();
  const bound = body.allocate();
  const step = body.allocate();
  const fromType = compileInto(body, node.from, first);
  const toType = compileInto(body, node.to, bound, isAddress(fromType) ? fromType : 'number');
  if (!isNumeric(fromType)) {
    body.fail(node.from, 'not-counted', { written: body.written(node.from), type: described(fromType), advice: 'a loop counts numbers or addresses' });
  }
  warnOfEmptyLoop(body, node);
  compileStep(body, node, step);
  assignVariable(body, node, node.name, isAddress(fromType) ? fromType : toType, { type: 'number', register: first });
  const test = first;
  const top = code.newLabel();
  const again = code.newLabel();
  const out = code.newLabel();
  code.place(top);
  code.emit(OP.less, test, variable.register, bound);
  code.jumpOn(OP.jumpUnless, test, out);
  body.loops.push({ again, out, levels: body.levels.length });
  compileBlock(body, node.body);
  body.loops.pop();
  code.place(again);
  repeatStatement(body, row);
  code.emit(OP.add, variable.register, variable.register, step);
  code.jump(top);
  code.place(out);
  endStatement(body, row);
  body.releaseTo(mark);
  return 'goes on';
}

function warnOfEmptyLoop(body: Body, node: For): void {
  const bound = (each: Expr | undefined): bigint | undefined => (each?.$type === 'NumberLiteral' ? numberOf(each.value) : undefined);
  const [from, to] = [bound(node.from), bound(node.to)];
  if (from === undefined || to === undefined || from < to) return;
  body.fail(node, 'loop-never-runs', { from: body.written(node.from), to: node.to === undefined ? '' : body.written(node.to) });
}

/** `for k in t`: the keys in ascending order that hold something else than 0; what the body adds above k is met too. */
function compileTableLoop(body: Body, node: For): Flow {
  const { code } = body.unit;
  const mark = body.mark;
  const isTable = node.from.$type === 'NameRef' && (body.variable(node.from.name)?.type === 'table' || body.scope.find(node.from.name)?.kind === 'table');
  if (!isTable) {
    const value = compileExpression(body, node.from);
    body.fail(node.from, 'loop-not-over', { written: body.written(node.from), type: described(value.type) });
    body.releaseTo(mark);
  }
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.body)), 'own level');
  const variable = body.declareVariable(node.name);
  const table = body.allocate();
  const key = body.allocate();
  const found = body.allocate();
  const one = body.allocate();
  const named: Operand = isTable ? tableNumber(body, node.from) : { type: 'table', constant: 0n };
  if (named.constant !== undefined) code.loadConstant(table, named.constant);
  else code.emit(OP.move, table, named.register);
  code.loadConstant(key, 0n);
  code.loadConstant(one, 1n);
  const top = code.newLabel();
  const again = code.newLabel();
  const out = code.newLabel();
  code.place(top);
  code.emit(OP.tableNext, found, key, table);
  code.jumpOn(OP.jumpUnless, found, out);
  assignVariable(body, node, node.name, 'number', { type: 'number', register: key });
  body.loops.push({ again, out, levels: body.levels.length });
  compileBlock(body, node.body);
  body.loops.pop();
  code.place(again);
  repeatStatement(body, row);
  code.emit(OP.add, key, variable.register, one);
  // The key after the last one of all is 0 again.
  code.jumpOn(OP.jumpIf, key, top);
  code.place(out);
  endStatement(body, row);
  body.releaseTo(mark);
  return 'goes on';
}

function compileStep(body: Body, node: For, step: number): void {
  if (node.step === undefined) {
    body.unit.code.loadConstant(step, 1n);
    return;
  }
  const mark = body.mark;
  const value: Operand = compileAs(body, node.step, 'number');
  if (value.constant === 0n) body.fail(node.step, 'step-zero');
  if (value.constant !== undefined) body.unit.code.loadConstant(step, value.constant);
  else body.unit.code.emit(OP.move, step, value.register);
  body.releaseTo(mark);
}

export function compileRepeat(body: Body, node: Repeat): Flow {
  const { code } = body.unit;
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.body)), 'own level');
  const left = body.allocate();
  const one = body.allocate();
  const count = compileExpression(body, node.count, left);
  if (!isNumeric(count.type)) {
    body.fail(node.count, 'not-counted', { written: body.written(node.count), type: described(count.type), advice: 'write how many times' });
  }
  if (count.constant !== undefined) code.loadConstant(left, count.constant);
  else if (count.register !== left) code.emit(OP.move, left, count.register);
  code.loadConstant(one, 1n);
  const top = code.newLabel();
  const again = code.newLabel();
  const out = code.newLabel();
  code.place(top);
  code.jumpOn(OP.jumpUnless, left, out);
  body.loops.push({ again, out, levels: body.levels.length });
  compileBlock(body, node.body);
  body.loops.pop();
  code.place(again);
  repeatStatement(body, row);
  code.emit(OP.subtract, left, left, one);
  code.jump(top);
  code.place(out);
  endStatement(body, row);
  body.releaseTo(mark);
  return 'goes on';
}

/** `break`, `continue`: what `user` entered inside the loop is left first. */
export function compileLeave(body: Body, node: Leave): Flow {
  const loop = body.loops[body.loops.length - 1];
  if (loop === undefined) {
    body.fail(node, 'outside-loop', { what: node.what });
    return 'leaves';
  }
  const entered = body.levels[loop.levels];
  if (entered !== undefined) body.unit.code.emit(OP.leaveLevel, entered);
  body.unit.code.jump(node.what === 'break' ? loop.out : loop.again);
  return 'leaves';
}
