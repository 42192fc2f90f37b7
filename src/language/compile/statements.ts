import type { Block, Print, Return, Statement } from '../generated/ast';
import { OP, type PrintPart } from '../program';
import { extentOf } from '../syntax/sourceText';
import { compileUpdate } from './assignments';
import type { Body } from './body';
import { compileExpression, compileInto } from './expressions';
import { compileExpectation, isJudgement, markBefore } from './judgement';
import { compileFor, compileIf, compileLeave, compileRepeat, compileWhile } from './controlFlow';
import { beginStatement, endStatement, statementRange } from './statementRows';
import { described } from './valueTypes';

/** Whether the line below can be reached. */
export type Flow = 'goes on' | 'leaves';

/**
 * Compiles a block. Expectations and prints in a row belong to the statement above them: what they need to know is
 * noted right before it.
 */
export function compileBlock(body: Body, block: Block): Flow {
  const { statements } = block;
  let flow: Flow = 'goes on';
  let isSaid = false;
  const compile = (first: Statement, statement: Statement | undefined, below: readonly Statement[]): void => {
    if (flow === 'goes on') {
      flow = compileRun(body, statement, below);
      return;
    }
    if (!isSaid) body.unit.report.warning(body.source, first, 'This line is never reached; remove it, or the line above that leaves.');
    isSaid = true;
    body.unit.report.pauseWarnings(() => compileRun(body, statement, below));
  };
  let i = 0;
  while (i < statements.length) {
    const first = statements[i];
    if (first === undefined) break;
    const judgesNothing = isJudgement(first);
    const from = judgesNothing ? i : i + 1;
    let to = from;
    while (isJudgement(statements[to])) to++;
    const below = statements.slice(from, to);
    compile(first, judgesNothing ? undefined : first, below);
    i = to;
  }
  return flow;
}

function compileRun(body: Body, statement: Statement | undefined, below: readonly Statement[]): Flow {
  const mark = body.mark;
  const outer = body.judged;
  const judged = statement === undefined ? undefined : markBefore(body, below);
  const firstRow = body.unit.statements.length;
  const flow = statement === undefined ? 'goes on' : compileStatement(body, statement);
  const lastRow = body.unit.statements.length;
  body.judged = judged;
  for (const each of below) {
    if (each.$type === 'Print') {
      compileSimple(body, each);
      continue;
    }
    if (each.$type !== 'Expect') continue;
    const expectation = compileExpectation(body, each);
    if (expectation === undefined) continue;
    for (const row of body.unit.statements.slice(firstRow, lastRow)) row.refusedBelow.push(expectation);
  }
  body.judged = outer;
  body.releaseTo(mark);
  return flow;
}

export function compileStatement(body: Body, node: Statement): Flow {
  switch (node.$type) {
    case 'Actor':
      if (node.who === 'host') {
        body.fail(node, 'Host statements are not supported yet; remove the line, or let the guest act.');
        return 'goes on';
      }
      return compileUser(body, node);
    case 'Measure':
      return compileBlock(body, node.body);
    case 'If':
      return compileIf(body, node);
    case 'While':
      return compileWhile(body, node);
    case 'For':
      return compileFor(body, node);
    case 'Repeat':
      return compileRepeat(body, node);
    case 'Meet':
      body.fail(node, `\`${node.what}\` is not supported yet, as there is only one CPU; remove the line.`);
      return 'goes on';
    case 'Hold':
      body.fail(node, '`hold` is not supported yet, as there is only one CPU; remove the line.');
      return 'goes on';
    case 'Expect':
      compileExpectation(body, node);
      return 'goes on';
    default:
      return compileSimple(body, node);
  }
}

/** `user S` and `user { … }`: the same at CPL 3. The way back stands outside the statement, see `Statement.end`. */
function compileUser(body: Body, node: Extract<Statement, { $type: 'Actor' }>): Flow {
  const { code } = body.unit;
  const mark = body.mark;
  const level = body.allocate();
  const { statement } = node;
  let flow: Flow = 'goes on';
  if (statement !== undefined && isSimple(statement)) {
    const row = beginStatement(body, statementRange(body, node), 'user');
    body.levels.push(level);
    code.emit(OP.enterLevel, level, 3);
    flow = compileWithin(body, statement);
    endStatement(body, row);
  } else {
    code.emit(OP.enterLevel, level, 3);
    body.levels.push(level);
    if (node.body !== undefined) flow = compileBlock(body, node.body);
    else if (statement !== undefined) flow = compileStatement(body, statement);
  }
  body.levels.pop();
  if (flow === 'goes on') code.emit(OP.leaveLevel, level);
  body.releaseTo(mark);
  return flow;
}

type Simple = Extract<Statement, { $type: 'Update' | 'Print' | 'Return' | 'Refuse' | 'Leave' }>;

function isSimple(node: Statement): node is Simple {
  return ['Update', 'Print', 'Return', 'Refuse', 'Leave'].includes(node.$type);
}

function compileSimple(body: Body, node: Simple): Flow {
  const row = beginStatement(body, statementRange(body, node), 'own level');
  const flow = compileWithin(body, node);
  endStatement(body, row);
  return flow;
}

function compileWithin(body: Body, node: Simple): Flow {
  const mark = body.mark;
  const flow = compileSimpleNode(body, node);
  body.releaseTo(mark);
  return flow;
}

function compileSimpleNode(body: Body, node: Simple): Flow {
  switch (node.$type) {
    case 'Update':
      compileUpdate(body, node);
      return 'goes on';
    case 'Print':
      compilePrint(body, node);
      return 'goes on';
    case 'Return':
      return compileReturn(body, node);
    case 'Refuse':
      if (!body.isHandler) body.fail(node, '`refuse` gives up the access that a handler was called for; write it in `on page_fault`.');
      body.unit.code.emit(OP.refuse);
      return 'leaves';
    case 'Leave':
      return compileLeave(body, node);
  }
}

function compilePrint(body: Body, node: Print): void {
  const outer = body.purpose;
  body.purpose = 'judge';
  const parts = node.values.map((value): PrintPart => {
    if (value.$type === 'Text') return { text: value.text };
    const operand = compileExpression(body, value);
    if (operand.type === 'none' || operand.type === 'table') {
      body.fail(value, `\`${body.written(value)}\` is ${described(operand.type)} and cannot be printed; print a number or an address.`);
    }
    const { type } = operand;
    if (operand.constant === undefined && operand.register >= body.mark - 1) return { register: operand.register, type };
    return { register: body.inRegister(operand), type };
  });
  body.purpose = outer;
  body.unit.prints.push(parts);
  body.unit.code.emit(OP.print, body.unit.prints.length - 1);
}

function compileReturn(body: Body, node: Return): Flow {
  const { code } = body.unit;
  if (body.kind === 'cpu') {
    body.fail(node, '`return` leaves a procedure or handler; in a cpu block, let the block end instead.');
    return 'leaves';
  }
  if (body.isHandler && node.value !== undefined) body.fail(node.value, 'A handler gives no value; write `return` alone.');
  if (body.kind === 'page_fault') {
    code.emit(OP.iret);
    return 'leaves';
  }
  const register = body.allocate();
  if (node.value === undefined) {
    if (body.result !== 'none') body.fail(node, `This procedure gives ${described(body.result)}; write a value after \`return\`.`);
    code.loadConstant(register, 0n);
  } else {
    compileInto(body, node.value, register, body.result);
  }
  const outermost = body.levels[0];
  if (outermost !== undefined) code.emit(OP.leaveLevel, outermost);
  code.emit(OP.return, register);
  return 'leaves';
}

/** Range of a block's head: from its word to the condition's end. */
export function headRange(body: Body, node: Statement, block: Block): { readonly start: number; readonly end: number } {
  const { start } = extentOf(node);
  const text = body.source.text.slice(start, extentOf(block).start).trimEnd();
  return { start, end: start + text.length };
}
