import type { For, If, Leave, Repeat, While } from '../generated/ast';
import { OP } from '../program';
import type { Body, Operand } from './body';
import { compileAs, compileCondition, compileExpression, compileInto } from './expressions';
import { assignVariable } from './assignments';
import { compileBlock, headRange, type Flow } from './statements';
import { beginStatement, endStatement, headStatementRange, repeatStatement } from './statementRows';
import { described, isAddress, isNumeric } from './valueTypes';

/** `if`: the condition is a step of its own, and so is that of each `else if`. */
export function compileIf(body: Body, node: If): Flow {
  const { code } = body.unit;
  const otherwise = code.newLabel();
  const out = code.newLabel();
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.then)), 'own level');
  const condition = body.inRegister(compileCondition(body, node.condition));
  code.jumpOn(OP.jumpUnless, condition, otherwise);
  endStatement(body, row);
  body.releaseTo(mark);
  const then = compileBlock(body, node.then);
  let other: Flow = 'goes on';
  if (node.else !== undefined || node.elseIf !== undefined) {
    if (then === 'goes on') code.jump(out);
    code.place(otherwise);
    other = node.elseIf === undefined ? (node.else === undefined ? other : compileBlock(body, node.else)) : compileIf(body, node.elseIf);
  } else {
    code.place(otherwise);
  }
  code.place(out);
  return then === 'leaves' && other === 'leaves' ? 'leaves' : 'goes on';
}

export function compileWhile(body: Body, node: While): Flow {
  const { code } = body.unit;
  const again = code.newLabel();
  const out = code.newLabel();
  code.place(again);
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.body)), 'own level');
  const condition = body.inRegister(compileCondition(body, node.condition));
  code.jumpOn(OP.jumpUnless, condition, out);
  body.releaseTo(mark);
  body.loops.push({ again, out, levels: body.levels.length });
  compileBlock(body, node.body);
  body.loops.pop();
  code.jump(again);
  code.place(out);
  endStatement(body, row);
  return 'goes on';
}

/** `for a in A .. B step S`: B is not included; each turn is a step. */
export function compileFor(body: Body, node: For): Flow {
  const { code } = body.unit;
  if (node.to === undefined) {
    body.fail(node, 'A loop over a table is not supported yet; loop over numbers: for k in 0 .. n.');
    return 'goes on';
  }
  const mark = body.mark;
  const row = beginStatement(body, headStatementRange(body, headRange(body, node, node.body)), 'own level');
  const variable = body.declareVariable(node.name);
  const first = body.allocate();
  const bound = body.allocate();
  const step = body.allocate();
  const fromType = compileInto(body, node.from, first);
  const toType = compileInto(body, node.to, bound, isAddress(fromType) ? fromType : 'number');
  if (!isNumeric(fromType)) {
    body.fail(node.from, `\`${body.written(node.from)}\` is ${described(fromType)}; a loop counts numbers or addresses.`);
  }
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

function compileStep(body: Body, node: For, step: number): void {
  if (node.step === undefined) {
    body.unit.code.loadConstant(step, 1n);
    return;
  }
  const mark = body.mark;
  const value: Operand = compileAs(body, node.step, 'number');
  if (value.constant === 0n) body.fail(node.step, 'A loop with step 0 never ends; write another step.');
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
    body.fail(node.count, `\`${body.written(node.count)}\` is ${described(count.type)}; write how many times.`);
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
    body.fail(node, `\`${node.what}\` stands in no loop; remove it, or put it inside while, for or repeat.`);
    return 'leaves';
  }
  const entered = body.levels[loop.levels];
  if (entered !== undefined) body.unit.code.emit(OP.leaveLevel, entered);
  body.unit.code.jump(node.what === 'break' ? loop.out : loop.again);
  return 'leaves';
}
