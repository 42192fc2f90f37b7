import type { Block, Print, Return, Statement, Text } from '../generated/ast';
import { OP, type PrintPart } from '../program';
import { extentOf } from '../syntax/sourceText';
import { compileUpdate } from './assignments';
import type { Body } from './body';
import { compileExpression, compileInto } from './expressions';
import { compileExpectation, isJudgement, markBefore } from './judgement';
import { compileFor, compileIf, compileLeave, compileRepeat, compileWhile } from './controlFlow';
import { beginStatement, endStatement, statementRange } from './statementRows';
import { warnOfContradictions } from './contradictions';
import { replacing } from './fixes';
import { emitHandlerEnd, mayRefuse } from './handlers';
import { compileHold, compileMeet } from './meetings';
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
    if (!isSaid) body.fail(first, 'unreachable');
    if (!isSaid) body.unit.report.mend(body.source, first, 'unreachable', replacing(body.source, first, ''));
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
    for (const each of below) checkStopIsLast(body, block, each, to === statements.length);
    compile(first, judgesNothing ? undefined : first, below);
    i = to;
  }
  return flow;
}

/** Nothing runs on a VM that has stopped. */
function checkStopIsLast(body: Body, block: Block, node: Statement, isLast: boolean): void {
  if (node.$type !== 'Expect' || node.claim.$type !== 'OutcomeClaim' || node.claim.what !== 'stopped') return;
  if (!isLast || block.$container.$type !== 'Cpu') body.fail(node, 'stopped-not-last');
}

function compileRun(body: Body, statement: Statement | undefined, below: readonly Statement[]): Flow {
  const mark = body.mark;
  const outer = body.judged;
  const judged = statement === undefined ? undefined : markBefore(body, below);
  const firstRow = body.unit.statements.length;
  const flow = statement === undefined ? 'goes on' : compileStatement(body, statement);
  const lastRow = body.unit.statements.length;
  body.judged = judged;
  warnOfContradictions(body, below);
  for (const each of below) {
    if (each.$type === 'Print') {
      compileSimple(body, each);
      continue;
    }
    if (each.$type !== 'Expect') continue;
    const outcome = compileExpectation(body, each);
    if (outcome === undefined) continue;
    for (const row of body.unit.statements.slice(firstRow, lastRow)) {
      (outcome.kind === 'refused' ? row.refusedBelow : row.stoppedBelow).push(outcome.expectation);
    }
  }
  body.judged = outer;
  body.releaseTo(mark);
  return flow;
}

export function compileStatement(body: Body, node: Statement): Flow {
  switch (node.$type) {
    case 'Actor':
      return node.who === 'host' ? compileHost(body, node) : compileUser(body, node);
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
      compileMeet(body, node);
      return 'goes on';
    case 'Hold':
      compileHold(body, node);
      return 'goes on';
    case 'Expect':
      compileExpectation(body, node);
      return 'goes on';
    default:
      return compileSimple(body, node);
  }
}

/** `host S` and `host { … }`: the host acts between two instructions of the guest. */
function compileHost(body: Body, node: Extract<Statement, { $type: 'Actor' }>): Flow {
  if (body.kind !== 'cpu' && body.kind !== 'host thread') {
    body.fail(node, 'host-in-procedure');
    return 'goes on';
  }
  const outer = body.purpose;
  body.purpose = 'host';
  let flow: Flow = 'goes on';
  if (node.body !== undefined) flow = compileBlock(body, node.body);
  else if (node.statement !== undefined && isSimple(node.statement)) flow = compileSimple(body, node.statement, node);
  else if (node.statement !== undefined) flow = compileStatement(body, node.statement);
  body.purpose = outer;
  return flow;
}

/** `user S` and `user { … }`: the same at CPL 3. The way back stands outside the statement, see `Statement.end`. */
function compileUser(body: Body, node: Extract<Statement, { $type: 'Actor' }>): Flow {
  if (body.purpose === 'host') {
    body.fail(node, 'host-statement', { what: 'user' });
    return 'goes on';
  }
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

/** `around` is what the step's range covers: the statement with the `host` before it. */
function compileSimple(body: Body, node: Simple, around: Statement = node): Flow {
  const row = beginStatement(body, statementRange(body, around), 'own level');
  const flow = compileWithin(body, node);
  endStatement(body, row);
  return flow;
}

function compileWithin(body: Body, node: Simple): Flow {
  const mark = body.mark;
  body.usedTechnique = false;
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
      if (!body.isHandler) body.fail(node, 'outside-handler');
      else if (!mayRefuse(body.handlerOf)) body.fail(node, 'refuse-interrupt', { kind: body.handlerOf ?? '' });
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
    if (value.$type === 'Text') return { text: saidBraces(body, value).text };
    const operand = compileExpression(body, value);
    if (operand.type === 'none' || operand.type === 'table') {
      body.fail(value, 'not-printed', { written: body.written(value), type: described(operand.type) });
    }
    const { type } = operand;
    if (operand.constant === undefined && operand.register >= body.mark - 1) return { register: operand.register, type };
    return { register: body.inRegister(operand), type };
  });
  body.purpose = outer;
  body.unit.prints.push(parts);
  body.unit.code.emit(OP.print, body.unit.prints.length - 1);
}

/** A value within a text's braces, as other languages have it: here, and unlike in log messages, they are part of the text. */
function saidBraces(body: Body, node: Text): Text {
  const match = /^([^{]*)(\{\s*([A-Za-z_][^{}]*?)\s*\})(.*)$/.exec(node.text);
  if (match === null) return node;
  const [, before = '', part = '', value = '', behind = ''] = match;
  const quoted = (text: string): readonly string[] => (text.trim() === '' ? [] : [`"${text.trim()}"`]);
  const instead = [...quoted(before), value, ...quoted(behind)].join(', ');
  body.unit.report.say(body.source, node, 'braces-in-text', { part, instead });
  body.unit.report.mend(body.source, node, 'braces-in-text', replacing(body.source, node, instead));
  return node;
}

function compileReturn(body: Body, node: Return): Flow {
  const { code } = body.unit;
  if (body.kind === 'cpu' || body.kind === 'host thread') {
    body.fail(node, 'return-in-cpu', { kind: body.kind });
    return 'leaves';
  }
  if (body.isHandler && node.value !== undefined) body.fail(node.value, 'handler-gives-nothing');
  if (body.isHandler) {
    emitHandlerEnd(body);
    return 'leaves';
  }
  const register = body.allocate();
  if (node.value === undefined) {
    if (body.result !== 'none') body.fail(node, 'return-without-value', { type: described(body.result) });
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
